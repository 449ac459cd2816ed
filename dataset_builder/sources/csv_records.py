"""The records of a CSV or TSV file, where a stray quotation mark or byte costs its own line and no other."""

import codecs
import contextlib
import csv
import itertools
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from dataset_builder.sources.files import chunks, lines
from dataset_builder.sources.row import SourceError

MAX_FIELD = 4 << 20
"""Characters of a field: how far a quotation mark that is never closed is followed, in memory."""

SAMPLE = 4  # pieces of files.CHUNK bytes from which the encoding is guessed


def records(path: Path) -> Iterator[tuple[int, list[str] | str]]:
    """The records, header first, each with the number of its first line; a reason in place of one that is damaged.

    `bad_row` has another number of fields than the header, or a quotation mark in the wrong place: then its first
    line is left out and the next one begins a record. `not_utf8` holds undecodable bytes. The delimiter is a tab for
    .tsv, else a comma.

    Raises:
        SourceError: as `files.chunks`, after all records before the damage.
    """
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    feed = _Feed(lines(path), encoding(path))
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(feed, strict=True, delimiter=delimiter)
    width = 0
    while True:
        feed.begin()
        values: list[str] | None
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            values = None
        if values == []:  # a blank line
            continue
        width = width or len(values or [])
        if values is None or len(values) != width:
            yield feed.give_back(), "bad_row"
        else:
            yield feed.first, ("not_utf8" if _undecoded(values) else values)


def encoding(path: Path) -> str:
    """`gb18030` where the first megabyte of a file is mostly no UTF-8 but pairs of GB 2312 bytes, else `utf-8`.

    A few damaged bytes in UTF-8 are then still damaged UTF-8: as GB 18030 nearly any bytes can be read, as nonsense.
    """
    pieces = list[bytes]()
    with contextlib.suppress(SourceError):  # which `records` comes upon in its turn
        pieces.extend(itertools.islice(chunks(path), SAMPLE))
    sample = b"".join(pieces)
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
    wide = len(text) - len(text.encode("ascii", "ignore"))
    high = len(sample) - len(sample.translate(None, bytes(range(0x80, 0x100))))
    pairs = 2 * len(re.findall(rb"[\xa1-\xf7][\xa1-\xfe]", sample))
    return "gb18030" if 2 * text.count("\ufffd") > wide and 2 * pairs > high else "utf-8"


def _undecoded(values: list[str]) -> bool:
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return True
    return False


class _Feed(Iterator[str]):
    """The lines of a file as csv wants them, of which those of the present record can be given back."""

    def __init__(self, numbered: Iterator[tuple[int, bytes | None]], encoding: str) -> None:
        self._numbered, self._encoding = numbered, encoding
        self._again = deque[tuple[int, str]]()
        self._taken = list[tuple[int, str]]()

    @property
    def first(self) -> int:
        """The number of the present record's first line."""
        return self._taken[0][0]

    def begin(self) -> None:
        self._taken = []

    def give_back(self) -> int:
        """All lines of the present record but the first, whose number is returned."""
        self._again.extendleft(reversed(self._taken[1:]))
        return self.first

    def __next__(self) -> str:
        self._taken.append(self._again.popleft() if self._again else self._read())
        return self._taken[-1][1]

    def _read(self) -> tuple[int, str]:
        number, line = next(self._numbered)
        data = b'"' if line is None else line  # too long a line is a bad row
        if number == 1:
            data = data.removeprefix(codecs.BOM_UTF8)
        return number, data.decode(self._encoding, "surrogateescape") + "\n"
