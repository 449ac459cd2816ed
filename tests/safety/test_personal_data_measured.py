"""Proof: how much made-up personal data is found among real sentences, and how often real ones are taken for it.

Nothing of what is read is kept: the record holds counts and rates only.
"""

import gzip
import json
import random
import re
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from faker import Faker

from safety.found import PLACEHOLDERS, Kind
from safety.personal_data import find_personal_data, redact
from tests.conftest import PROOF_SEED
from tests.safety import personal_pieces

PIECES = 2_000  # of each kind
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SMILECHAT = DATA / "smilechat-v2" / "dialogues.jsonl.gz"
OVERHANG = 3  # characters around a piece that may be taken with it: a title, 附近, a comma
NEUTRAL = [
    "最近总是睡不好，白天也没有精神。",
    "我不知道该从哪里说起。",
    "谢谢你愿意听我说这些！",
    "其实也没什么大事，就是心里堵得慌……",
    "你觉得我该怎么办？",
    "我们上周又吵了一架，到现在都没说话。",
]


@dataclass
class Tally:
    pieces: int = 0
    whole: int = 0  # found, from the first character to the last
    other: int = 0  # findings of this kind where nothing of it was planted
    missed: list[str] = field(default_factory=list)  # for a person who runs this; never recorded

    def figures(self) -> dict[str, object]:
        return {
            "pieces": self.pieces,
            "recall": _rate(self.whole, self.pieces),
            "precision": _rate(self.whole, self.whole + self.other),
        }


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a rate."""
    if not of:
        return 0.0, 1.0
    z, rate = 1.959964, hits / of
    middle, spread = rate + z * z / (2 * of), z * sqrt(rate * (1 - rate) / of + z * z / (4 * of * of))
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def _rate(hits: int, of: int) -> dict[str, object]:
    return {"rate": round(hits / of, 4) if of else None, "interval": [round(bound, 4) for bound in wilson(hits, of)]}


def real_dialogues() -> Iterator[tuple[str, list[str]]]:
    """The turns of each dialogue of three real corpora, one after another."""
    with gzip.open(SMILECHAT, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield "smilechat", [message["content"] for message in json.loads(line)["messages"]]
    with gzip.open(DATA / "emollm" / "data-1200.json.gz", "rt", encoding="utf-8") as file:
        for row in json.load(file):
            yield "emollm", [turn[side] for turn in row["conversation"] for side in ("input", "output")]
    with tarfile.open(DATA / "cpsycoun" / "CPsyCounD-0-1999.tar.gz") as archive:
        for member in archive:
            file_of = archive.extractfile(member) if member.name.endswith(".txt") else None
            if file_of:
                yield "cpsycound", [line for line in file_of.read().decode().splitlines() if line.strip()]


def sentences() -> list[str]:
    """Sentences to stand beside a piece: real ones where there are any, without what is found in them anyway."""
    if not SMILECHAT.exists():
        return NEUTRAL
    turns = (turn for _, dialogue in islice(real_dialogues(), 0, 3000, 3) for turn in dialogue)
    found = (sentence for turn in turns for sentence in re.findall(r"[^。！？\n]{4,40}[。！？]", turn))
    return [sentence for sentence in islice(found, 20_000) if not find_personal_data(sentence)]


def measure(part: str, pieces: int, seed: int) -> dict[Kind, Tally]:
    """What is found of `pieces` of each kind, in the sentences of `part` and, every second one, among others."""
    rng, fake = random.Random(seed), Faker("zh_CN")
    fake.seed_instance(seed)
    frames = personal_pieces.WRITTEN[part]["sentences"]
    around = sentences()
    tallies = {kind: Tally() for kind in PLACEHOLDERS}
    for kind, make in personal_pieces.PIECES.items():
        for number in range(pieces):
            piece = make(rng, fake, part)
            before, after = rng.choice(frames[kind]).split("{}")
            if number % 2:
                before, after = rng.choice(around) + before, after.rstrip("。") + "。" + rng.choice(around)
            _count(tallies, kind, before, piece, after)
    return tallies


def _count(tallies: dict[Kind, Tally], kind: Kind, before: str, piece: str, after: str) -> None:
    text, start, end = before + piece + after, len(before), len(before) + len(piece)
    hit = False
    for found in find_personal_data(text):
        covers = start - OVERHANG <= found.start <= start and end <= found.end <= end + OVERHANG
        if found.kind == kind and covers:
            hit = True
        elif found.kind != kind or found.end <= start or found.start >= end:
            tallies[found.kind].other += 1
            tallies[found.kind].missed.append("OTHER " + text[found.start : found.end] + " IN " + text)
    tally = tallies[kind]
    tally.pieces += 1
    tally.whole += hit
    if not hit:
        tally.missed.append(text)


def nothing(part: str, pieces: int, seed: int) -> tuple[Counter[Kind], list[str]]:
    """Findings in sentences that only look like it, and those sentences."""
    rng = random.Random(seed)
    sentences = personal_pieces.WRITTEN[part]["look_alikes"]
    counted: Counter[Kind] = Counter()
    wrong = []
    for number in range(pieces):
        digits = lambda match: "".join(rng.choice("0123456789") for _ in range(int(match.group(1))))  # noqa: E731
        text = re.sub(r"\{n:(\d+)\}", digits, sentences[number % len(sentences)])
        for found in find_personal_data(text):
            counted[found.kind] += 1
            wrong.append(text[found.start : found.end] + " IN " + text)
    return counted, wrong


def test_the_interval_of_a_rate_is_wilsons() -> None:
    assert [round(bound, 4) for bound in wilson(81, 263)] == [0.2553, 0.3662]  # Newcombe 1998, table I
    assert [round(bound, 4) for bound in wilson(0, 20)] == [0.0, 0.1611]


BARS: dict[Kind, float] = {"name": 0.93, "school": 0.85}
"""The least recall that each kind must have on the held-out sentences; 0.97 where none is named."""
WRONG = 1.2
"""The most findings in 1,000 real turns. All in SMILECHAT and CPsyCounD were read: each names a person (an author,
a counsellor, a client), a university or a hospital. Of the 69 of the first patterns in SMILECHAT, 22 named nothing.
"""


@pytest.mark.proof
def test_made_up_personal_data_is_found_among_sentences_that_were_not_tuned_on(
    share: float, record: Callable[..., None]
) -> None:
    tallies = measure("held_out", round(PIECES * share), PROOF_SEED)
    wrong, shown = nothing("held_out", round(PIECES * share), PROOF_SEED)
    kinds = {kind: tally.figures() for kind, tally in tallies.items()}
    for kind, tally in tallies.items():
        assert tally.whole / tally.pieces >= BARS.get(kind, 0.97), (kind, tally.missed[:10])
        assert tally.other <= tally.pieces / 100, (kind, tally.missed[:10])
    assert wrong.total() <= PIECES * share / 200, shown[:10]
    real = _in_real_turns(share) if SMILECHAT.exists() else None
    if real:
        assert real["findings_in_1000_turns"] <= WRONG
    record(
        "personal_data",
        ["faker", "phonenumbers", "python-stdnum"],
        pieces_of_each_kind=round(PIECES * share),
        among="real sentences" if real else "our own sentences",
        kinds=kinds,
        look_alikes={"sentences": round(PIECES * share), "findings": wrong},
        real_turns=real,
    )


def _in_real_turns(share: float) -> dict[str, Any]:
    """How often anything is found in real turns, by kind, and what looking takes."""
    dialogues = list(real_dialogues())[:: round(1 / share)]
    found: Counter[Kind] = Counter()
    per_corpus: dict[str, Counter[str]] = {}
    began = time.process_time()
    for corpus, turns in dialogues:
        pieces = [piece.kind for turn in turns for piece in find_personal_data(turn)]
        found.update(pieces)
        per_corpus.setdefault(corpus, Counter()).update({"turns": len(turns)} | Counter(pieces))
    seconds = time.process_time() - began
    turns_read = sum(counted["turns"] for counted in per_corpus.values())
    return {
        "dialogues": len(dialogues),
        "turns": turns_read,
        "findings": dict(found.most_common()),
        "findings_in_1000_turns": round(1000 * found.total() / turns_read, 3),
        "per_corpus": per_corpus,
        "milliseconds_a_dialogue": round(1000 * seconds / len(dialogues), 3),
    }


@pytest.mark.parametrize("part", ["tuning", "held_out"])
def test_what_was_redacted_holds_no_more_personal_data(part: str) -> None:
    for tally in measure(part, 20, PROOF_SEED).values():
        for text in tally.missed:
            assert find_personal_data(redact(text)[0]) == []
