"""CPsyCounD as published: a text file per case, turns labelled 来访者 or 心理咨询师, with unlabelled lines between."""

import re
from collections.abc import Iterator
from pathlib import Path

from dataset_builder.records import Rejection
from dataset_builder.sources.files import unit_stem, units
from dataset_builder.sources.row import Row

LABELS = ("来访者", "心理咨询师")

# 来访者（姚先生）： and 心理咨询师（扮演丈夫）： are turns too, in ten of 1,950 cases; the brackets are left out.
_TURN = re.compile(rf"^[^\S\n]*({'|'.join(LABELS)})(?:[（(][^）)\n]{{1,10}}[）)])?\s*[：:]", re.MULTILINE)


def is_labelled(text: str) -> bool:
    return _TURN.search(text) is not None


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The cases of a folder or archive of `case_<n>.txt` files, by number, or of one such file.

    An unlabelled line goes on with the turn before it; words before the first label are a turn of nobody known.
    """
    for item in units(path, r"case_[0-9]+\.txt"):
        if isinstance(item, Rejection):
            yield item
            continue
        try:
            text = item[1].decode("utf-8-sig")
        except UnicodeDecodeError:
            yield Rejection(item[0], "not_utf8")
            continue
        parts = _TURN.split(text)
        turns = list(zip(parts[1::2], parts[2::2], strict=True))
        if parts[0].strip():
            turns.insert(0, ("", parts[0]))
        messages = [{"role": role, "content": content.strip()} for role, content in turns]
        yield Row(id=unit_stem(item[0]), messages=messages)
