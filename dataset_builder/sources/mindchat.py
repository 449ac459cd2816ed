"""MindChat's example data as published: alpaca with history, as a JSON array."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources import alpaca
from dataset_builder.sources.files import stem
from dataset_builder.sources.json_array import objects
from dataset_builder.sources.row import Row


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a file, plain or gzip.

    Where `output` is empty and `input` is not, the last reply stands in `input`: so in 2 of the 20 published rows.
    """
    for item in objects(path):
        yield item if isinstance(item, Rejection) else alpaca.row(_mended(item[1]), f"{stem(path)}:{item[0]}")


def _mended(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if row.get("instruction") and row.get("input") and row.get("output") == "":
        return {**row, "input": "", "output": row["input"]}
    return row
