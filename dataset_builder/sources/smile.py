"""SMILECHAT v1 and SMILE plain as published: a file `<id>.json` per dialogue, a list of `求助者：…`, `支持者：…`."""

from collections.abc import Iterator
from pathlib import Path

from dataset_builder.records import Rejection
from dataset_builder.sources.files import json_units, unit_stem
from dataset_builder.sources.labelled import turns
from dataset_builder.sources.row import Row


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a folder or archive of `<number>.json` files, or of one such file."""
    for item in json_units(path, r"[0-9]+\.json"):
        if isinstance(item, Rejection):
            yield item
        elif isinstance(item[1], list):
            yield Row(id=unit_stem(item[0]), messages=turns(item[1]))
        else:
            yield Rejection(item[0], "not_a_list")
