"""JSON objects from an array of any size, or from JSON Lines, one at a time; a damaged one costs no other."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.files import lines, stem
from dataset_builder.sources.json_value import DECODER, BadJson, parse
from dataset_builder.sources.json_window import SPACE, Lost, Window
from dataset_builder.sources.row import SourceError

_FIRST_KEY = re.compile(rf'\{{{SPACE}"([^"\\]*)"{SPACE}:')
LOOK_AHEAD = 1 << 20  # characters in which to see how elements begin
SURE = 20  # elements that were whole, after which nobody looks ahead
COUNTED = 500  # characters of one object, lest a single monstrous one outweighs all


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]] | Rejection]:
    """The objects of a JSON array or of JSON Lines, plain or gzip, each with its place, from 1 (a line's number).

    A file whose name has .jsonl or .ndjson is JSON Lines; any other is what its first character says.
    A value that is no object, or no JSON, is a Rejection `<stem>:<place>`: not_an_object, not_json, not_utf8, too_deep
    or too_large.

    Raises:
        SourceError: where the file is missing, cut, or neither of the two; after all that came before the damage.
    """
    lines_given, good = is_json_lines(path), 0
    for item in json_lines(path) if lines_given else elements(path):
        if not isinstance(item, Rejection) and not isinstance(item[1], dict):
            item = Rejection(f"{stem(path)}:{item[0]}", "not_an_object")
        good += not isinstance(item, Rejection)
        yield item
    if lines_given and not good and ".json" in path.suffixes:
        raise SourceError(f"{path} begins like JSON Lines, but none of its lines is an object; give a JSON array")


def is_json_lines(path: Path) -> bool:
    """Whether a file has the name of JSON Lines, or begins as it does, with an object."""
    return bool({".jsonl", ".ndjson"} & set(path.suffixes)) or Window(path).character() == "{"


def json_lines(path: Path) -> Iterator[tuple[int, Any] | Rejection]:
    """The values of JSON Lines with their line numbers, blank lines left out; a Rejection for what is none."""
    for number, line in lines(path):
        try:
            if line is None:
                raise BadJson("too_large")
            if line.strip():
                yield number, parse(line)
        except BadJson as error:
            yield Rejection(f"{stem(path)}:{number}", error.reason)


def elements(path: Path) -> Iterator[tuple[int, Any] | Rejection]:
    """The elements of a JSON array with their places, from 1; memory holds one of them and a piece of the file.

    An element that is no JSON is a Rejection, and reading goes on at the next object that begins with the same key as
    the good ones: a stricter parser would stop there and lose the rest.

    Raises:
        SourceError: where there is no array, or the array is cut.
    """
    window = Window(path)
    if window.character() != "[":
        raise SourceError(
            f"{path} begins with {window.character()!r}, which is neither a JSON array nor JSON Lines; "
            "give the file as it was published"
        )
    window.at += 1
    place, openings = 0, _Openings(window)
    while not window.closed():
        place += 1
        item: tuple[int, Any] | Rejection
        try:
            if window.character() != "{" and (openings.seen or place == 1) and openings.key():
                raise Lost("not_an_object")  # a stray quotation mark would take the next element into its string
            item = place, window.value()
            openings.learn(item[1])
        except BadJson as error:
            item = Rejection(f"{stem(path)}:{place}", error.reason)
            if isinstance(error, Lost) and not ((key := openings.key()) and window.skip_to(key)):
                raise SourceError(f"{path} is cut or damaged at element {place}; fetch it again") from None
        yield item
        if window.character() == ",":
            window.at += 1


class _Openings:
    """The key with which the elements of an array begin: that of the objects, in no other, that take up most of it.

    Counted by size, for what is left of a damaged element are the many small objects that stood in it.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._sizes, self._ahead = Counter[str](), Counter[str]()
        self._whole = self._asked = 0

    @property
    def seen(self) -> bool:
        """Whether an element was an object: then all should be."""
        return bool(self._whole)

    def learn(self, value: Any) -> None:
        if isinstance(value, dict) and self._whole < SURE:
            self._whole += 1
            self._sizes[next(iter(value), "")] += min(len(repr(value)), COUNTED)

    def key(self) -> str:
        """The key of the elements before, and as long as these are few, of those ahead; "" where none can be seen."""
        if self._whole < SURE:
            if self._asked < 8 or self._asked % 64 == 0:  # 10 ms: too much for every element of a ruin
                self._ahead = self._sizes_ahead()
            self._asked += 1
        sizes = self._sizes + self._ahead
        return max(sizes, key=sizes.__getitem__, default="")

    def _sizes_ahead(self) -> Counter[str]:
        while len(self._window.text) - self._window.at < LOOK_AHEAD and self._window.more():
            pass
        text, sizes, end = self._window.text, Counter[str](), self._window.at
        for opening in _FIRST_KEY.finditer(text, end):
            if opening.start() >= end:
                with contextlib.suppress(ValueError, RecursionError):  # damaged, or cut by the end of the text
                    end = DECODER.raw_decode(text, opening.start())[1]
                    sizes[opening[1]] += min(end - opening.start(), COUNTED)
        return sizes
