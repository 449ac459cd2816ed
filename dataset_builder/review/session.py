"""A review: its sample, its reviewers and who reads what, in a folder; starting it again goes on with it."""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_builder.clean import read_record
from dataset_builder.config import load_config
from dataset_builder.inputs import Input, inputs
from dataset_builder.records import Record, Rejection
from dataset_builder.review.sampling import Item, Source, sample, with_sources
from dataset_builder.review.store import Decisions, ReviewError

_NAME = re.compile(r"\w[\w-]{0,39}")


@dataclass(frozen=True, slots=True)
class ReviewConfig:
    """What is read and by whom. Once begun, a review keeps to it."""

    corpus: str  # as `build` names its inputs
    reviewers: tuple[str, ...]
    size: int = 200  # conversations
    overlap: float = 0.2  # share that every reviewer reads, for their agreement
    seed: int = 20231206
    questions: str = ""  # JSON Lines of {question_id, question, answer}, where the corpus has no single-turn rows

    def __post_init__(self) -> None:
        if not self.reviewers or len({name.lower() for name in self.reviewers}) < len(self.reviewers):
            raise ReviewError(f"reviewers are {list(self.reviewers)}; name one or more, each once")
        for name in self.reviewers:
            if not _NAME.fullmatch(name):
                raise ReviewError(f"reviewer {name!r} cannot be a file's name; use up to 40 letters, digits, - and _")
        if not 0 <= self.overlap <= 1:
            raise ReviewError(f"overlap is {self.overlap}; it is a share, from 0 to 1")
        if self.size < 1:
            raise ReviewError(f"size is {self.size}; read at least 1 conversation")


@dataclass(frozen=True)
class Desk:
    """What one reviewer sees: their items, in order, and their own decisions."""

    reviewer: str
    items: tuple[Item, ...]
    decisions: Decisions


def open_session(config: ReviewConfig, folder: Path) -> dict[str, Desk]:
    """By token, the desk of every reviewer; draws the sample and the tokens where `folder` has none yet.

    Raises:
        ReviewError: where `folder` holds another review, or the corpus no conversation.
        SourceError: where the corpus cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = {**_plain(config), "reviewers": list(config.reviewers)}
    kept = _kept(folder / "review.json")
    if kept is None:
        _write(
            folder / "sample.jsonl", "".join(json.dumps(i.as_dict(), ensure_ascii=False) + "\n" for i in _draw(config))
        )
        kept = {"config": asked, "tokens": {name: secrets.token_urlsafe(24) for name in config.reviewers}}
        _write(folder / "review.json", json.dumps(kept, ensure_ascii=False, indent=1) + "\n")  # last: the marker
    if kept["config"] != asked:
        changed = [key for key in asked if kept["config"].get(key) != asked[key]]
        raise ReviewError(f"{folder} holds a review with another {', '.join(changed)}; go on with those, or use --out")
    lines = (folder / "sample.jsonl").read_text(encoding="utf-8").splitlines()
    items = {item.id: item for item in (Item.of(json.loads(line)) for line in lines)}
    work = assign(list(items), config.reviewers, config.overlap, config.seed)
    return {
        token: Desk(name, tuple(items[i] for i in work[name]), Decisions(folder / "decisions" / f"{name}.jsonl", name))
        for name, token in kept["tokens"].items()
    }


def assign(ids: Sequence[str], reviewers: Sequence[str], overlap: float, seed: int) -> dict[str, list[str]]:
    """Who reads what: every reviewer the share `overlap` of `ids`, the rest dealt one by one; `ids` keep their order.

    Depends on the set of `ids` only, not on their order.
    """
    drawn = sorted(ids, key=lambda identifier: hashlib.sha256(f"{seed}/{identifier}".encode()).digest())
    shared = set(drawn[: round(overlap * len(drawn))]) if len(reviewers) > 1 else set()
    own = [identifier for identifier in drawn if identifier not in shared]
    dealt = {identifier: reviewers[number % len(reviewers)] for number, identifier in enumerate(own)}
    return {name: [each for each in ids if each in shared or dealt.get(each) == name] for name in reviewers}


def _draw(config: ReviewConfig) -> list[Item]:
    found = inputs([config.corpus])
    items = sample(_records(found), config.size, config.seed)
    if not items:
        raise ReviewError(f"no conversation to review in {config.corpus}; name a corpus with some")
    return with_sources(items, _sources({item.question_id for item in items}, found, config.questions))


def _records(found: Sequence[Input]) -> Iterator[Record]:
    clean = load_config().clean
    for each in found:
        for row in each.rows():
            record = row if isinstance(row, Rejection) else read_record(row, source=each.name, config=clean)
            if isinstance(record, Record):
                yield record


def _sources(wanted: set[str], found: Sequence[Input], questions: str) -> dict[str, Source]:
    """The question and answer of each wanted question_id: a single-turn row of the corpus, or a line of the file."""
    sources: dict[str, Source] = {}
    for record in _records(found):
        if record.single_turn and record.question_id in wanted:
            sources[record.question_id] = (record.messages[0]["content"], record.messages[1]["content"])
    if questions:
        with Path(questions).open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if row.get("question_id") in wanted:
                    sources[row["question_id"]] = (row.get("question"), row.get("answer"))
    return sources


def _plain(config: ReviewConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__slots__}


def _kept(path: Path) -> Mapping[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and readable by nobody else: the file may hold tokens."""
    scratch = path.with_name(f".{path.name}")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
