"""SMILECHAT v2 as published: a file `<id>.json` per dialogue, a list of {role, content, annotation}; or JSON Lines."""

from collections.abc import Iterator
from pathlib import Path

from dataset_builder.records import Rejection
from dataset_builder.sources import messages
from dataset_builder.sources.archives import is_archive
from dataset_builder.sources.files import json_units, unit_stem
from dataset_builder.sources.json_array import is_json_lines
from dataset_builder.sources.row import Row


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a folder or archive of `<number>.json` files, of one such file, or of {id, messages} lines.

    The annotations are left out: upstream, all of their labels are empty.
    """
    if path.is_file() and not is_archive(path) and is_json_lines(path):
        yield from messages.rows(path)
        return
    for item in json_units(path, r"[0-9]+\.json"):
        if isinstance(item, Rejection):
            yield item
        elif isinstance(item[1], list):
            yield Row(id=unit_stem(item[0]), messages=messages.turns(item[1]))
        else:
            yield Rejection(item[0], "not_a_list")
