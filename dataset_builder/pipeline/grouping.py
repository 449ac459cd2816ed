"""The third stage: what only the whole corpus can tell. Duplicates, templates, groups that stay together, splits.

Of all rows, some 1.1 kB each stay in memory at the most: hashes, and the signatures that are not mapped from disk.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dataset_builder import duplicates, leakage
from dataset_builder.config import CorpusConfig
from dataset_builder.pipeline.cleaning import text_of
from dataset_builder.splits import assign_splits
from dataset_builder.topics import TOPICS

REASONS = ("", "duplicate", "near_duplicate", "template", "near_held_out", "in_external_test")
"""Why a row that was clean is not in the corpus; 0 where it is."""
KEPT, DUPLICATE, NEAR, TEMPLATE, LEAKED, EXTERNAL = range(len(REASONS))

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """Its one task writes decisions.npz (reasons, splits and groups of every shard's rows) and leakage.json."""

    cleaned: tuple[Path, ...]  # a folder per shard
    labelled: tuple[Path, ...]  # the same shards' topics
    config: CorpusConfig
    external: tuple[Path, ...] = ()  # cleaned shards of test sets that the corpus must not contain

    def __call__(self, task: int, folder: Path) -> dict[str, Any]:
        keys = {name: _all(self.cleaned, name) for name in ("content", "question", "opening", "rank")}
        with ExitStack() as files:
            texts = Texts(self.cleaned, files)
            reasons, groups, splits = self._decide(keys, texts)
            report = self._check(keys, texts, reasons, splits, groups)
        bounds = texts.starts
        arrays: dict[str, Any] = {
            f"{name}-{number}": values[start:end]
            for name, values in (("reasons", reasons), ("splits", splits), ("groups", groups))
            for number, (start, end) in enumerate(itertools.pairwise(bounds))
        }
        np.savez(folder / "decisions.npz", **arrays)
        (folder / "leakage.json").write_text(json.dumps(report.as_dict(), indent=1), encoding="utf-8")
        return {"rows": len(reasons), "groups": len(np.unique(groups[reasons == KEPT]))}

    def needs(self, task: int) -> list[Path]:
        return [*self.cleaned, *self.labelled, *self.external]

    def _decide(self, keys: leakage.Keys, texts: "Texts") -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        config = self.config.duplicates
        reasons = np.zeros(len(keys["content"]), dtype=np.uint8)
        reasons[_repeated(keys["content"])] = DUPLICATE
        reasons[(reasons == KEPT) & self._templated(reasons == KEPT)] = TEMPLATE
        signatures = _stacked(self.cleaned, "signatures")
        near = duplicates.near_pairs(signatures, threshold=config.threshold, text_of=texts)
        del signatures
        clusters = duplicates.clusters(len(reasons), near)
        if config.near == "drop":
            reasons[(reasons == KEPT) & _repeated(clusters, among=reasons == KEPT)] = NEAR
        if self.external:
            reasons[(reasons == KEPT) & self._in_external(keys, texts)] = EXTERNAL
        links = [near, *(_linked(keys[name]) for name in ("question", "opening", "content"))]
        groups = duplicates.clusters(len(reasons), np.concatenate(links))
        splits = np.zeros(len(reasons), dtype=np.uint8)
        kept = reasons == KEPT
        if kept.any():
            splits[kept] = assign_splits(
                groups[kept], self._topics()[kept], keys["rank"][kept], held_out=self.config.splits.held_out
            )
        return reasons, groups, splits

    def _check(
        self,
        keys: leakage.Keys,
        texts: "Texts",
        reasons: NDArray[Any],
        splits: NDArray[Any],
        groups: NDArray[Any],
    ) -> leakage.Leakage:
        """Take out what independent signatures find across splits, then count what is left."""
        threshold = self.config.duplicates.threshold
        check = _stacked(self.cleaned, "check")
        close = leakage.near_across(check, splits, reasons == KEPT, threshold=threshold, text_of=texts)
        reasons[close] = LEAKED
        removed = {REASONS[reason]: int((reasons == reason).sum()) for reason in (LEAKED, EXTERNAL)}
        found = leakage.measure(
            keys, check, splits, reasons == KEPT, threshold=threshold, text_of=texts, removed=removed
        )
        shared = {"opening": keys["opening"], "question": keys["question"], "group": groups.astype(np.uint64)}
        settings = self.config.splits
        random = leakage.of_random_split(
            shared, reasons == KEPT, held_out=settings.held_out or 0.05, seed=settings.seed
        )
        if not self.external:
            return replace(found, of_random_split=random)
        kept = reasons == KEPT
        left = {"rows": int((self._in_external(keys, texts) & kept).sum())}
        return replace(found, of_random_split=random, external=left)

    def _topics(self) -> NDArray[np.int64]:
        """A number per row, -1 where it has no topic."""
        numbers = {topic: number for number, topic in enumerate(TOPICS)}
        return np.array(
            [
                numbers.get(label["topic"], -1)
                for shard in self.labelled
                for label in json.loads((shard / "labels.json").read_text(encoding="utf-8"))
            ],
            dtype=np.int64,
        )

    def _templated(self, kept: Bools) -> Bools:
        """Rows that hold a long counsellor turn which at least `template_rows` rows hold, letter for letter."""
        least = self.config.duplicates.template_rows
        found = np.zeros(len(kept), dtype=bool)
        if not least:
            return found
        keys, rows, start = [], [], 0
        for shard in self.cleaned:
            arrays = np.load(shard / "keys.npz")
            keys.append(arrays["template_keys"])
            rows.append(arrays["template_rows"] + start)
            start += len(arrays["content"])
        key, row = np.concatenate(keys), np.concatenate(rows)
        key, row = key[kept[row]], row[kept[row]]
        _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        found[row[counts[inverse] >= least]] = True
        return found

    def _in_external(self, keys: leakage.Keys, texts: "Texts") -> Bools:
        """Rows that a test set of others has: all of it, its opening, or nearly."""
        found = np.zeros(len(keys["content"]), dtype=bool)
        for name in ("content", "opening"):
            found |= np.isin(keys[name], _all(self.external, name))
        with ExitStack() as files:
            theirs = Texts(self.external, files)
            for name in ("signatures", "check"):  # two independent looks: what one misses, the other finds
                pairs = duplicates.cross_pairs(
                    _stacked(self.external, name),
                    _stacked(self.cleaned, name),
                    threshold=self.config.duplicates.threshold,
                    left_text=theirs,
                    right_text=texts,
                )
                found[pairs[:, 1]] = True
        return found


def _all(shards: Sequence[Path], name: str) -> NDArray[np.uint64]:
    return np.concatenate([np.load(shard / "keys.npz")[name] for shard in shards])


def _stacked(shards: Sequence[Path], name: str) -> NDArray[np.uint16]:
    return np.concatenate([np.load(shard / f"{name}.npy") for shard in shards])


class Texts:
    """`texts[i]`, as a function: the text of row i over all shards, read from disk where its line begins."""

    def __init__(self, shards: Sequence[Path], files: ExitStack) -> None:
        self._offsets = [np.load(shard / "keys.npz")["offsets"] for shard in shards]
        self.starts = np.cumsum([0, *(len(offsets) - 1 for offsets in self._offsets)])  # the first row of each shard
        self._shards, self._files = shards, files
        self._open: dict[int, BinaryIO] = {}

    def __call__(self, row: int) -> str:
        shard = int(np.searchsorted(self.starts, row, side="right")) - 1
        if shard not in self._open:
            self._open[shard] = self._files.enter_context((self._shards[shard] / "records.jsonl").open("rb"))
        file, offsets, line = self._open[shard], self._offsets[shard], row - int(self.starts[shard])
        file.seek(offsets[line])
        return text_of(json.loads(file.read(offsets[line + 1] - offsets[line]))["record"]["messages"])


def _repeated(keys: NDArray[Any], among: Bools | None = None) -> Bools:
    """Rows whose key an earlier row has; only rows `among` count."""
    rows = np.arange(len(keys)) if among is None else np.flatnonzero(among)
    _, first = np.unique(keys[rows], return_index=True)
    repeated = np.zeros(len(keys), dtype=bool)
    repeated[rows] = True
    repeated[rows[first]] = False
    return repeated


def _linked(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs of rows that chain all rows of an equal key together."""
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    return np.stack([order[:-1][same], order[1:][same]], axis=1).astype(np.int64)


def decisions(folder: Path) -> Callable[[int], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """What was decided for the rows of a shard: reasons (an index into `REASONS`), splits and groups."""
    arrays = np.load(folder / "decisions.npz")
    return lambda shard: tuple(arrays[f"{name}-{shard}"] for name in ("reasons", "splits", "groups"))


def reason_counts(reasons: NDArray[Any]) -> Counter[str]:
    """How many rows each reason took."""
    return Counter(
        {REASONS[reason]: int(count) for reason, count in enumerate(np.bincount(reasons)) if reason and count}
    )
