"""Assigns groups of rows to train, validation and test, so that nothing is in two of them."""

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


def assign_splits(
    groups: NDArray[np.int64], topics: NDArray[np.int64], ranks: NDArray[np.uint64], *, held_out: float
) -> NDArray[np.uint8]:
    """The split of each row, an index into `SPLITS`: rows of one group are always in one.

    `topics` is a number per row. A group belongs to the topic of most of its rows. Within a topic, groups are taken
    in the order of their lowest rank (a hash, so that the order of rows does not matter and a corpus that grows keeps
    nearly all of its assignments), first for test and then for validation, until each holds `held_out` of the topic's
    rows. A topic of three groups or more has at least one in each split; a smaller one is all train. Groups
    larger than that share are never held out (unless most are): what thousands of rows have in common is no test.
    """
    members, inverse = np.unique(groups, return_inverse=True)
    sizes = np.bincount(inverse, minlength=len(members))
    lowest = np.full(len(members), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(lowest, inverse, ranks)
    topic = _majority(inverse, topics, len(members))
    split = np.full(len(members), TRAIN, dtype=np.uint8)
    for each in np.unique(topic):
        own = np.flatnonzero(topic == each)
        if len(own) >= 3 and held_out > 0:
            _hold_out(own[np.argsort(lowest[own], kind="stable")], sizes, held_out, split)
    return split[inverse]


def _hold_out(ordered: NDArray[np.int64], sizes: NDArray[np.int64], share: float, split: NDArray[np.uint8]) -> None:
    """Mark the groups of one topic that are held out, in `split`."""
    own = sizes[ordered]
    quota = share * own.sum()
    eligible = ordered[own <= max(quota, float(np.median(own)))]
    eligible = eligible[: len(ordered) - 1]  # train keeps one at least
    filled = np.searchsorted(np.cumsum(sizes[eligible]), [quota, 2 * quota]) + 1
    test = min(int(filled[0]), len(eligible) - 1)  # validation gets one at least
    split[eligible[:test]] = TEST
    split[eligible[test : max(int(filled[1]), test + 1)]] = VALIDATION


def _majority(groups: NDArray[np.int64], topics: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The most frequent topic of each group; of equals, the lowest."""
    pairs, rows = np.unique(np.stack([groups, topics], axis=1), axis=0, return_counts=True)
    order = np.lexsort((-pairs[:, 1], rows, pairs[:, 0]))
    result = np.zeros(count, dtype=np.int64)
    result[pairs[order, 0]] = pairs[order, 1]  # the last of a group wins: most rows, then the lowest topic
    return result
