"""MinHash signatures of texts, over their character 5-grams: two texts agree in as many cells as they share grams.

One permutation does for all cells: the high bits of a gram's hash choose its cell, and the lowest hash of a cell is
kept, so that a text costs one pass however many cells there are (Li, Owen and Zhang, One Permutation Hashing, 2012).
A cell that no gram of a text fell into borrows from another, in an order that is the same for every text (Shrivastava,
Optimal Densification for Fast and Accurate Minwise Hashing, 2017): the share of equal cells estimates the Jaccard
index of short texts too, without bias.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dataset_builder.grams import SIZE, bare, letters, rolling

CELLS = 128
"""Values of a signature: the estimate of a Jaccard index of 0.7 has a standard error of 0.04."""

_CELL_BITS = 7
_BATCH = 1 << 16
"""Characters hashed at once: half a megabyte, which stays in the cache."""
_EMPTY = np.uint64(2**64 - 1)


def signatures(texts: Sequence[str], *, seed: int = 1) -> NDArray[np.uint16]:
    """One row of 128 cells for each text, the same however the texts are split into calls.

    Texts of fewer than five characters have no gram: their signatures agree where they are equal, and with no other.
    Signatures of different seeds cannot be compared.
    """
    rows = np.empty((len(texts), CELLS), dtype=np.uint16)
    salt = _mixed(np.array([seed % 2**64], dtype=np.uint64))[0]
    donors = _donors(salt)
    for start, bares in _batches(texts):
        lowest = _lowest(bares, salt)
        _densify(lowest, donors)
        # The high bits say how low a hash is, and are nearly alike in long texts; the low ones say which it is.
        rows[start : start + len(bares)] = lowest & np.uint64(0xFFFF)
        for place, text in enumerate(bares, start):
            if len(text) < SIZE:
                rows[place] = _of_short(text, seed)
    return rows


def stored(texts: Iterable[str], file: IO[bytes], *, seed: int = 1) -> NDArray[np.uint16]:
    """The signatures of a stream of texts, written to the empty `file` and mapped from there: 256 bytes a text."""
    texts, count = iter(texts), 0
    while part := list(itertools.islice(texts, 256)):
        file.write(signatures(part, seed=seed).tobytes())
        count += len(part)
    file.flush()
    # A file of nothing cannot be mapped.
    return np.memmap(file, np.uint16, "r", shape=(count, CELLS)) if count else np.empty((0, CELLS), dtype=np.uint16)


def agreement(first: NDArray[np.uint16], second: NDArray[np.uint16]) -> NDArray[np.float64]:
    """The share of equal cells, row by row: an estimate of the Jaccard index."""
    return np.asarray((first == second).mean(axis=1), dtype=np.float64)


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The texts without white space, in parts of about `_BATCH` characters, each with its first one's place."""
    start, size, part = 0, 0, list[str]()
    for place, text in enumerate(texts):
        part.append(bare(text))
        size += len(part[-1])
        if size >= _BATCH or len(part) >= 1024:
            yield start, part
            start, size, part = place + 1, 0, []
    if part:
        yield start, part


def _lowest(bares: Sequence[str], salt: np.uint64) -> NDArray[np.uint64]:
    """The lowest hash of each text in each cell, all texts hashed as one; `_EMPTY` where there is none."""
    rows = np.repeat(np.arange(len(bares)), [len(text) for text in bares])
    hashes = _mixed(rolling(letters("".join(bares))) ^ salt)
    rows, ends = rows[: len(hashes)], rows[SIZE - 1 :]
    cells = (hashes >> np.uint64(64 - _CELL_BITS)).astype(np.int64)
    cells += rows * CELLS
    cells[rows != ends] = len(bares) * CELLS  # a gram across two texts is of neither: one cell more, for the bin
    lowest = np.full(len(bares) * CELLS + 1, _EMPTY)
    np.minimum.at(lowest, cells, hashes)
    return lowest[:-1].reshape(len(bares), CELLS)


def _densify(lowest: NDArray[np.uint64], donors: NDArray[np.int64]) -> None:
    """Give every empty cell the value of the first of its donors that had one; rows without any stay empty."""
    full = lowest != _EMPTY
    rows, cells = np.nonzero(~full & full.any(axis=1, keepdims=True))
    for choice in range(CELLS):
        if not len(rows):
            return
        givers = donors[cells, choice]
        found = full[rows, givers]
        lowest[rows[found], cells[found]] = lowest[rows[found], givers[found]]
        rows, cells = rows[~found], cells[~found]


def _donors(salt: np.uint64) -> NDArray[np.int64]:
    """For each cell the order in which it asks all cells, itself among them."""
    numbers = np.arange(CELLS * CELLS, dtype=np.uint64).reshape(CELLS, CELLS)
    return np.argsort(_mixed(numbers ^ ~salt), axis=1, kind="stable")


def _of_short(text: str, seed: int) -> NDArray[np.uint16]:
    digest = hashlib.shake_128(f"{seed}:{text}".encode("utf-8", "surrogatepass")).digest(2 * CELLS)
    return np.frombuffer(digest, dtype="<u2")


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of a hash made to depend on all others, in place (the finaliser of SplitMix64)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes ^= hashes >> np.uint64(shift)
        hashes *= np.uint64(factor)
    hashes ^= hashes >> np.uint64(31)
    return hashes
