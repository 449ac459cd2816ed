"""Which rows of a table of signatures come together: bands, sorted one at a time, and what is held against them.

Signatures (`dataset_builder.minhash`) are cut into 32 bands of 4 cells. Rows that agree in all of a band are brought
together by sorting, one band at a time, so that no table of buckets is built. Rows that met are compared by their
whole signatures, and then by their texts where the caller can give them.

How likely a pair is found hangs on its Jaccard index J: it must meet in a band, 1 - (1 - J^4)^32, and agree in enough
of the 128 cells: 0.55 of them for its texts to be read, 0.7 where there are only signatures (at the default threshold
of 0.7, and taking the two as independent):

| J | meets in a band | texts are read | passes by its signatures |
| --- | --- | --- | --- |
| 0.6 | 0.9882 | 0.8616 | 0.0099 |
| 0.7 | 0.9998 | 0.9997 | 0.5128 |
| 0.8 | 1.0000 | 1.0000 | 0.9968 |
| 0.9 | 1.0000 | 1.0000 | 1.0000 |

A run of rows that agree in a band can be as long as the corpus, where a template is in every text. So a row is
compared with the `REACH` rows that follow it in the run and not with all: the cost grows with the rows, not with their
square. Each band is sorted stably on the order of the one before, so that within a run those stand together that agree
in earlier bands too. Near-duplicates that are further apart, with no near-duplicates of both between them, are left to
the other bands. Nor are texts read without end where a template makes all rows nearly near: of two that were refused
`PATIENCE` times each, only where the signatures alone pass the threshold. The order of the rows changes nothing: the
first order is that of a digest of their signatures.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dataset_builder.grams import jaccard
from dataset_builder.minhash import CELLS, agreement

ROWS = 4
"""Cells of a band: of 16 bits each, so that a band is one 64-bit number."""
BANDS = CELLS // ROWS
REACH = 8
"""Rows of a run that each row is compared with."""
PATIENCE = 32
"""Refusals after which a row's text is read only where the signatures pass."""
MARGIN = 0.15
"""How far an estimate may fall short before the texts are not read: 3.7 standard errors at a Jaccard index of 0.7."""

_CHUNK = 1 << 14
"""Pairs whose signatures are compared at once: 8 MB."""

Pairs = NDArray[np.int64]
"""Of shape (m, 2)."""
TextOf = Callable[[int], str]


class DuplicatesError(ValueError):
    """A threshold or a file in which no duplicates can be sought; the message says why."""


def sorted_bands(*parts: NDArray[np.uint16]) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Band by band, the sorted values of all rows, and the rows in that order (those of the parts, one after another).

    The order in which the first band begins is that of a digest of all, so that it is no matter which row came first.
    """
    bands = [part.view(np.uint64) for part in parts]

    def column(band: int) -> NDArray[np.uint64]:
        return np.concatenate([each[:, band] for each in bands])

    digest = column(0)
    for band in range(1, BANDS):
        digest = digest * np.uint64(0x9E3779B97F4A7C15) + column(band)
    order = np.argsort(digest, kind="stable")
    for band in range(BANDS):
        keys = column(band)[order]
        places = np.argsort(keys, kind="stable")
        order = order[places]
        yield keys[places], order


class Check:
    """Whether pairs are near; those that were not are remembered, 8 bytes each, as they meet again in other bands."""

    def __init__(
        self,
        left: NDArray[np.uint16],
        right: NDArray[np.uint16],
        threshold: float,
        left_text: TextOf | None,
        right_text: TextOf | None,
    ) -> None:
        if not 0.5 <= threshold <= 1:
            raise DuplicatesError(
                f"threshold={threshold} is not from 0.5 to 1: below, the bands would miss most pairs"
            )
        self.left, self.right, self.threshold = left, right, threshold
        self.texts = (left_text, right_text) if left_text and right_text else None
        self.refused = np.empty(0, dtype=np.int64)
        self.left_refusals = np.zeros(len(left), dtype=np.int32)
        self.right_refusals = self.left_refusals if right is left else np.zeros(len(right), dtype=np.int32)

    def passed(self, pairs: Pairs) -> Pairs:
        """Those of `pairs` that are near."""
        parts = [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
        agreed = np.concatenate([np.empty(0), *(agreement(self.left[p[:, 0]], self.right[p[:, 1]]) for p in parts)])
        if self.texts is None:
            return np.compress(agreed >= self.threshold, pairs, axis=0)
        tired = np.minimum(self.left_refusals[pairs[:, 0]], self.right_refusals[pairs[:, 1]]) >= PATIENCE
        return self._read(
            np.compress(agreed >= self.threshold - np.where(tired, 0, MARGIN), pairs, axis=0), *self.texts
        )

    def _read(self, pairs: Pairs, left_text: TextOf, right_text: TextOf) -> Pairs:
        codes = pairs[:, 0] * len(self.right) + pairs[:, 1]
        near = np.zeros(len(pairs), dtype=bool)
        unread = ~np.isin(codes, self.refused)
        for place in np.flatnonzero(unread):
            first, second = pairs[place].tolist()
            near[place] = jaccard(left_text(first), right_text(second)) >= self.threshold
        refused = unread & ~near
        self.refused = np.union1d(self.refused, codes[refused])
        np.add.at(self.left_refusals, pairs[refused, 0], 1)
        np.add.at(self.right_refusals, pairs[refused, 1], 1)
        return np.compress(near, pairs, axis=0)
