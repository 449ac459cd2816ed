"""The test split as questions: a conversation up to a counsellor's turn, and the reply that was really given."""

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_card.checkpoint import public_name
from model_card.errors import ModelCardError
from training.prompt import Message, PromptError, rounds

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class Question:
    id: str
    """The conversation's id and the position of the reply in it."""
    conversation: str
    topic: str | None
    history: tuple[Message, ...]
    """The gold turns, ending with the user's."""
    reference: str


@dataclass(frozen=True)
class Corpus:
    """A corpus as `load_dataset` gives it, its default config."""

    name: str
    description: str
    train: Any
    test: Any

    @property
    def hash(self) -> str:
        """Of all ids, which are made from the content."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            for identifier in split["id"]:
                digest.update(str(identifier).encode() + b"\n")
            digest.update(b"\0")
        return digest.hexdigest()[:16]


def load_corpus(corpus: str) -> Corpus:
    """The train and test split of a local folder or a Hub repo.

    Raises:
        ModelCardError: where it is not there, or lacks a split or a column.
    """
    from datasets import load_dataset, load_dataset_builder

    if not Path(corpus).is_dir() and not _HUB_ID.fullmatch(corpus):
        raise ModelCardError(f"there is no corpus folder {corpus!r} here; run: make data")
    try:
        description = load_dataset_builder(corpus).config.description or ""
        train, test = (load_dataset(corpus, split=split) for split in ("train", "test"))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelCardError(f"the corpus {corpus!r} does not load ({reason}); run: make data") from None
    for split, rows in (("train", train), ("test", test)):
        missing = {"id", "messages"} - set(rows.column_names)
        if missing:
            raise ModelCardError(f"the {split} split of {corpus!r} lacks {', '.join(sorted(missing))}; run: make data")
    return Corpus(public_name(corpus), description, train, test)


def questions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Question]:
    """One for every counsellor's turn.

    Raises:
        ModelCardError: where a conversation does not alternate between user and assistant, the user first.
    """
    for row in rows:
        messages = checked_messages(row)
        for position, message in enumerate(messages):
            if message["role"] == "assistant":
                yield Question(
                    id=f"{row['id']}#{position}",
                    conversation=str(row["id"]),
                    topic=row.get("topic"),
                    history=messages[:position],
                    reference=message["content"],
                )


def checked_messages(row: Mapping[str, Any]) -> tuple[Message, ...]:
    messages = tuple(Message(role=message["role"], content=message["content"]) for message in row["messages"])
    try:
        rounds(messages)
    except PromptError as error:
        raise ModelCardError(f"conversation {row['id']!r}: {error}; run: make data") from None
    return messages


def choose(every: Sequence[Question], limit: int, seed: int) -> list[Question]:
    """`limit` of them (0: all), from as many conversations as possible; by id, so that row order does not matter."""
    pool = sorted(every, key=lambda question: question.id)
    if limit == 0 or limit >= len(pool):
        return pool
    random_order = random.Random(seed)
    random_order.shuffle(pool)
    seen: dict[str, int] = {}
    rank: dict[str, int] = {}  # a question is its conversation's first, second, … to be drawn
    for question in pool:
        rank[question.id] = seen[question.conversation] = seen.get(question.conversation, 0) + 1
    pool.sort(key=lambda question: rank[question.id])  # stable: within a rank the shuffled order stays
    return sorted(pool[:limit], key=lambda question: question.id)
