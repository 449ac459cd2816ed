"""Figures that tell whether a corpus reads like people: shares of counsellor turns, likeness, variety.

Pure: conversations in, numbers out.
"""

import hashlib
import heapq
import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dataset_builder.neighbours import nearest_pair
from dataset_builder.records import Record
from safety import find_personal_data

MEASURED = 10_000
"""The most conversations that are measured; of a larger corpus, those whose ids hash lowest."""
DISTINCT_WORDS = 20_000
"""Words of counsellor turns among which distinct-2 is counted, in every corpus the same: it falls as a text grows."""
OPENER = 4
"""The first characters of a turn that are its opener."""
BIN, LONGEST = 10, 300
"""Turn lengths are counted in bins of 10 characters; the last bin holds all from 300 on."""

_PHRASES = Path(__file__).with_name("phrases.yaml")
_QUESTION = re.compile("[?？]")
_LETTER = re.compile(r"\w")


@dataclass(frozen=True)
class Figures:
    """Of the multi-turn conversations of a corpus. Shares are of counsellor turns, 0 to 1."""

    conversations: int  # measured, at most MEASURED
    counsellor_turns: int
    rounds_min: int
    rounds_median: float
    rounds_max: int
    nearest: float | None  # Jaccard of character 5-grams, of the two conversations that are most alike
    nearest_ids: list[str]
    top_opener: float  # the share of the most frequent opener
    top_opener_text: str
    questions: float  # with a question mark
    list_words: float  # these three: with a phrase of phrases.yaml
    advice: float
    dependency: float
    length_20_90: float  # of 20 to 90 characters
    distinct_2: float | None  # different word pairs over all, in DISTINCT_WORDS words; None of a smaller corpus
    personal_data: int  # findings in all turns, the user's too
    rounds: dict[str, int]  # conversations by rounds
    user_lengths: list[int]  # turns by length, in bins of BIN
    counsellor_lengths: list[int]


def measure(records: Iterable[Record]) -> Figures | None:
    """The figures of the multi-turn conversations among `records`; None where there are none.

    Of all rows, at most `MEASURED` stay in memory.
    """
    kept = heapq.nsmallest(MEASURED, (r for r in records if not r.single_turn), key=lambda r: _rank(r.id))
    if not kept:
        return None
    counsellor, user = (
        [message["content"] for record in kept for message in record.messages if message["role"] == role]
        for role in ("assistant", "user")
    )
    rounds = sorted(len(record.messages) // 2 for record in kept)
    near = nearest_pair(["\n".join(message["content"] for message in record.messages) for record in kept])
    opener, opened = Counter(turn[:OPENER] for turn in counsellor).most_common(1)[0]

    def share(pattern: re.Pattern[str]) -> float:
        return sum(bool(pattern.search(turn)) for turn in counsellor) / len(counsellor)

    return Figures(
        conversations=len(kept),
        counsellor_turns=len(counsellor),
        rounds_min=rounds[0],
        rounds_median=statistics.median(rounds),
        rounds_max=rounds[-1],
        nearest=near.jaccard if near else None,
        nearest_ids=[kept[near.first].id, kept[near.second].id] if near else [],
        top_opener=opened / len(counsellor),
        top_opener_text=opener,
        questions=share(_QUESTION),
        list_words=share(phrases()["list_words"]),
        advice=share(phrases()["advice"]),
        dependency=share(phrases()["dependency"]),
        length_20_90=sum(20 <= len(turn) <= 90 for turn in counsellor) / len(counsellor),
        distinct_2=_distinct_2(kept),
        personal_data=sum(len(find_personal_data(turn)) for turn in [*counsellor, *user]),
        rounds={str(count): many for count, many in sorted(Counter(rounds).items())},
        user_lengths=_lengths(user),
        counsellor_lengths=_lengths(counsellor),
    )


@cache
def phrases() -> Mapping[str, re.Pattern[str]]:
    """The lists of `phrases.yaml`, each as one pattern."""
    import yaml

    lists = yaml.safe_load(_PHRASES.read_text(encoding="utf-8"))
    return {name: re.compile("|".join(map(re.escape, entries))) for name, entries in lists.items()}


def _distinct_2(records: Sequence[Record]) -> float | None:
    """Of counsellor turns drawn from all conversations alike, in the order of a hash, until there are enough words."""
    import rjieba

    turns = [(record.id, index) for record in records for index in range(1, len(record.messages), 2)]
    by_id = {record.id: record.messages for record in records}
    pairs: set[tuple[str, str]] = set()
    words = total = 0
    for identifier, index in sorted(turns, key=lambda turn: _rank(f"{turn[0]}#{turn[1]}")):
        turn = [word for word in rjieba.cut(by_id[identifier][index]["content"]) if _LETTER.search(word)]
        turn = turn[: DISTINCT_WORDS - words]
        words += len(turn)
        total += max(0, len(turn) - 1)
        pairs.update(itertools.pairwise(turn))
        if words == DISTINCT_WORDS:
            return len(pairs) / total
    return None


def _lengths(turns: Iterable[str]) -> list[int]:
    counts = [0] * (LONGEST // BIN + 1)
    for turn in turns:
        counts[min(len(turn), LONGEST) // BIN] += 1
    return counts


def _rank(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
