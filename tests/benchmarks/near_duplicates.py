"""Near-duplicate search beside rensa, datasketch, text-dedup and datatrove: same rows, same machine, a process each.

    python tests/benchmarks/near_duplicates.py                # into results/benchmarks/near_duplicates.json
    python tests/benchmarks/near_duplicates.py --originals 2000 --scale 0 --out /tmp/try.json

The rows are dialogues that are all different (no two share half of their character 5-grams: all pairs are compared)
and copies of some with 2 % of their characters changed, shuffled. A copy is found where it is in one cluster with its
original; a false merge is a pair of different dialogues in one cluster. Real dialogues are used where
../shared/data is present, and the rest is grown from the sample: turns of its conversations, drawn at random.
CPU seconds are those of the whole process and its children, reading included. The peers are installed into virtual
environments of their own under build/bench.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialogues import ROOT, changed, distinct, grown, real
from report import finish, machine, python_with, write

SEED, CHANGED, DISTINCT = 5, 0.02, 0.5
RECALL, FALSE_MERGES = 0.98, 3

READ = """
import json, sys
rows = [json.loads(line)["text"] for line in open(sys.argv[1], encoding="utf-8")]
def done(labels): json.dump(labels, open(sys.argv[2], "w"))
def joined(pairs):
    labels = list(range(len(rows)))
    def root(x):
        while labels[x] != x: labels[x] = x = labels[labels[x]]
        return x
    for a, b in pairs: labels[root(a)] = root(b)
    return [root(x) for x in range(len(rows))]
"""
OURS = """
import json, sys; from pathlib import Path; from dataset_builder.duplicates import find
json.dump([int(cluster) for _, cluster in find(Path(sys.argv[1]))], open(sys.argv[2], "w"))
"""
# Batches, as its README advises; candidates are held against the threshold, as its own deduplicator does.
RENSA = (
    READ
    + """
from rensa import RMinHash, RMinHashLSH
lsh, hashes = RMinHashLSH(0.7, 128, 32), []
for start in range(0, len(rows), 1024):
    tokens = [[text[i : i + 5] for i in range(len(text) - 4)] for text in rows[start : start + 1024]]
    hashes += RMinHash.from_token_sets(tokens, num_perm=128, seed=42)
lsh.insert_many(hashes)
near = ((a, b) for a, found in enumerate(lsh.query_all(hashes)) for b in found if b > a)
done(joined((a, b) for a, b in near if hashes[a].jaccard(hashes[b]) >= 0.7))
"""
)
# Its fastest pipeline, which only flags rows: a flagged row counts as found, and no false merge can be counted.
RENSA_RHO = (
    READ
    + """
from rensa import RMinHash, RMinHashLSH
tokens = ([text[i : i + 5] for i in range(len(text) - 4)] for text in rows)
matrix = RMinHash.digest_matrix_from_token_sets_rho(tokens, num_perm=128, seed=42)
done({"flagged": RMinHashLSH(0.7, 128, 32).query_duplicate_flags_matrix_one_shot(matrix)})
"""
)
DATASKETCH = (
    READ
    + """
from datasketch import MinHash, MinHashLSH
tokens = ([text[i : i + 5].encode() for i in range(len(text) - 4)] for text in rows)
lsh, hashes = MinHashLSH(threshold=0.7, num_perm=128), list(MinHash.generator(tokens, num_perm=128))
with lsh.insertion_session() as session:
    for place, each in enumerate(hashes): session.insert(place, each)
near = ((a, b) for a, each in enumerate(hashes) for b in lsh.query(each) if b > a)
done(joined((a, b) for a, b in near if hashes[a].jaccard(hashes[b]) >= 0.7))
"""
)
TEXT_DEDUP = (
    READ
    + """
import tempfile; from text_dedup import minhash
work = tempfile.mkdtemp(dir=sys.argv[3])
minhash.main(standalone_mode=False, args=["--path", "json", "--data_files", sys.argv[1], "--split", "train",
    "--cache_dir", work + "/cache", "--output", work + "/out", "--column", "text", "--batch_size", "10000",
    "--threshold", "0.7", "--num_proc", "1"])
done([minhash.uf.find(place) for place in range(len(rows))])
"""
)
DATATROVE = (
    READ
    + """
import struct, tempfile; from pathlib import Path
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
work, config, path = Path(tempfile.mkdtemp(dir=sys.argv[3])), MinhashConfig(), Path(sys.argv[1])
sigs, buckets, ids = (str(work / name) for name in ("signatures", "buckets", "ids"))
reader = JsonlReader(str(path.parent), glob_pattern=path.name)
for name, steps, tasks in (
    ("1", [reader, MinhashDedupSignature(sigs, config=config, language=sys.argv[4])], 1),
    ("2", [MinhashDedupBuckets(sigs, buckets, config=config)], config.num_buckets),
    ("3", [MinhashDedupCluster(buckets, ids, config=config, save_cluster_id=True)], 1),
):
    LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=1, logging_dir=str(work / "logs" / name)).run()
labels = list(range(len(rows)))
for file in Path(ids).glob("*.clusters"):
    for place, cluster in struct.iter_unpack("<2I", file.read_bytes()): labels[place] = -1 - cluster
done(labels)
"""
)


# Read by the process itself, as what wait4 tells of a child begins with the memory of its parent.
PEAK = """
status = open("/proc/self/status").read()
open(sys.argv[2] + ".peak", "w").write(status.partition("VmHWM:")[2].split()[0])
"""


@dataclass(frozen=True)
class Contender:
    """A script, the packages of its environment (none: ours), what it is given, and what is to be said of it."""

    script: str
    packages: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    spaced: bool = False
    note: str = ""


SPACED = "rows with a space between all characters, so that its words are characters (the spacing is not timed)"
TROVE = ("datatrove[processing,io]==0.10.1", "spacy==3.8.18", "jieba==0.42.1")
CONTENDERS = {
    "reading only": Contender(
        READ + "done(list(range(len(rows))))", note="what the scripts of all but ours begin with"
    ),
    "ours": Contender(OURS, note="duplicates.find: rows streamed from the file, pairs that come close read again"),
    "rensa": Contender(RENSA, ("rensa==0.5.0",), note="character 5-grams in Python, batches, 32 bands"),
    "rensa rho": Contender(RENSA_RHO, ("rensa==0.5.0",), note="flags rows and makes no clusters"),
    "datasketch": Contender(DATASKETCH, ("datasketch==2.0.0",), note="character 5-grams in Python"),
    "text-dedup": Contender(TEXT_DEDUP, ("text-dedup==0.4.0",), note="as documented: splits at \\W"),
    "text-dedup, spaced": Contender(TEXT_DEDUP, ("text-dedup==0.4.0",), spaced=True, note=SPACED),
    "datatrove": Contender(DATATROVE, TROVE, ("cmn_Hani",), note="5-grams of jieba's words, 14 bands of 8"),
    "datatrove, spaced": Contender(DATATROVE, TROVE, ("zho_Latn",), spaced=True, note=SPACED),
}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _rows(originals: int, rng: random.Random) -> tuple[list[tuple[int, str]], dict[str, Any]]:
    """The rows, each with the number of its dialogue; and what they are."""
    found = list(real())
    rng.shuffle(found)
    more = grown(rng)
    found = found[:originals]
    found += [("grown from the sample", next(more)) for _ in range(originals + originals // 50 - len(found))]
    keep = distinct([text for _, text in found], DISTINCT)
    kept = [pair for pair, good in zip(found, keep, strict=True) if good][:originals]
    pool = "".join(sorted({letter for _, text in kept[:500] for letter in text if not letter.isspace()}))
    rows = [(number, text) for number, (_, text) in enumerate(kept)]
    rows += [(number, changed(text, CHANGED, pool, rng)) for number, text in rng.sample(rows, originals // 10)]
    rng.shuffle(rows)
    about = {
        "originals": len(kept),
        "copies": originals // 10,
        "characters": sum(len(text) for _, text in rows),
        "sources": dict(sorted(Counter(source for source, _ in kept).items())),
        "left out, nearer than 0.5 to another": keep.count(False),
    }
    return rows, about


def _write(path: Path, texts: Iterator[str]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")
    return path


def _measured(python: str, script: str, arguments: list[str], work: Path) -> dict[str, float]:
    """CPU seconds of a process and the children that it waited for, on one thread where it can; its peak memory."""
    log, labels = work / "log.txt", work / "labels.json"
    command = [python, "-c", script + PEAK, arguments[0], str(labels), *arguments[1:]]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    env = {**kept, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "hf"), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=work, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise OSError(f"exit code {process.returncode}: {log.read_text(encoding='utf-8', errors='replace')[-500:]}")
    wall = time.perf_counter() - start
    peak = int(Path(f"{labels}.peak").read_text()) * 1024 / 1e6
    return {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall, "peak_rss_mb": peak}


def _judged(labels: Any, rows: list[tuple[int, str]]) -> dict[str, Any]:
    """Recall of the copies, and how many pairs of different dialogues are in one cluster."""
    places = defaultdict(list)
    for place, (number, _) in enumerate(rows):
        places[number].append(place)
    copied = [pair for pair in places.values() if len(pair) == 2]
    if isinstance(labels, dict):
        flags = labels["flagged"]
        single = sum(flags[place] for each in places.values() if len(each) == 1 for place in each)
        return {"recall": sum(flags[a] or flags[b] for a, b in copied) / len(copied), "flagged wrongly": single}
    members = defaultdict(set)
    for label, (number, _) in zip(labels, rows, strict=True):
        members[label].add(number)
    wrong = sum(len(each) * (len(each) - 1) // 2 for each in members.values())
    recall = sum(labels[a] == labels[b] for a, b in copied) / len(copied)
    return {"recall": recall, "found": sum(labels[a] == labels[b] for a, b in copied), "false_merges": wrong}


def _versions(python: str, packages: tuple[str, ...]) -> dict[str, str]:
    names = [package.partition("==")[0].partition("[")[0] for package in packages] or ["numpy"]
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True)
    return dict(zip(names, done.stdout.split(), strict=True))


def _compared(rows: list[tuple[int, str]], work: Path, build: Path, only: list[str]) -> dict[str, Any]:
    for folder in ("plain", "spaced"):
        (work / folder).mkdir()
    plain = _write(work / "plain" / "rows.jsonl", (text for _, text in rows))
    spaced = _write(work / "spaced" / "rows.jsonl", (" ".join(text) for _, text in rows))
    found: dict[str, Any] = {}
    for name, contender in CONTENDERS.items():
        if only and name not in only:
            continue
        try:
            python = python_with(contender.packages, build)
            rows_file = str(spaced if contender.spaced else plain)
            costs = _measured(python, contender.script, [rows_file, str(work), *contender.arguments], work)
            labels = json.loads((work / "labels.json").read_text(encoding="utf-8"))
            found[name] = {
                "versions": _versions(python, contender.packages),
                "note": contender.note,
                **costs,
                **(_judged(labels, rows) if name != "reading only" else {}),
            }
        except OSError as error:
            found[name] = {"note": contender.note, "failed": str(error)}
        _say(f"{name}: {found[name]}")
    return found


def _scaled(sizes: list[int], work: Path) -> list[dict[str, float]]:
    """Ours on so many dialogues grown from the sample, a hundredth of them copied, with 2 % changed."""
    found = []
    for size in sizes:
        rng = random.Random(SEED)
        path = _write(work / "scale.jsonl", _crowd(size, rng))
        costs = _measured(sys.executable, OURS, [str(path)], work)
        labels = json.loads((work / "labels.json").read_text(encoding="utf-8"))
        copies = max(1, size // 100)
        right = sum(labels[size - copies + place] == place for place in range(copies))
        found.append(
            {
                "rows": size,
                "megabytes": path.stat().st_size / 1e6,
                **costs,
                "recall": right / copies,
                "rows merged": size - len(set(labels)),
                "cpu_ms_a_row": costs["cpu_s"] / size * 1e3,
            }
        )
        _say(f"scale: {found[-1]}")
        path.unlink()
    return found


def _crowd(size: int, rng: random.Random) -> Iterator[str]:
    copies, more, first = max(1, size // 100), grown(rng), []
    for number in range(size - copies):
        text = next(more)
        if number < copies:
            first.append(text)
        yield text
    pool = "".join(sorted(set("".join(first[:50])) - {"\n"}))
    yield from (changed(text, CHANGED, pool, rng) for text in first)


def _limits(found: dict[str, Any]) -> dict[str, bool]:
    """The bars of this project, for ours; rensa's are of the run that makes clusters."""
    ours, rensa = found["ours"], found.get("rensa", {})
    limits = {
        f"recall at least {RECALL}": ours["recall"] >= RECALL,
        f"false merges at most {FALSE_MERGES}": ours["false_merges"] <= FALSE_MERGES,
    }
    if "cpu_s" in rensa:
        limits["CPU seconds at most rensa's"] = ours["cpu_s"] <= rensa["cpu_s"]
    return limits


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    build = ROOT / "build" / "bench"
    build.mkdir(parents=True, exist_ok=True)
    rows, about = _rows(options.originals, random.Random(SEED))
    _say(f"rows: {about}")
    with tempfile.TemporaryDirectory(dir=build) as name:
        found = _compared(rows, Path(name), build, options.only)
        scale = _scaled([options.scale // 10, options.scale], Path(name)) if options.scale else []
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "seed": SEED,
        "changed": CHANGED,
        "rows": about,
        "contenders": found,
        "scale": scale,
        "limits": _limits(found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--originals", type=int, default=20_000, help="different dialogues; a tenth is copied (20000)")
    parser.add_argument("--scale", type=int, default=350_000, help="rows of the run that only ours does; 0 for none")
    parser.add_argument("--only", action="append", default=[], help="one of the contenders, beside ours")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks" / "near_duplicates.json")
    options = parser.parse_args()
    if options.only:
        options.only.append("ours")
    found = benchmark(options)
    write(found, options.out)
    finish(found["limits"])


if __name__ == "__main__":
    main()
