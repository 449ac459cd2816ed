"""The first stage: each source, streamed once, into raw shards of so many rows. All later stages work by shard."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_builder.inputs import Input
from dataset_builder.records import Rejection
from dataset_builder.sources import Row

SHARD_CHARACTERS = 16_000_000
"""A shard is closed once it holds these, however few rows they are: 5,000 dialogues have some 5 million."""


@dataclass(frozen=True)
class Ingest:
    """Task n streams input n. Its shards lie beside the stage's own outputs: a killed reading keeps those it wrote."""

    inputs: tuple[Input, ...]
    raw: Path
    rows_per_shard: int

    def __call__(self, task: int, folder: Path) -> dict[str, Any]:
        shards = self.raw / f"{task:03d}"
        shards.mkdir(parents=True, exist_ok=True)
        rows, number = 0, 0
        for batch in _batches(map(_line, self.inputs[task].rows()), self.rows_per_shard):
            shard = shards / f"{number:05d}.jsonl"
            rows, number = rows + len(batch), number + 1
            if not shard.exists():  # a source reads the same again, so what was written before the kill stays
                partial = shard.with_suffix(".partial")
                with partial.open("w", encoding="utf-8") as file:
                    file.writelines(batch)
                partial.rename(shard)
        return {"rows": rows}

    def needs(self, task: int) -> list[Path]:
        return []  # sources lie where the build was started, and are read there


def _batches(lines: Iterator[str], most: int) -> Iterator[list[str]]:
    """Of at most so many lines, and fewer where they are large: memory follows neither the file nor its rows."""
    batch: list[str] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == most or size > SHARD_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def raw_shards(raw: Path) -> list[tuple[int, Path]]:
    """The input number and path of each shard that the finished stage has left, in order."""
    return [(int(path.parent.name), path) for path in sorted(raw.glob("*/*.jsonl"))]


def raw_rows(shard: Path) -> Iterator[Row | Rejection]:
    """The rows of a shard as the reader gave them."""
    with shard.open(encoding="utf-8") as lines:
        for line in lines:
            value = json.loads(line)
            yield Rejection(**value["rejected"]) if "rejected" in value else value["row"]


def _line(row: Row | Rejection) -> str:
    value = {"rejected": {"id": row.id, "reason": row.reason}} if isinstance(row, Rejection) else {"row": row}
    return json.dumps(value, ensure_ascii=False) + "\n"
