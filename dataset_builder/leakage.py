"""Whether anything of one split is in another, looked for with other eyes than those that made the splits."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_builder import duplicates
from dataset_builder.splits import SPLITS, TEST, TRAIN, VALIDATION

Keys = Mapping[str, NDArray[np.uint64]]
EXACT = ("content", "opening", "question")
"""What two rows may share to the letter: all turns, the opening (records.opening), or their question."""
ORDER = (TRAIN, VALIDATION, TEST)
"""Of two splits that share something, the earlier one loses the row: a test set is what others compare with."""


@dataclass(frozen=True)
class Leakage:
    """Rows of the first split of a pair that share something with the second: `exact` by what, and `near`."""

    exact: dict[str, dict[str, int]]
    near: dict[str, int]
    threshold: float
    removed: dict[str, int] = field(default_factory=dict)  # rows that the check took out of the corpus, by reason
    of_random_split: dict[str, float] = field(default_factory=dict)  # what splitting row by row would have leaked
    external: dict[str, int] = field(default_factory=dict)  # rows left that a test set of others has, or nearly

    @property
    def none(self) -> bool:
        return not any(sum(counts.values()) for counts in [*self.exact.values(), self.near, self.external])

    def as_dict(self) -> dict[str, Any]:
        return {"none": self.none, **vars(self)}


def of_random_split(keys: Keys, kept: NDArray[np.bool_], *, held_out: float, seed: int) -> dict[str, float]:
    """What splitting row by row would have leaked: of what is shared, the share of held-out rows with it in train."""
    held = np.random.default_rng(seed).random(len(kept)) < held_out
    test, train = kept & held, kept & ~held
    return {
        what: round(float(np.isin(values[test], values[train]).mean()), 4) if test.any() else 0.0
        for what, values in keys.items()
    }


def near_across(
    signatures: NDArray[np.uint16],
    splits: NDArray[np.uint8],
    kept: NDArray[np.bool_],
    *,
    threshold: float,
    text_of: Callable[[int], str],
) -> NDArray[np.bool_]:
    """Of the rows that are `kept`, those too near to a row of a later split, by signatures of a seed of their own."""
    close = np.zeros(len(splits), dtype=bool)
    for first, second in itertools.combinations(ORDER, 2):
        earlier, later = (np.flatnonzero(kept & (splits == split)) for split in (first, second))
        pairs = duplicates.cross_pairs(
            signatures[later],
            signatures[earlier],
            threshold=threshold,
            left_text=lambda row, rows=later: text_of(int(rows[row])),  # type: ignore[misc]
            right_text=lambda row, rows=earlier: text_of(int(rows[row])),  # type: ignore[misc]
        )
        close[earlier[pairs[:, 1]]] = True
    return close


def measure(
    keys: Keys,
    signatures: NDArray[np.uint16],
    splits: NDArray[np.uint8],
    kept: NDArray[np.bool_],
    *,
    threshold: float,
    text_of: Callable[[int], str],
    removed: dict[str, int],
) -> Leakage:
    """Count what is shared between splits, among the rows that are `kept`."""
    exact: dict[str, dict[str, int]] = {}
    for first, second in itertools.combinations(ORDER, 2):
        left, right = kept & (splits == first), kept & (splits == second)
        exact[f"{SPLITS[first]}/{SPLITS[second]}"] = {
            what: int(np.isin(keys[what][left], keys[what][right]).sum()) for what in EXACT
        }
    close = near_across(signatures, splits, kept, threshold=threshold, text_of=text_of)
    near = {SPLITS[split]: int((close & (splits == split)).sum()) for split in (TRAIN, VALIDATION)}
    return Leakage(exact, near, threshold, removed)
