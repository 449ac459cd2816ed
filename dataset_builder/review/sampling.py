"""Which conversations people read: a few of every kind, so that rare and risky ones are not lost among the many."""

import hashlib
import heapq
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dataset_builder.records import Messages, Record
from safety import screen

NEAR_MISS_ROUNDS = 8
"""The fewest rounds that the validator lets through: one less, and the conversation had been rejected."""
LONGEST_SHARE = 10
"""One in this many of a sample is taken from the top of the list of longest turns."""

Source = tuple[str | None, str | None]
"""A single-turn question and the long answer to it."""
Stratum = tuple[str, str, bool]
"""Topic, tier of safety.screen, and whether the rounds are as few as may be."""


@dataclass(frozen=True, slots=True)
class Item:
    """A conversation to be read, with what a reviewer is shown beside it."""

    id: str  # Record.id: it changes with every character
    question_id: str
    topic: str | None
    tier: str  # of safety.screen
    flags: tuple[str, ...]  # of `shortest`, `longest_turn`
    messages: Messages
    question: str | None = None
    answer: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Item":
        """The item that `as_dict` gave, after JSON."""
        return cls(**{**row, "flags": tuple(row["flags"])})


def sample(rows: Iterable[Record], size: int, seed: int) -> list[Item]:
    """`size` conversations of `rows`, or all where there are fewer, in an order that says nothing of their kind.

    A tenth are those with the longest turns. The rest is dealt evenly over strata of topic, risk and shortness, each
    drawn without bias; a stratum with few gives all it has. So risky conversations are far more frequent in the sample
    than in `rows`, and shares must not be read off it. Single-turn rows are passed over. `rows` is read once and holds
    nothing: in memory are at most `size` items a stratum. Equal rows, size and seed give an equal sample.
    """
    strata: dict[Stratum, _Reservoir] = {}
    longest: list[tuple[int, int, Item]] = []
    for number, item in enumerate(_items(rows)):
        stratum = (item.topic or "", item.tier, "shortest" in item.flags)
        strata.setdefault(stratum, _Reservoir(size, f"{seed}:{stratum}")).offer(item)
        heapq.heappush(longest, (max(len(turn["content"]) for turn in item.messages), -number, item))
        if len(longest) > size // LONGEST_SHARE:
            heapq.heappop(longest)
    chosen = {item.id: replace(item, flags=(*item.flags, "longest_turn")) for _, _, item in longest}
    for item in _dealt(strata):
        if len(chosen) >= size:
            break
        chosen.setdefault(item.id, item)
    return sorted(chosen.values(), key=lambda item: hashlib.sha256(f"{seed}:{item.id}".encode()).digest())


def with_sources(items: Iterable[Item], sources: Mapping[str, Source]) -> list[Item]:
    """`items`, each with the question and the answer that `sources` has for its question_id."""
    return [
        replace(item, question=found[0] or item.question, answer=found[1] or item.answer)
        for item in items
        for found in [sources.get(item.question_id, (None, None))]
    ]


def _items(rows: Iterable[Record]) -> Iterator[Item]:
    for row in rows:
        if row.single_turn:
            continue
        flags = ("shortest",) if len(row.messages) == 2 * NEAR_MISS_ROUNDS else ()
        yield Item(row.id, row.question_id, row.topic, screen(row.messages).tier, flags, row.messages)


@dataclass
class _Reservoir:
    """Algorithm R: of all that was offered, `size` that were as likely as any others."""

    size: int
    seed: str
    items: list[Item] = field(default_factory=list)
    offered: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def offer(self, item: Item) -> None:
        self.offered += 1
        if len(self.items) < self.size:
            self.items.append(item)
        elif (place := self._random.randrange(self.offered)) < self.size:
            self.items[place] = item

    def shuffled(self) -> list[Item]:
        return self._random.sample(self.items, len(self.items))


def _dealt(strata: Mapping[Stratum, _Reservoir]) -> Iterator[Item]:
    """One of every stratum, then another of each, and so on; the riskiest first, should not all fit."""
    risk = {"imminent": 0, "ideation": 1, "distress": 2, "none": 3}
    order = sorted(strata, key=lambda stratum: (risk[stratum[1]], not stratum[2], stratum[0]))
    hands = [strata[stratum].shuffled() for stratum in order]
    for turn in range(max(map(len, hands), default=0)):
        yield from (hand[turn] for hand in hands if turn < len(hand))
