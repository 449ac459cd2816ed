"""BLEU and ROUGE for Chinese replies, as percentages, under two named definitions that every result carries along.

`paper` is the reading of SoulChat's Table 1 that fits the ratios between its columns (the authors published no
evaluation code; an inference, not a proof): character BLEU per reply with nltk's method3 smoothing, averaged, and
rouge_chinese's defaults (distinct n-grams) over jieba's words. `standard` is what other papers can be compared with:
sacrebleu's corpus BLEU over characters, and rouge_score over the same words.

Several references: an n-gram may match any of them, and the brevity penalty looks at the one closest in length; ROUGE
takes the best reference for each value. An empty reply or reference scores 0 and counts. Outer white space is
stripped, nothing else is normalised. One knowing difference: rouge_chinese takes a line break after a full stop for
one more word; here white space is never a word.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import rjieba

from model_card.bootstrap import Matrix, intervals
from model_card.errors import ModelCardError
from model_card.overlap import MAX_ORDER, bleu_counts, ngrams, rouge_l, rouge_n

VERSION = "0.1.0"
"""Part of every signature: rises when a definition here changes a score."""

METRICS = ("bleu-1", "bleu-2", "bleu-3", "bleu-4", "rouge-1", "rouge-2", "rouge-l")


@dataclass(frozen=True)
class Profile:
    name: str
    bleu_per_reply: bool  # else from counts summed over all replies
    spaces_are_characters: bool
    rouge_as_set: bool

    def signature(self, n: int) -> str:
        parts = {
            "tok": "char",
            "bleu": "cum",
            "agg": "sent" if self.bleu_per_reply else "corpus",
            "smooth": "m3" if self.bleu_per_reply else "exp",
            "rouge": "jieba-set" if self.rouge_as_set else "jieba-multiset",
            "seg": f"rjieba{version('rjieba')}",
            "n": n,
            "v": VERSION,
        }
        return "|".join(f"{key}:{value}" for key, value in parts.items())


PROFILES = {
    "paper": Profile("paper", bleu_per_reply=True, spaces_are_characters=True, rouge_as_set=True),
    "standard": Profile("standard", bleu_per_reply=False, spaces_are_characters=False, rouge_as_set=False),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A reply and what it is compared with."""

    reply: str
    references: tuple[str, ...]
    conversation: str | None = None
    """Pairs of one conversation are resampled together."""


@dataclass(frozen=True)
class Score:
    values: dict[str, float]
    interval: dict[str, tuple[float, float] | None]
    """95%; None where all pairs come from one conversation."""
    signature: str
    n: int
    empty: int
    """Pairs whose reply or whose every reference is empty: counted, with a score of 0."""

    def as_json(self, digits: int = 2) -> dict[str, Any]:
        interval = {
            name: None if bounds is None else [round(bound, digits) for bound in bounds]
            for name, bounds in self.interval.items()
        }
        rounded = {name: round(value, digits) for name, value in self.values.items()}
        return {**rounded, "signature": self.signature, "n": self.n, "empty": self.empty, "interval": interval}


def profile_named(name: str) -> Profile:
    if name not in PROFILES:
        raise ModelCardError(f"profile {name!r} is unknown; use one of: {', '.join(PROFILES)}")
    return PROFILES[name]


def score(pairs: Iterable[Pair], profile: Profile) -> Score:
    """All metrics over `pairs`, each with a 95% interval.

    Raises:
        ModelCardError: where there is no pair.
    """
    rows, clusters, empty = [], [], 0
    for pair in pairs:
        reply, references = clean(pair.reply), [clean(reference) for reference in pair.references]
        empty += not reply or not any(references)
        rows.append(_row(reply, references, profile))
        clusters.append(pair.conversation)
    if not rows:
        raise ModelCardError("there is no reply to score; give at least one")
    table = _per_pair(np.array(rows, dtype=np.float64), profile)

    def finish(sums: Matrix) -> Matrix:
        return _finish(sums, profile)

    # fsum is exact, so the order of the pairs cannot show, not even in the last decimal.
    point = finish(np.array([[math.fsum(column) for column in table.T]]))[0]
    bounds = intervals(table, clusters, finish)
    return Score(
        values={name: float(value) for name, value in zip(METRICS, point, strict=True)},
        interval={
            name: None if bounds is None else (float(bounds[0, i]), float(bounds[1, i]))
            for i, name in enumerate(METRICS)
        },
        signature=profile.signature(len(rows)),
        n=len(rows),
        empty=empty,
    )


def clean(text: str) -> str:
    """Without outer white space, and with half a surrogate pair replaced, which no segmenter accepts."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()


def words(text: str) -> list[str]:
    """jieba's words, white space left out."""
    return " ".join(rjieba.cut(text)).split()


def describe(replies: Sequence[str]) -> dict[str, float]:
    """What replies are like, whatever the references say.

    `distinct-2`: distinct among all word bigrams, %; `mean_length` in characters; `question_rate`: replies with a
    question mark, %.
    """
    texts = [clean(reply) for reply in replies]
    bigrams = [bigram for text in texts for bigram in ngrams(words(text), 2)]
    return {
        "distinct-2": 100 * len(set(bigrams)) / max(1, len(bigrams)),
        "mean_length": math.fsum(map(len, texts)) / max(1, len(texts)),
        "question_rate": 100 * sum("？" in text or "?" in text for text in texts) / max(1, len(texts)),
    }


def bleu(counts: Matrix, *, per_reply: bool) -> Matrix:
    """Cumulative BLEU-1 to BLEU-4, %, a row for each row of (length, reference length, correct x4, total x4).

    An order without a match counts as half, quarter, … of a match (nltk's method3, sacrebleu's exp). They part where
    a text is too short to have n-grams of an order: per reply these count as one that did not match, in a corpus the
    score is 0.
    """
    length, reference_length = counts[:, 0], counts[:, 1]
    correct, total = counts[:, 2 : 2 + MAX_ORDER], counts[:, 2 + MAX_ORDER :]
    missed = correct == 0
    smoothed = np.where(missed, 0.5 ** np.cumsum(missed, axis=1), correct) / np.maximum(total, 1)
    means = np.exp(np.cumsum(np.log(smoothed), axis=1) / np.arange(1, MAX_ORDER + 1))
    if not per_reply:
        means[total == 0] = 0.0
    penalty = np.exp(np.minimum(0.0, 1 - reference_length / np.maximum(length, 1)))
    result: Matrix = 100 * means * np.where(correct[:, 0] > 0, penalty, 0.0)[:, None]
    return result


def _row(reply: str, references: Sequence[str], profile: Profile) -> list[float]:
    """1, the counts for BLEU, then ROUGE-1, -2 and -L in %."""
    texts = [reply, *references]
    if not profile.spaces_are_characters:
        texts = ["".join(text.split()) for text in texts]
    length, reference_length, correct, total = bleu_counts(texts[0], texts[1:])
    ours, theirs = words(reply), [words(reference) for reference in references]
    rouge = [max(rouge_n(ours, their, n, as_set=profile.rouge_as_set) for their in theirs) for n in (1, 2)]
    rouge.append(max(rouge_l(ours, their) for their in theirs))
    return [1, length, reference_length, *correct, *total, *(100 * value for value in rouge)]


_COUNTS = slice(1, 3 + 2 * MAX_ORDER)


def _per_pair(rows: Matrix, profile: Profile) -> Matrix:
    """`rows` with the counts replaced by each pair's own BLEU, where the profile averages these."""
    if not profile.bleu_per_reply:
        return rows
    return np.concatenate([rows[:, :1], bleu(rows[:, _COUNTS], per_reply=True), rows[:, _COUNTS.stop :]], axis=1)


def _finish(sums: Matrix, profile: Profile) -> Matrix:
    """The seven metrics from summed rows of `_per_pair`, a row for each."""
    n, rest = sums[:, :1], sums[:, 1:]
    if profile.bleu_per_reply:
        return rest / n
    return np.concatenate([bleu(sums[:, _COUNTS], per_reply=False), sums[:, _COUNTS.stop :] / n], axis=1)
