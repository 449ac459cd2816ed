"""Dialogues for benchmarks: real ones where ../shared/data is present, and others grown from the sample."""

import gzip
import json
import random
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dataset_builder.grams import grams

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


def real() -> Iterator[tuple[str, str]]:
    """Source and text of every real dialogue that is here."""
    if not DATA.is_dir():
        return
    with gzip.open(DATA / "smilechat-v2" / "dialogues.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield "smilechat-v2", "\n".join(message["content"] for message in json.loads(line)["messages"])
    for name, text in _members(DATA / "smile-plain" / "raw-files.tar.gz", ".json"):
        yield name, "\n".join(turn.partition("：")[2] for turn in json.loads(text))
    for name, text in _members(DATA / "cpsycoun" / "CPsyCounD-0-1999.tar.gz", ".txt"):
        yield name, text.replace("来访者：", "").replace("心理咨询师：", "")
    with gzip.open(DATA / "emollm" / "data-1200.json.gz", "rt", encoding="utf-8") as file:
        for row in json.load(file):
            yield "emollm", "\n".join(f"{turn['input']}\n{turn['output']}" for turn in row["conversation"])


def _members(path: Path, suffix: str) -> Iterator[tuple[str, str]]:
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(suffix):
                yield path.parent.name, archive.extractfile(member).read().decode("utf-8")  # type: ignore[union-attr]


def grown(rng: random.Random) -> Iterator[str]:
    """Dialogues without end: turns of the sample's conversations drawn at random, client and counsellor in turn."""
    turns: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "dataset_builder" / "sample").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for message in json.loads(line).get("messages", ()):
                turns[message["role"]].append(message["content"])
    sides = list(turns.values())
    while True:
        yield "\n".join(rng.choice(side) for _ in range(rng.randint(8, 16)) for side in sides)


def distinct(texts: list[str], limit: float) -> list[bool]:
    """Of each text whether its Jaccard index with every one before that was kept is below `limit`: all pairs."""
    held = [grams(text) for text in texts]
    sizes = np.array([len(each) for each in held])
    known, places = np.unique(np.concatenate(held), return_inverse=True)
    owners = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)[np.argsort(places, kind="stable")]
    starts = np.concatenate(([0], np.bincount(places, minlength=len(known)).cumsum()))
    ends, keep = sizes.cumsum(), np.ones(len(texts), dtype=bool)
    for index in range(1, len(texts)):
        mine = places[ends[index] - sizes[index] : ends[index]]
        lists = [owners[:0], *(owners[starts[place] : starts[place + 1]] for place in mine)]
        shared = np.bincount(np.concatenate(lists), minlength=len(texts))[:index]
        near = shared / np.maximum(sizes[index] + sizes[:index] - shared, 1) >= limit
        keep[index] = not (near & keep[:index]).any()
    return keep.tolist()


def changed(text: str, share: float, pool: str, rng: random.Random) -> str:
    """`text` with a share of its characters, one at least, replaced by others of `pool`."""
    letters = list(text)
    for place in rng.sample(range(len(letters)), max(1, round(share * len(letters)))):
        letters[place] = rng.choice(pool.replace(letters[place], ""))
    return "".join(letters)
