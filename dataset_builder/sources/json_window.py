"""A moving window on a JSON text of any size: values are taken from it one at a time, and damage is passed over."""

import codecs
import json
import re
from pathlib import Path
from typing import Any

from dataset_builder.sources.archives import MAX_UNIT
from dataset_builder.sources.files import chunks
from dataset_builder.sources.json_value import DECODER, BadJson, check
from dataset_builder.sources.row import SourceError

SPACE = r"[ \t\n\r]*"
SLACK = 64  # characters: an error this near to the end of what was read may be due to that end
KEY_SPAN = 1024  # characters of `{ "key" :`, with white space

_SPACE = re.compile(SPACE)


class Lost(BadJson):
    """A damaged value of which the end is not known."""


class Window:
    """The text of a file, of which `text` is a part and `at` the place where reading goes on.

    Bytes that are no UTF-8 become lone surrogates, so that only the value that holds them is rejected.
    """

    def __init__(self, path: Path) -> None:
        self._chunks = chunks(path)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._ended, self._error = False, None  # type: bool, SourceError | None
        self.text, self.at = "", 0

    def character(self) -> str:
        """The next character that is no white space, where `at` then is; "" at the end of the file."""
        while True:
            space = _SPACE.match(self.text, self.at)
            self.at = space.end() if space else self.at
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def closed(self) -> bool:
        """Whether what is left is the array's closing bracket, and no more."""
        if self.character() != "]":
            return False
        while not self.text[self.at + 1 :].strip() and self.more():
            pass
        return not self.text[self.at + 1 :].strip()

    def value(self) -> Any:
        """The value that begins here; `at` is then behind it, unless it is a Lost one."""
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
            except RecursionError:
                raise Lost("too_deep") from None
            except json.JSONDecodeError as error:
                near_end = error.pos + SLACK > len(self.text) or error.msg.startswith("Unterminated")
                if self._ended or not near_end:
                    raise Lost("not_json") from None
            except ValueError:  # a number of more digits than Python converts
                raise Lost("not_json") from None
            else:
                if end < len(self.text) or self._ended:  # else a number may go on
                    start, self.at = self.at, end
                    check(value, self.text[start:end])
                    return value
            if len(self.text) - self.at > MAX_UNIT:
                raise Lost("too_large")
            self.more()

    def skip_to(self, key: str) -> bool:
        """Go on to the next object that begins with `key`, or to the array's end; False where neither is near."""
        opening = re.compile(rf'\{{{SPACE}"{re.escape(key)}"{SPACE}:')
        self.at += 1
        passed = 0
        while not (found := opening.search(self.text, self.at)):
            passed += len(self.text) - self.at
            self.at = max(self.at, len(self.text) - KEY_SPAN)
            if passed > MAX_UNIT:
                return False
            if not self.more():
                self.at = max(self.at, len(self.text.rstrip()) - 1)
                return self.text[self.at :].startswith("]")
        self.at = found.start()
        return True

    def more(self) -> bool:
        """Read on: at least one piece of the file, and as much as is ahead; False where nothing was left."""
        if self._error:
            raise self._error
        ahead, new = self.text[self.at :], list[str]()
        size, before = 0, self._ended
        while not self._ended and not self._error and size <= len(ahead):
            try:
                piece = next(self._chunks, None)
            except SourceError as error:  # once what came before it has been read
                self._error, piece = error, b""
            self._ended = piece is None
            new.append(self._decoder.decode(piece or b"", final=self._ended))
            size += len(new[-1])
        self.text, self.at = "".join([ahead, *new]), 0
        return not before
