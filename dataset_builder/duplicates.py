"""Near-duplicates among hundreds of thousands of texts: pairs that share most of their character 5-grams, clusters.

`dataset_builder.banding` says how likely a pair is found, and what is not compared. Of 350,000 dialogues (0.9 GB) the
file verb takes ten seconds of one core and 180 MB, half of them signatures that are mapped from a temporary file.
"""

import json
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_builder.banding import REACH, Check, DuplicatesError, Pairs, TextOf, sorted_bands
from dataset_builder.minhash import stored


def find(path: Path, *, threshold: float = 0.7, seed: int = 1) -> Iterator[tuple[str, str]]:
    """For every row of a JSON Lines file, in order, its id and the id of the first row of its cluster.

    A row has `messages`, of which the contents count, or a `text`; without an `id` it is called `line:<number>`. Ids
    and numbers of all rows are held; signatures lie in a temporary file, and texts are read again to be compared.

    Raises:
        DuplicatesError: where the file is missing or compressed, or a line of it is no such row.
    """
    ids, offsets = list[str](), array("q")

    def texts() -> Iterator[str]:
        for offset, line, row in _rows(path):
            offsets.append(offset)
            ids.append(f"line:{line}" if row.get("id") is None else str(row["id"]))
            yield _text(row, path, line)

    def text_of(place: int) -> str:
        rows.seek(offsets[place])
        return _text(json.loads(rows.readline()), path, place)

    if path.suffix == ".gz" or not path.is_file():
        raise DuplicatesError(f"no plain file at {str(path)!r}: give a .jsonl file that is not compressed")
    with path.open("rb") as rows, tempfile.TemporaryFile() as file:
        signatures = stored(texts(), file, seed=seed)
        labels = clusters(len(ids), near_pairs(signatures, threshold=threshold, text_of=text_of))
    yield from zip(ids, (ids[label] for label in labels), strict=True)


def near_pairs(signatures: NDArray[np.uint16], *, threshold: float = 0.7, text_of: TextOf | None = None) -> Pairs:
    """Pairs of rows, shape (m, 2), that join each cluster of near-duplicates; not all pairs of a cluster.

    `text_of` gives the text of a row; it is asked for the few that come close, in no order. With it, a pair's Jaccard
    index is at least `threshold`; without it, the index as the signatures estimate it.

    Raises:
        DuplicatesError: for a threshold below 0.5 (for which the bands are too strict) or above 1.
    """
    check = Check(signatures, signatures, threshold, text_of, text_of)
    labels = np.arange(len(signatures))
    found = [np.empty((0, 2), dtype=np.int64)]
    for keys, order in sorted_bands(signatures):
        for distance in range(1, REACH + 1):
            (places,) = np.nonzero(keys[distance:] == keys[:-distance])
            if not len(places):
                break
            pairs = np.column_stack((order[places], order[places + distance]))
            pairs = check.passed(np.sort(pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]], axis=1))
            if len(pairs):
                found.append(pairs)
                _join(labels, pairs)
    return np.concatenate(found)


def cross_pairs(
    left: NDArray[np.uint16],
    right: NDArray[np.uint16],
    *,
    threshold: float = 0.7,
    left_text: TextOf | None = None,
    right_text: TextOf | None = None,
) -> Pairs:
    """For every row of `right` that has a near-duplicate in `left`, one such pair (left row, right row), in order.

    In a long run a row is compared with the `REACH` nearest rows of `left` to either side; otherwise as `near_pairs`.
    Signatures of the two must have the same seed.
    """
    check = Check(left, right, threshold, left_text, right_text)
    found = [np.empty((0, 2), dtype=np.int64)]
    unseen = np.ones(len(right), dtype=bool)
    for keys, order in sorted_bands(left, right):
        mine = order < len(left)
        before = np.cumsum(mine)[~mine]  # how many of the left stand before each of the right
        lefts, left_keys = order[mine], keys[mine]
        rights, right_keys = order[~mine] - len(left), keys[~mine]
        for step in range(2 * REACH):
            places = before + (step // 2 if step % 2 else -1 - step // 2)
            near = (places >= 0) & (places < len(lefts)) & unseen[rights]
            near[near] = left_keys[places[near]] == right_keys[near]
            pairs = check.passed(np.column_stack((lefts[places[near]], rights[near])))
            unseen[pairs[:, 1]] = False
            found.append(pairs)
    pairs = np.concatenate(found)
    return pairs[np.argsort(pairs[:, 1], kind="stable")]


def clusters(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """The cluster of each of `count` rows, named by its smallest row: rows that pairs join, however many between."""
    labels = np.arange(count)
    _join(labels, pairs)
    return labels


def _join(labels: NDArray[np.int64], pairs: Pairs) -> None:
    """Give joined clusters the smallest label among them; `labels` name each cluster by its smallest row already."""
    while True:
        ends = labels[pairs]
        low, high = ends.min(axis=1), ends.max(axis=1)
        if (low == high).all():
            return
        np.minimum.at(labels, high, low)
        while not np.array_equal(shorter := labels[labels], labels):
            labels[:] = shorter


def _rows(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The offset, the line number and the object of each line that is not blank."""
    offset = 0
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            if text.strip():
                try:
                    row = json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise DuplicatesError(f"{path}:{line} is not JSON ({error}); mend or drop it") from None
                if not isinstance(row, dict):
                    raise DuplicatesError(f"{path}:{line} holds a JSON {type(row).__name__}, not an object")
                yield offset, line, row
            offset += len(text)


def _text(row: dict[str, Any], path: Path, line: int) -> str:
    if isinstance(row.get("text"), str):
        return str(row["text"])
    try:
        return "\n".join(message["content"] for message in row["messages"])
    except (KeyError, TypeError):
        raise DuplicatesError(f"{path}:{line} has neither a text nor messages with a content each") from None
