"""The character 5-grams of a text, as 64-bit hashes: what makes two texts near. White space does not count."""

import numpy as np
from numpy.typing import NDArray

SIZE = 5
"""Characters of a gram."""

_BASE = np.uint64(0x9E3779B97F4A7C15)


def bare(text: str) -> str:
    """`text` without white space."""
    return "".join(text.split())


def letters(text: str) -> NDArray[np.uint32]:
    """The code points of `text`, one number each; a lone surrogate is one too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def rolling(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The hash of the gram that begins at each of `codes`, but for the last four, where none begins."""
    wide = codes.astype(np.uint64)
    count = max(len(wide) - SIZE + 1, 0)
    hashes = wide[:count].copy()
    for offset in range(1, SIZE):
        # A polynomial modulo 2**64 with an odd base: that two of 10 million grams meet by chance is 1 in 400,000.
        hashes *= _BASE
        hashes += wide[offset : offset + count]
    return hashes


def grams(text: str) -> NDArray[np.uint64]:
    """The distinct grams of a text, sorted; none of one with fewer than five characters."""
    return np.unique(rolling(letters(bare(text))))


def jaccard(first: str, second: str) -> float:
    """The share of grams that two texts have in common, 0 to 1; of texts too short for one, 1 where they are equal."""
    if (one := bare(first)) == (other := bare(second)):
        return 1.0
    mine, theirs = grams(one), grams(other)
    both = len(np.intersect1d(mine, theirs, assume_unique=True))
    return both / max(len(mine) + len(theirs) - both, 1)
