"""What two token sequences share: n-gram matches and the longest common subsequence. Pure Python, no files."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

MAX_ORDER = 4
"""BLEU-1 to BLEU-4."""


class BleuCounts(NamedTuple):
    """What BLEU needs to know of a pair; sums of these over pairs are what corpus BLEU needs."""

    length: int
    reference_length: int
    """Of the reference that is closest in length; of two equally close, the shorter (as sacrebleu and nltk do)."""
    correct: tuple[int, ...]
    """Per order, the n-grams of the reply that a reference has too, each at most as often as the reference that
    has it most often."""
    total: tuple[int, ...]


def ngrams(tokens: Sequence[Hashable], order: int) -> Iterator[tuple[Hashable, ...]]:
    return zip(*(tokens[start:] for start in range(order)), strict=False)


def bleu_counts(reply: Sequence[Hashable], references: Sequence[Sequence[Hashable]]) -> BleuCounts:
    """The sufficient statistics of cumulative BLEU-1 to BLEU-4."""
    length = len(reply)
    closest = min((abs(len(reference) - length), len(reference)) for reference in references)[1]
    correct = [0] * MAX_ORDER
    for order in range(1, MAX_ORDER + 1):
        counts = Counter(ngrams(reply, order))
        limits = Counter(ngrams(references[0], order))
        for reference in references[1:]:
            limits |= Counter(ngrams(reference, order))
        correct[order - 1] = sum(min(counts[ngram], limits[ngram]) for ngram in counts.keys() & limits.keys())
        if not correct[order - 1]:
            break  # a longer match would hold a shorter one
    total = tuple(max(0, length - order) for order in range(MAX_ORDER))
    return BleuCounts(length, closest, tuple(correct), total)


def rouge_n(reply: Sequence[Hashable], reference: Sequence[Hashable], order: int, *, as_set: bool) -> float:
    """ROUGE-N's F: with `as_set` every distinct n-gram counts once (rouge_chinese), else as often as it occurs."""
    if as_set:
        ours, theirs = set(ngrams(reply, order)), set(ngrams(reference, order))
        return f_measure(len(ours & theirs), len(ours), len(theirs))
    counts, limits = Counter(ngrams(reply, order)), Counter(ngrams(reference, order))
    return f_measure((counts & limits).total(), counts.total(), limits.total())


def rouge_l(reply: Sequence[Hashable], reference: Sequence[Hashable]) -> float:
    """ROUGE-L's F, of the longest common subsequence of the whole texts."""
    return f_measure(longest_common_subsequence(reply, reference), len(reply), len(reference))


def f_measure(shared: int, ours: int, theirs: int) -> float:
    return 2 * shared / (ours + theirs) if shared else 0.0


def longest_common_subsequence(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Its length, a row of the table at a time in one integer (Hyyrö 2004): 1,500 by 3,000 tokens take 2 ms."""
    where: dict[Hashable, int] = {}
    for index, token in enumerate(a):
        where[token] = where.get(token, 0) | 1 << index
    full = (1 << len(a)) - 1
    row = full  # a zero bit is a position of `a` at which the subsequence grows
    for token in b:
        if matches := where.get(token):
            hits = row & matches
            row = ((row + hits) | (row - hits)) & full
    return len(a) - row.bit_count()
