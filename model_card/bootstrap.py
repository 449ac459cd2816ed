"""95% intervals by resampling conversations: turns of one conversation are not independent of each other."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

RESAMPLES = 1000
SEED = 20231206  # fixed, so that the same pairs always give the same interval
_AT_ONCE = 100  # resamples in memory together: 10,000 conversations are 8 MB at this


def intervals(rows: Matrix, clusters: Sequence[str | None], finish: Callable[[Matrix], Matrix]) -> Matrix | None:
    """The 2.5th and 97.5th percentile (two rows) of each value that `finish` makes from summed `rows`.

    Rows of one cluster are drawn together; a row of cluster None is its own. None where there is one cluster only,
    which says nothing about spread. The order of the rows does not matter.
    """
    sums = _sorted_rows(_cluster_sums(rows, clusters))
    count = len(sums)
    if count < 2:
        return None
    random = np.random.default_rng(SEED)
    values = []
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = random.integers(count, size=(_AT_ONCE, count)) + count * np.arange(_AT_ONCE)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=_AT_ONCE * count).reshape(_AT_ONCE, count)
        values.append(finish(weights.astype(np.float64) @ sums))
    return np.percentile(np.concatenate(values), [2.5, 97.5], axis=0)


def _cluster_sums(rows: Matrix, clusters: Sequence[str | None]) -> Matrix:
    names: dict[object, int] = {}
    index = [names.setdefault(("row", i) if name is None else name, len(names)) for i, name in enumerate(clusters)]
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, index, rows)
    return sums


def _sorted_rows(sums: Matrix) -> Matrix:
    """In an order that depends on the values alone (rounded: sums in another order differ in the last bits)."""
    return sums[np.lexsort(np.round(sums, 9).T)]
