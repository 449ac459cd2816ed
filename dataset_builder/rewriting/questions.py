"""Single-turn questions, a line or a CSV's row each: read in order, dealt to shards, what is none told apart."""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_builder.records import UNKNOWN, Rejection
from dataset_builder.sources import csv_records
from dataset_builder.sources.files import lines, stem
from dataset_builder.sources.json_value import BadJson, parse
from dataset_builder.sources.row import row_id

DUPLICATE = "duplicate_question_id"
COLUMNS = ("question_id", "question", "answer", "topic", "source", "license")
"""The first two are needed; `topic` is an id of dataset_builder.topics or one of its aliases."""
START = b"\0" * 16
"""The chain before the first line."""


class QuestionsError(ValueError):
    """A file of questions, or a share of one, that cannot be rewritten; the message names it and the fix."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to be rewritten; `answer`, `topic`, `source` and `license` as its line says."""

    question_id: str
    question: str
    answer: str | None = None
    topic: str | None = None
    source: str = UNKNOWN
    license: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class Shard:
    """The `index`-th of `count` shares of the questions, from 1: which is decided by a hash of the id alone."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard that `i/n` means.

        Raises:
            QuestionsError: where `text` is not two numbers with 1 <= i <= n.
        """
        index, slash, count = text.partition("/")
        if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            raise QuestionsError(f"shard={text!r} is not i/n with 1 <= i <= n, as in 1/8")
        return cls(int(index), int(count))

    def holds(self, key: str) -> bool:
        return self.count == 1 or _number(key) % self.count == self.index - 1


@dataclass(frozen=True, slots=True)
class Line:
    """A line of this shard: `place` counts those of the shard, `number` all lines; both from 1.

    `chain` is a digest of all lines up to this one, so that a run that starts again knows whether what it has
    finished is still the beginning of the file.
    """

    place: int
    number: int
    chain: bytes
    item: Question | Rejection


@dataclass(frozen=True, slots=True)
class Survey:
    """What one reading of the file tells before the first request."""

    rows: int  # lines of this shard
    repeated: frozenset[int]  # hashes of question ids that more than one line of the shard may have
    chain: bytes | None  # at the line that was asked for; None where the file is shorter


def questions(path: Path) -> Iterator[Question | Rejection]:
    """The questions in a JSON Lines, CSV or TSV file, plain or gzip, with the keys or columns COLUMNS.

    What is no question is a Rejection: not_utf8, not_json, too_deep, too_large, not_an_object, no_question_id,
    no_question, bad_row. Its id is the question's where it has one, else the file's name and the line. Empty lines are
    none.

    Raises:
        QuestionsError: where a CSV has no column for them.
        SourceError: where the file is missing or cannot be read to its end.
    """
    for number, line in _rows(path):
        if isinstance(line, str) or line.strip():
            yield question_of(line, f"{stem(path)}:{number}")


def question_of(line: bytes | str, otherwise: str) -> Question | Rejection:
    """The question in a line of JSON, or why there is none; `otherwise` is the id of one that has none."""
    if isinstance(line, str):
        return Rejection(otherwise, line)
    try:
        value = parse(line)
    except BadJson as error:
        return Rejection(otherwise, error.reason)
    if not isinstance(value, dict):
        return Rejection(otherwise, "not_an_object")
    question_id = row_id(value.get("question_id"), "")
    if not question_id:
        return Rejection(otherwise, "no_question_id")
    question = _text(value, "question")
    if not question:
        return Rejection(question_id, "no_question")
    return Question(
        question_id,
        question,
        _text(value, "answer") or None,
        _text(value, "topic") or None,
        _text(value, "source") or UNKNOWN,
        _text(value, "license") or UNKNOWN,
    )


def survey(path: Path, shard: Shard, number: int = 0) -> Survey:
    """Count the lines of `shard`, find the ids that come again, and the chain at line `number`.

    Memory grows by 8 bytes a line while it reads, and is given back.

    Raises:
        QuestionsError: where no line of the file is a question.
        SourceError: where it cannot be read to its end.
    """
    hashes, chain, found = array("Q"), START, START if number == 0 else None
    reasons, any_question, example = Counter[str](), False, b""
    for at, line in _rows(path):
        chain = _link(chain, line)
        if at == number:
            found = chain
        if isinstance(line, str) or line.strip():
            item = question_of(line, f"{stem(path)}:{at}")
            if isinstance(item, Question):
                any_question = True
            elif not any_question:
                reasons[item.reason] += 1
                example = example or (line if isinstance(line, bytes) else b"")
            key = _key(item)
            if shard.holds(key):
                hashes.append(_number(key))
    if reasons and not any_question:
        raise QuestionsError(_none_of(path, reasons, example))
    ordered = np.sort(np.frombuffer(hashes, dtype=np.uint64)) if hashes else np.zeros(0, np.uint64)
    repeated = frozenset(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    return Survey(len(hashes), repeated, found)


def numbered(path: Path, shard: Shard, repeated: frozenset[int], *, after: int = 0, place: int = 0) -> Iterator[Line]:
    """The lines of `shard` behind line `after`, of which `place` is the number in the shard.

    A question whose id was there before is a Rejection. Lines that are skipped are parsed only where ids repeat.
    """
    chain, seen = START, set[str]()
    for number, line in _rows(path):
        chain = _link(chain, line)
        if (isinstance(line, bytes) and not line.strip()) or (number <= after and not repeated):
            continue
        item = question_of(line, f"{stem(path)}:{number}")
        key = _key(item)
        if not shard.holds(key):
            continue
        if repeated and _number(key) in repeated:
            if key in seen:
                item = Rejection(key, DUPLICATE)
            seen.add(key)
        if number > after:
            place += 1
            yield Line(place, number, chain, item)


def chosen(question_id: str, models: Mapping[str, float]) -> str:
    """The model that rewrites this question: always the same, and over many questions by the weights."""
    draw = _number("model\0" + question_id) / 2**64 * sum(models.values())
    for model, weight in models.items():
        draw -= weight
        if draw < 0:
            return model
    return next(model for model, weight in models.items() if weight > 0)


def _key(item: Question | Rejection) -> str:
    return item.id if isinstance(item, Rejection) else item.question_id


def _number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


def _link(chain: bytes, line: bytes | str) -> bytes:
    return hashlib.blake2b(chain + (b"\0" + line.encode() if isinstance(line, str) else line), digest_size=16).digest()


def _rows(path: Path) -> Iterator[tuple[int, bytes | str]]:
    """The lines of the file with their numbers, each as JSON, or the reason for which it cannot be one."""
    if not {".csv", ".tsv"} & set(path.suffixes):
        for number, line in lines(path):
            yield number, "too_large" if line is None else line
        return
    header: list[str] | None = None
    for number, values in csv_records.records(path):
        if header is None:
            header = [] if isinstance(values, str) else [value.strip() for value in values]
            if not set(COLUMNS[:2]) <= set(header):
                raise QuestionsError(
                    f"{path} has the columns {', '.join(header) or '?'}; there must be {' and '.join(COLUMNS[:2])}, "
                    f"and may be {', '.join(COLUMNS[2:])}: rename them"
                )
        else:
            whole = values if isinstance(values, str) else dict(zip(header, values, strict=True))
            yield number, whole if isinstance(whole, str) else json.dumps(whole).encode()


def _none_of(path: Path, reasons: Mapping[str, int], example: bytes) -> str:
    try:
        value = parse(example)
        keys = f"; the first has the keys {', '.join(map(str, value))[:100]}" if isinstance(value, dict) else ""
    except BadJson:
        keys = ""
    why = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
    return (
        f"{path} holds no question ({why}{keys}): give a line of JSON for each, "
        '{"question_id": …, "question": …, "answer": …}, or a .csv with those columns'
    )


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    return text.strip() if isinstance(text, str) else ""
