"""How far reviewers agree on what to keep, beyond what chance would do."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataset_builder.review.store import Decision

Votes = Sequence[Mapping[str, bool]]
"""For each item: reviewer to whether they keep it."""
Interval = tuple[float, float]
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Agreement:
    """On accept or edit against reject, over the items that two or more people decided on."""

    items: int
    reviewers: int
    percent: float | None  # pairs of reviewers that agree, averaged over items; None without such items
    percent_interval: Interval | None  # 95 %, bootstrapped over items
    kind: str  # "cohen" for two reviewers, "fleiss" for more
    kappa: float | None  # None where nothing varies: all said the same of everything
    kappa_interval: Interval | None


def agreement(decisions: Mapping[str, Sequence[Decision]], seed: int = 0) -> Agreement:
    """The agreement in what `load_decisions` gave."""
    votes = [{each.reviewer: each.keeps for each in of_item} for of_item in decisions.values() if len(of_item) > 1]
    reviewers = {name for vote in votes for name in vote}
    kappa = cohen if len(reviewers) <= 2 else fleiss
    drawn = random.Random(seed)
    resampled = [drawn.choices(votes, k=len(votes)) for _ in range(_RESAMPLES if len(votes) > 1 else 0)]
    return Agreement(
        len(votes),
        len(reviewers),
        percent(votes),
        _interval([percent(each) for each in resampled]),
        kappa.__name__,
        kappa(votes),
        _interval([kappa(each) for each in resampled]),
    )


def percent(votes: Votes) -> float | None:
    """The share of agreeing pairs, 0 to 1, averaged over items."""
    return sum(map(_agreeing_pairs, votes)) / len(votes) if votes else None


def cohen(votes: Votes) -> float | None:
    """Cohen's kappa of two reviewers; chance is what each one's own share of keeping makes likely."""
    names = sorted({name for vote in votes for name in vote})
    if len(names) != 2:
        return None
    observed = percent(votes) or 0.0
    first, second = (sum(vote[name] for vote in votes) / len(votes) for name in names)
    return _beyond_chance(observed, first * second + (1 - first) * (1 - second))


def fleiss(votes: Votes) -> float | None:
    """Fleiss' kappa of any number of reviewers an item; chance is what all reviewers' shares together make likely."""
    if not votes:
        return None
    kept = sum(sum(vote.values()) for vote in votes) / sum(len(vote) for vote in votes)
    return _beyond_chance(percent(votes) or 0.0, kept**2 + (1 - kept) ** 2)


def _beyond_chance(observed: float, chance: float) -> float | None:
    return None if chance >= 1 - 1e-12 else (observed - chance) / (1 - chance)


def _agreeing_pairs(vote: Mapping[str, bool]) -> float:
    count, kept = len(vote), sum(vote.values())
    dropped = count - kept
    return (kept * (kept - 1) + dropped * (dropped - 1)) / (count * (count - 1))


def _interval(values: Sequence[float | None]) -> Interval | None:
    """The middle 95 % of those that there are."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    return known[int(0.025 * (len(known) - 1))], known[round(0.975 * (len(known) - 1))]
