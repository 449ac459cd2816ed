"""The last stage: each partition of the corpus as the Parquet files that are published."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from dataset_builder.shards import write_shards
from dataset_builder.splits import SPLITS


@dataclass(frozen=True)
class WriteShards:
    """Task n writes partition n into `data/`; its rows are those of `lines`, a folder per partition."""

    partitions: tuple[str, ...]
    lines: Path

    def __call__(self, task: int, folder: Path) -> dict[str, Any]:
        datasets.disable_progress_bars()  # one per split would drown the stage's own
        partition = self.partitions[task]
        found = write_shards(partition, self.lines, folder / "data", folder / "cache")
        digest = hashlib.sha256()
        for split in SPLITS:
            for path in sorted((self.lines / partition).glob(f"{split}*.jsonl")):
                digest.update(f"{split}\n".encode())
                with path.open("rb") as file:
                    for line in file:
                        digest.update(line)
        sizes = {
            split: {"rows": s.rows, "arrow_bytes": s.arrow_bytes, "disk_bytes": s.disk_bytes}
            for split, s in found.items()
        }
        return {"partition": partition, "hash": digest.hexdigest()[:16], "splits": sizes}

    def needs(self, task: int) -> list[Path]:
        return [self.lines / self.partitions[task]]


def gather_lines(scattered: Iterable[Path], lines: Path) -> tuple[str, ...]:
    """Link the scattered files into a folder per partition, in the order of shards; returns the partitions."""
    for number, shard in enumerate(scattered):
        for file in sorted(shard.glob("*/*.jsonl")):
            folder = lines / file.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            link = folder / f"{file.stem}-{number:05d}.jsonl"
            if not link.exists():
                os.link(file, link)
    return tuple(sorted(path.name for path in lines.glob("*") if path.is_dir()))
