"""The questions that are to become conversations: `{question_id, question, answer?, topic?}` JSON Lines, streamed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_builder.records import UNKNOWN, Rejection
from dataset_builder.sources.json_array import objects
from dataset_builder.topics import topic_id


@dataclass(frozen=True, slots=True)
class Question:
    """A single-turn question, and its long answer where the source has one."""

    question_id: str
    question: str
    answer: str | None
    topic: str | None
    source: str
    license: str


@dataclass(frozen=True)
class Shard:
    """Part `number` of `of`, from 1: questions are dealt out by a hash of their id, so that parts never overlap."""

    number: int = 1
    of: int = 1

    def holds(self, question_id: str) -> bool:
        return digest(question_id) % self.of == self.number - 1


def shard_from(text: str) -> Shard:
    """The shard that `i/n` names.

    Raises:
        ValueError: where it names none.
    """
    number, slash, of = text.partition("/")
    if not (slash and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise ValueError(f"--shard {text!r} is not i/n with 1 <= i <= n, as in 2/8")
    return Shard(int(number), int(of))


def questions(path: Path, shard: Shard = Shard()) -> Iterator[Question | Rejection]:
    """The questions of a file, plain or gzip, in order; of a shard, its own. What is none is a rejection."""
    repeated = _repeated(path)
    seen: set[int] = set()  # of the ids that occur more than once only
    for place, item in enumerate(objects(path), 1):
        found = item if isinstance(item, Rejection) else _question(item[1], f"{path.name}:{place}")
        identifier = found.id if isinstance(found, Rejection) else found.question_id
        if not shard.holds(identifier):
            continue
        if isinstance(found, Question) and (key := digest(identifier)) in repeated:
            if key in seen:
                found = Rejection(identifier, "duplicate_question_id")
            seen.add(key)
        yield found


def digest(text: str) -> int:
    """64 bits of a hash."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _repeated(path: Path) -> frozenset[int]:
    """The ids that occur more than once; 8 bytes a question are in memory."""
    ids = np.fromiter(
        (digest(str(item[1].get("question_id"))) for item in objects(path) if not isinstance(item, Rejection)),
        dtype=np.uint64,
    )
    found: NDArray[Any]
    found, counts = np.unique(ids, return_counts=True)
    return frozenset(found[counts > 1].tolist())


def _question(row: dict[str, Any], place: str) -> Question | Rejection:
    identifier, question, answer = row.get("question_id"), row.get("question"), row.get("answer")
    if not isinstance(identifier, str | int) or not str(identifier).strip():
        return Rejection(place, "no_question_id")
    if not isinstance(question, str) or not question.strip():
        return Rejection(str(identifier), "no_question")
    if answer is not None and not isinstance(answer, str):
        return Rejection(str(identifier), "answer_is_no_text")
    topic = row.get("topic")
    return Question(
        question_id=str(identifier),
        question=question.strip(),
        answer=answer.strip() or None if answer else None,
        topic=topic_id(topic) if isinstance(topic, str) else None,
        source=str(row.get("source") or "rewritten"),
        license=str(row.get("license") or UNKNOWN),
    )
