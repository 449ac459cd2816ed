"""Every answer that was paid for, in a file that only grows: on disk before it is used, read back by its key."""

import json
import os
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CHUNK = 1 << 20
"""Bytes read at a time while the file is gone through."""

_HEAD = re.compile(
    rb'\{"key": "([0-9a-f]{16})[0-9a-f]*", "model": "((?:[^"\\]|\\.)*)", "prompt_tokens": (\d+), '
    rb'"completion_tokens": (\d+), '
)
"""How each line begins: what is needed of a million answers is read without their texts."""


class AnswersError(ValueError):
    """An answer that cannot be written down; the message names the file and the fix."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What `model` answered to the request with this key, and what it took."""

    key: str
    text: str
    prompt_tokens: int
    completion_tokens: int
    model: str
    finish_reason: str

    def line(self) -> bytes:
        about = {"key": self.key, "model": self.model, "prompt_tokens": self.prompt_tokens}
        more = {"completion_tokens": self.completion_tokens, "finish_reason": self.finish_reason, "text": self.text}
        return (json.dumps(about | more, ensure_ascii=False) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Spent:
    """What the answers of one model took, summed."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def plus(self, prompt_tokens: int, completion_tokens: int) -> "Spent":
        return Spent(self.answers + 1, self.prompt_tokens + prompt_tokens, self.completion_tokens + completion_tokens)


class Answers:
    """The answers in `path`, which one process at a time may hold open.

    Found by key are those behind byte `start` and those added; in memory are 16 bytes for each, and about 150 for one
    that was added until it is forgotten. `spent` is by model, over the whole file: what is given, and what stands
    behind byte `counted`. A last line that a kill tore is cut off; a line that is no answer counts as damaged and is
    not found, so that it is asked for again.
    """

    def __init__(
        self, path: Path, *, start: int = 0, counted: int = 0, spent: Mapping[str, Spent] | None = None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.damaged = path, 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.size = os.fstat(self._file).st_size
        if not (self._is_line_start(start) and self._is_line_start(counted)):  # of another file than this one
            start, counted, spent = 0, 0, None
        self.spent = dict(spent or {})
        self._added: dict[str, int] = {}
        self._index(min(start, counted), start, counted)

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def get(self, key: str) -> Answer | None:
        """The first answer with this key; None where there is none."""
        return next((answer for offset in self._places(key) if (answer := self._read(offset, key))), None)

    def offset(self, key: str) -> int | None:
        """The byte at which that answer's line begins."""
        return next(iter(self._places(key)), None)

    @property
    def first_unused(self) -> int:
        """The byte of the first answer found on opening that nobody has asked for: a row to come may need it."""
        unused = self._offsets[self._unused]
        return int(unused.min()) if len(unused) else self.size

    def _places(self, key: str) -> list[int]:
        """Where lines with this key begin: more than one where the first is damaged or was paid for twice."""
        number = np.uint64(int(key[:16], 16))
        low, high = (int(np.searchsorted(self._numbers, number, side)) for side in ("left", "right"))
        self._unused[low:high] = False
        added = [self._added[key]] if key in self._added else []
        return [*added, *map(int, self._offsets[low:high])]

    def add(self, answer: Answer) -> None:
        """Write an answer down; it is in the file, as a whole line, when this returns.

        Raises:
            AnswersError: where it cannot be written whole; then nothing of it is left.
        """
        line = answer.line()
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise AnswersError(
                f"{self.path} cannot be written to ({error.strerror}); make room and start again"
            ) from None
        if written != len(line):
            os.ftruncate(self._file, self.size)
            raise AnswersError(f"{self.path}: the disk is full; make room and start again; what was in flight is lost")
        self._added[answer.key] = self.size
        self.size += len(line)
        self._count(answer.model, answer.prompt_tokens, answer.completion_tokens)

    def forget(self, key: str) -> None:
        """That this answer will not be looked for again, where it was added: what keeps memory flat."""
        self._added.pop(key, None)

    def sync(self) -> None:
        """Have the disk hold what the file holds, power cut or not."""
        os.fsync(self._file)

    def _count(self, model: str, prompt_tokens: int, completion_tokens: int) -> None:
        self.spent[model] = self.spent.get(model, Spent()).plus(prompt_tokens, completion_tokens)

    def _is_line_start(self, offset: int) -> bool:
        return offset == 0 or (offset <= self.size and os.pread(self._file, 1, offset - 1) == b"\n")

    def _index(self, begin: int, start: int, counted: int) -> None:
        numbers, offsets = array("Q"), array("Q")
        for offset, line in self._lines(begin):
            head = _HEAD.match(line)
            if head is None:
                self.damaged += 1
                continue
            if offset >= start:
                numbers.append(int(head[1], 16))
                offsets.append(offset)
            if offset >= counted:
                self._count(json.loads(b'"%b"' % head[2]), int(head[3]), int(head[4]))
        order = np.argsort(np.array(numbers, np.uint64), kind="stable")
        self._numbers = np.array(numbers, np.uint64)[order]
        self._offsets = np.array(offsets, np.uint64)[order]
        self._unused = np.ones(len(order), bool)

    def _lines(self, begin: int) -> Iterator[tuple[int, bytes]]:
        """The whole lines from byte `begin` on; what stands behind the last of them is cut off."""
        rest, at = b"", begin
        while piece := os.pread(self._file, CHUNK, at + len(rest)):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield at, line
                at += len(line) + 1
        if rest:
            os.ftruncate(self._file, at)
            self.size = at

    def _read(self, offset: int, key: str) -> Answer | None:
        line, size = b"", 1 << 14
        while b"\n" not in line:
            line = os.pread(self._file, size, offset)
            size *= 4
        try:
            row = json.loads(line[: line.index(b"\n")])
            return Answer(**row) if row["key"] == key else None
        except (ValueError, KeyError, TypeError):
            self.damaged += 1
            return None
