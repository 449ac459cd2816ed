"""Rewriting beside distilabel and a bare loop: the same scripted endpoint and machine, a process each, one run.

    python tests/benchmarks/rewriting.py                      # into results/benchmarks/rewriting.json
    python tests/benchmarks/rewriting.py --requests 640 --repeats 1 --no-million --out /tmp/try.json

64 requests are in flight, answers take 50 ms; then 2 % of them take 2 s. Requests a second are what the endpoint saw,
from the first request to the last answer, so that no start-up counts: the median of the repeats, which go in turns, as
a ratio is the median of those of each turn. Ours has part of its start-up after the first request (a process that
checks transcripts), which is why there are 10,000; distilabel has none of it, and takes 3,000. CPU is that of the
process and its children beyond that of a run of 64 requests, for each further one: it says what the rates cannot where
the machine has other work (`load`). The bare loop is the same `openai` client, 64 tasks over one iterator, that keeps
and checks nothing.

With answers of 1 s, and 20 s for 2 % of them, the run is held against a perfect pool: the time that 64 workers need
for the very delays that were drawn, in the order in which they were, where nothing else takes time.

Parts that are not asked for stay in --out as they are, with the day on which they were measured.

A million questions go against an endpoint that answers at once: peak memory after 100,000 rows and at the end, then
the same command again, over a million finished rows. distilabel is installed into build/bench.
"""

import argparse
import heapq
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialogues import ROOT
from report import finish, machine, python_with, write

SEED, IN_FLIGHT, WARM_UP = 6, 64, 64
PEER_REQUESTS = 3_000
FAST = {"latency": 0.05}
SLOW = {"latency": 0.05, "slow": 2.0, "slow_share": 0.02}
LONG = {"latency": 1.0, "slow": 20.0, "slow_share": 0.02}
PARTS = ("50 ms", "50 ms, 2 % of 2 s", "1 s, 2 % of 20 s", "million")
TIMES, SHARE_OF_BARE, SHARE_OF_PERFECT, PEAK_MB, FLAT, RESUME_S = 4, 0.85, 0.95, 400, 1.1, 30

SERVER = """
import asyncio, json, resource, sys
import scripted
arrivals, drawn = [], scripted.number
def number(*parts):
    value = drawn(*parts)
    if parts[0] == "slow" and not script.instant: arrivals.append((asyncio.get_running_loop().time(), value))
    return value
scripted.number = number
script = scripted.Script(**json.loads(sys.argv[1]))
# A rewriting in its own words: one that opens with the whole question would be sent back.
script.answer = lambda messages: scripted.transcript("我最近心里很乱，不知道怎么办", seed=messages[0]["content"])
scripted.INSTANT = scripted.completion({"model": "tiny", "messages": [{"role": "user", "content": ""}]}, script)
async def serve():
    endpoint = scripted.Scripted(script)
    await endpoint.serve(0)
    print(endpoint.url, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    delays = [script.slow if value < script.slow_share else script.latency for _, value in arrivals]
    span = endpoint.times[-1] - arrivals[0][0] if arrivals and endpoint.times else 0.0
    used = resource.getrusage(resource.RUSAGE_SELF)
    about = {"span_s": span, "delays": delays, "sent": endpoint.sent.total(), "most_in_flight": endpoint.most_busy}
    print(json.dumps({**about, "cpu_s": used.ru_utime + used.ru_stime}), flush=True)
asyncio.run(serve())
"""
# What each contender is given: the endpoint, the questions, a folder, and how many are in flight.
OURS = """
import json, sys, time
from pathlib import Path
from dataset_builder.rewriting.config import load_config
from dataset_builder.rewriting.rewrite import rewrite
url, questions, out, in_flight = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
seen = []
def progress(line):
    peak = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    seen.append((int(line.split(" ", 1)[0].replace(",", "")) if line[0].isdigit() else -1, peak, time.monotonic()))
config = load_config(base_url=url, models={"tiny": 1}, prompt="paper-zh", concurrency=in_flight)
report = rewrite(config, questions, out, progress=progress)
progress(f"{report.done} rows")
said = {name: report.figures[name] for name in ("rows", "reasons", "sent_back", "retries")}
Path(sys.argv[5]).write_text(json.dumps({**said, "seen": seen}))
"""
BARE = """
import asyncio, json, sys
from pathlib import Path
from openai import AsyncOpenAI, DefaultAioHttpClient
from dataset_builder.rewriting.prompts import prompt
url, questions, in_flight, template = sys.argv[1], Path(sys.argv[2]), int(sys.argv[4]), prompt("paper-zh")
texts = (template.render(row["question"], row["answer"]) for row in map(json.loads, questions.open(encoding="utf-8")))
async def main():
    http = DefaultAioHttpClient() if TRANSPORT == "aiohttp" else None
    client = AsyncOpenAI(base_url=url, api_key="none", http_client=http)
    async def worker():
        for text in texts:
            messages = [{"role": "user", "content": text}]
            await client.chat.completions.create(model="tiny", messages=messages, temperature=1.0, max_tokens=4000)
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight): group.create_task(worker())
asyncio.run(main())
"""
# As documented: one step, whose input batches are what is in flight; or 4 copies of it with a quarter each.
DISTILABEL = """
import json, sys
from pathlib import Path
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts, StepResources
from distilabel.steps.tasks import TextGeneration
if __name__ == "__main__":
    rows = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
    batch = int(sys.argv[4]) // COPIES
    with Pipeline(name="rewriting", cache_dir=sys.argv[3]) as pipeline:
        load = LoadDataFromDicts(data=[{"instruction": row["text"]} for row in rows], batch_size=batch)
        llm = OpenAILLM(model="tiny", base_url=sys.argv[1], api_key="none",
                        generation_kwargs={"max_new_tokens": 4000, "temperature": 1.0})
        load >> TextGeneration(llm=llm, input_batch_size=batch, resources=StepResources(replicas=COPIES))
    found = pipeline.run(use_cache=False)["default"]["train"]
    done = sum(bool(text) for text in found["generation"])
    Path(sys.argv[5]).write_text(json.dumps({"rows": {"done": done}}))
"""
PACKAGES = ("distilabel[openai]==1.5.3", "openai==3.54.0", "requests==2.32.5", "beautifulsoup4==4.14.2")


@dataclass(frozen=True)
class Contender:
    """A script, the packages of its environment (none: ours), and what is to be said of it."""

    script: str
    packages: tuple[str, ...] = ()
    note: str = ""


CONTENDERS = {
    "ours": Contender(OURS, note="rewrite(): answers on disk, transcripts checked, rows in order, checkpoints"),
    "bare loop": Contender(
        BARE.replace("TRANSPORT", '"aiohttp"'), note="openai over aiohttp, keeps and checks nothing"
    ),
    "bare loop, default transport": Contender(
        BARE.replace("TRANSPORT", '"default"'), note="AsyncOpenAI() as it comes, keeps and checks nothing"
    ),
    "distilabel": Contender(DISTILABEL.replace("COPIES", "1"), PACKAGES, "TextGeneration, input_batch_size=64"),
    "distilabel, 4 replicas": Contender(
        DISTILABEL.replace("COPIES", "4"), PACKAGES, "TextGeneration, 4 replicas of input_batch_size=16"
    ),
}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


SITUATIONS = ("换了新工作", "搬到陌生的城市", "和室友吵了一架", "考试没有考好", "跟父母说不上话", "夜里总是醒来")
FEELINGS = ("心里很乱", "提不起劲", "老是想哭", "不敢跟人说", "觉得自己没用", "饭也吃不下")
ADVICE = ("先把作息稳住，睡前半小时放下手机", "把最担心的几件事写下来，一件一件看", "找一个信得过的人，慢慢把话说出来")


def _questions(path: Path, count: int) -> Path:
    """A file of questions of about 300 characters with answers of about 400, and the text that ours would send."""
    from dataset_builder.rewriting.prompts import prompt

    rng, template = random.Random(SEED), prompt("paper-zh")
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            question = "最近心里很乱。" + "".join(
                f"{rng.choice(SITUATIONS)}之后，{rng.choice(FEELINGS)}。" for _ in range(19)
            )
            answer = "谢谢你写下这些。" + "".join(f"{rng.choice(ADVICE)}。" for _ in range(20))
            row = {"question_id": f"q{number:07}", "question": question, "answer": answer}
            if count <= 10_000:
                row["text"] = template.render(question, answer)
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def _environment(work: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "OPENAI_"))}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "dataset_builder" / "rewriting")])
    return {**kept, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "hf"), "OMP_NUM_THREADS": "1"}


@contextmanager
def _endpoint(script: dict[str, Any], work: Path) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """The scripted endpoint in a process of its own: its URL, and a function that ends it and tells what it saw."""
    command = [sys.executable, "-c", SERVER, json.dumps(script)]
    process = subprocess.Popen(
        command, env=_environment(work), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    url = process.stdout.readline().strip()

    def seen() -> dict[str, Any]:
        process.stdin.write("\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    try:
        yield url, seen
    finally:
        process.kill()
        process.wait()


def _measured(name: str, url: str, questions: Path, out: Path, work: Path, build: Path) -> dict[str, Any]:
    """One contender over these questions: CPU of it and its children, wall time, peak memory, what it says itself."""
    contender, result = CONTENDERS[name], work / "result.json"
    script, log = work / "contender.py", work / "log.txt"
    script.write_text(contender.script, encoding="utf-8")
    result.unlink(missing_ok=True)
    arguments = [url, str(questions), str(out), str(IN_FLIGHT), str(result)]
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [python_with(contender.packages, build), str(script), *arguments],
            env=_environment(work), cwd=work, stdout=output, stderr=output,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode:
        raise OSError(f"exit code {process.returncode}: {log.read_text(encoding='utf-8', errors='replace')[-800:]}")
    said = json.loads(result.read_text()) if result.exists() else {}
    return {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall, **said}


def _once(name: str, script: dict[str, Any], questions: Path, work: Path, build: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=work) as out, _endpoint(script, work) as (url, seen):
        found = _measured(name, url, questions, Path(out), work, build)
        server = seen()
    found.pop("seen", None)
    rate = server["sent"] / server["span_s"]
    return {**found, "endpoint": server, "requests_per_s": rate, "load": os.getloadavg()[0]}


def _compared(script: dict[str, Any], options: argparse.Namespace, work: Path, build: Path) -> dict[str, Any]:
    """All contenders in turns, `repeats` times, on one script."""
    many = _questions(work / "many.jsonl", options.requests)
    fewer = _questions(work / "fewer.jsonl", min(options.requests, PEER_REQUESTS))
    few = _questions(work / "few.jsonl", WARM_UP)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    starts: dict[str, float] = {}
    failed: dict[str, str] = {}
    for turn in range(options.repeats):
        for name in CONTENDERS:
            # Runs that take minutes are not repeated: what barriers cost is no matter of chance.
            if name in failed or (turn and ("slow" in script or "," in name) and name.startswith("distilabel")):
                continue
            try:
                if name not in starts:
                    starts[name] = _once(name, FAST, few, work, build)["cpu_s"]
                asked = fewer if name.startswith("distilabel") else many
                runs[name].append(_once(name, script, asked, work, build))
            except OSError as error:
                failed[name] = str(error)
                _say(f"{name}: {error}")
                continue
            last = runs[name][-1]
            _say(f"{name}: {last['requests_per_s']:.0f} requests/s, {last['cpu_s']:.1f} s of CPU")
    found = {name: _summed(each, starts[name], name) for name, each in runs.items() if each}
    ours = [each["requests_per_s"] for each in runs["ours"]]
    ratios = {
        name: statistics.median(a / b["requests_per_s"] for a, b in zip(ours, each, strict=False))
        for name, each in runs.items()
        if each and name != "ours"
    }
    return found | {name: {"failed": error} for name, error in failed.items()} | {"ratios": ratios}


def _summed(runs: list[dict[str, Any]], start: float, name: str) -> dict[str, Any]:
    rates = [each["requests_per_s"] for each in runs]
    sent = runs[0]["endpoint"]["sent"]
    cpu = statistics.median(each["cpu_s"] for each in runs)
    return {
        "note": CONTENDERS[name].note,
        "requests_per_s": statistics.median(rates),
        "runs": rates,
        "load": [each["load"] for each in runs],
        "cpu_ms_a_request": (cpu - start) / max(1, sent - WARM_UP) * 1e3,
        "cpu_s_of_start": start,
        "requests": sent,
        "rows": runs[0].get("rows"),
        "retries": runs[0].get("retries"),
        "most_in_flight": runs[0]["endpoint"]["most_in_flight"],
        "endpoint_cpu_s": runs[0]["endpoint"]["cpu_s"],
    }


def perfect(delays: list[float], workers: int) -> float:
    """Seconds that `workers` need for these delays, each taking the next one as soon as it is free."""
    free = [0.0] * workers
    for delay in delays:
        heapq.heappush(free, heapq.heappop(free) + delay)
    return max(free)


def _against_perfect(rows: int, work: Path, build: Path) -> dict[str, Any]:
    found = _once("ours", LONG, _questions(work / "long.jsonl", rows), work, build)
    delays = found["endpoint"]["delays"]
    ideal = perfect(delays, IN_FLIGHT)
    slow = sum(delay == LONG["slow"] for delay in delays)
    about = {"rows": rows, "requests": len(delays), "slow": slow, "seconds": found["endpoint"]["span_s"]}
    return {**about, "perfect_s": ideal, "share": ideal / found["endpoint"]["span_s"]}


def _million(rows: int, work: Path, build: Path) -> dict[str, Any]:
    """Memory over many rows against an endpoint that answers at once; then the same command on what is finished."""
    questions, out = _questions(work / "million.jsonl", rows), work / "million"
    with _endpoint({"instant": True}, work) as (url, _):
        first = _measured("ours", url, questions, out, work, build)
        _say(
            f"{rows} rows: {first['wall_s']:.0f} s, {first['cpu_s']:.0f} s of CPU, {first['rows']}, {first['reasons']}"
        )
        size = (out / "answers.jsonl").stat().st_size
        again = _measured("ours", url, questions, out, work, build)
        same = (out / "answers.jsonl").stat().st_size == size
    peaks = {done: peak for done, peak, _ in first["seen"] if done >= 0}
    early = next((done for done in sorted(peaks) if done >= min(100_000, rows // 10)), max(peaks))
    return {
        "rows": rows,
        "outcome": first["rows"],
        "reasons": first["reasons"],
        "seconds": first["wall_s"],
        "cpu_ms_a_row": first["cpu_s"] / rows * 1e3,
        "rows_per_s": rows / first["wall_s"],
        "answers_mb": size / 1e6,
        "peak_mb": {f"at {done:,}": peaks[done] for done in (early, max(peaks))},
        "growth": peaks[max(peaks)] / peaks[early],
        "resume": {
            "seconds": again["wall_s"],
            "cpu_s": again["cpu_s"],
            "peak_mb": max(peak for _, peak, _ in again["seen"]),
            "asked nothing": same,
            "answers_index_s": _opened(out / "answers.jsonl", work),
        },
    }


def _opened(answers: Path, work: Path) -> float:
    """Seconds to open the kept answers where no checkpoint says how far they are done."""
    code = """
import sys, time; from pathlib import Path; from dataset_builder.rewriting.answers import Answers
start = time.perf_counter()
with Answers(Path(sys.argv[1])): print(time.perf_counter() - start)
"""
    command = [sys.executable, "-c", code, str(answers)]
    done = subprocess.run(command, env=_environment(work), capture_output=True, text=True, check=True)
    return float(done.stdout)


def _limits(found: dict[str, Any]) -> dict[str, bool]:
    """The bars of this project, for ours."""
    limits = {}
    for name in PARTS[:2]:
        ratios = found.get(name, {}).get("ratios", {})
        for other, least in (("distilabel", TIMES), ("bare loop", SHARE_OF_BARE)):
            if other in ratios:
                limits[f"{name}: at least {least} times {other}"] = ratios[other] >= least
    if long := found.get(PARTS[2]):
        limits[f"{PARTS[2]}: at least {SHARE_OF_PERFECT} of a perfect pool"] = long["share"] >= SHARE_OF_PERFECT
    if million := found.get("million"):
        limits[f"peak memory below {PEAK_MB} MB"] = max(million["peak_mb"].values()) < PEAK_MB
        limits[f"flat from a tenth on: at most {FLAT} times"] = million["growth"] <= FLAT
        limits[f"resumed in under {RESUME_S} s, asking nothing"] = (
            million["resume"]["seconds"] < RESUME_S and million["resume"]["asked nothing"]
        )
    return limits


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    build = ROOT / "build" / "bench"
    build.mkdir(parents=True, exist_ok=True)
    kept = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    found: dict[str, Any] = {
        **{part: kept[part] for part in PARTS if part in kept},
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "seed": SEED,
        "in_flight": IN_FLIGHT,
        "peers": PACKAGES,
    }
    began = {"date": found["date"], "load_at_start": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(dir=build) as name:
        for part, measured in _parts(options, Path(name), build):
            found[part] = began | measured
            _say(f"{part}: {measured}")
            found["limits"] = _limits(found)
            write(found, options.out)
    return found


def _parts(options: argparse.Namespace, work: Path, build: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is measured, one after the other, so that what is finished is kept where the next one fails."""
    fast, slow, long, million = PARTS
    if options.requests:
        yield fast, _compared(FAST, options, work, build)
        yield slow, _compared(SLOW, options, work, build)
    if options.long:
        yield long, _against_perfect(options.long, work, build)
    if options.million:
        yield million, _million(options.rows, work, build)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="of each contender; 0 for none (10000)")
    parser.add_argument("--repeats", type=int, default=3, help="of each contender, in turns (3)")
    parser.add_argument("--long", type=int, default=1_500, help="rows with answers of 1 s and 20 s; 0 for none (1500)")
    parser.add_argument(
        "--million", action=argparse.BooleanOptionalAction, default=True, help="the runs over many rows"
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the runs over many rows (1000000)")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks" / "rewriting.json")
    options = parser.parse_args()
    found = benchmark(options)
    finish(found["limits"])


if __name__ == "__main__":
    main()
