"""CPsyCounE as published: a folder per topic with a JSON file per dialogue, a list of `求助者：…`, `支持者：…`."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from dataset_builder.records import Rejection
from dataset_builder.sources.archives import is_archive, printable
from dataset_builder.sources.files import json_units, unit_stem
from dataset_builder.sources.labelled import turns
from dataset_builder.sources.row import Row


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of the folder, or of an archive of it; of one topic's folder, or one file, too.

    The topic is the name of a file's folder, or of the file where that is no number; the id is `<topic>/<file>`.
    """
    for item in json_units(path, r"[^.].*\.json"):
        if isinstance(item, Rejection):
            yield item
        elif isinstance(item[1], list):
            topic = _topic(item[0], path)
            yield Row(id=f"{topic}/{unit_stem(item[0])}", messages=turns(item[1]), topic=topic)
        else:
            yield Rejection(item[0], "not_a_list")


def _topic(name: str, path: Path) -> str:
    if words := re.sub(r"[\W\d_]+$", "", unit_stem(name)):
        return words
    if folder := PurePosixPath(name).parent.name:
        return folder
    outside = path.parent if path.is_file() and not is_archive(path) else path
    return printable(outside.resolve().name.split(".")[0])
