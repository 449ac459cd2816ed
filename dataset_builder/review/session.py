"""A review: its sample, its reviewers and who reads what, in a folder; starting it again goes on with it."""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from dataset_builder.clean import read_record
from dataset_builder.config import load_config
from dataset_builder.inputs import Input, inputs
from dataset_builder.records import Record, Rejection
from dataset_builder.review.sampling import Item, Source, sample, with_sources
from dataset_builder.review.store import Decisions, ReviewError
from dataset_builder.rewriting.questions import Question
from dataset_builder.rewriting.questions import questions as questions_in
from dataset_builder.sources import SourceError

_NAME = re.compile(r"\w[\w-]{0,39}")


@dataclass(frozen=True, slots=True)
class ReviewConfig:
    """What is read and by whom. Once begun, a review keeps to it."""

    corpus: str  # as `build` names its inputs
    reviewers: tuple[str, ...]
    size: int = 200  # conversations
    overlap: float = 0.2  # share that every reviewer reads, for their agreement
    seed: int = 20231206
    questions: str = ""  # the file that was rewritten, where the corpus has no single-turn rows

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


def open_session(
    config: ReviewConfig, folder: Path, note: Callable[[str], None] = lambda said: None
) -> dict[str, Desk]:
    """By token, the desk of every reviewer; draws the sample and the tokens where `folder` has none yet.

    Is given to `note`: that the corpus is not what the sample was drawn from any more.

    Raises:
        ReviewError: where `folder` holds another review, the corpus no conversation, or the questions none of its.
        SourceError: where the corpus or the questions cannot be read.
    """
    asked = {**_plain(config), "reviewers": list(config.reviewers)}
    kept = _kept(folder / "review.json")
    if kept is None:
        kept = _begun(config, asked, folder)
    elif kept["config"] != asked:
        _refuse(kept["config"], asked, folder)
    elif "digest" in kept and (said := _changed(config.corpus, kept["digest"])):
        note(said)
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


def _begun(config: ReviewConfig, asked: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    found = inputs([config.corpus])
    digest = _digest(found)  # before the draw: what changes meanwhile has changed
    items = _draw(config, found)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "sample.jsonl", "".join(json.dumps(i.as_dict(), ensure_ascii=False) + "\n" for i in items))
    tokens = {name: secrets.token_urlsafe(24) for name in config.reviewers}
    kept = {"config": asked, "digest": digest, "tokens": tokens}
    _write(folder / "review.json", json.dumps(kept, ensure_ascii=False, indent=1) + "\n")  # last: the marker
    return kept


def _refuse(before: Mapping[str, Any], asked: Mapping[str, Any], folder: Path) -> NoReturn:
    if before.get("corpus") != asked["corpus"]:
        inputs([asked["corpus"]])  # a name that was mistyped is no other corpus
    changed = [f"{k} {_named(before.get(k))} (now {_named(asked[k])})" for k in asked if before.get(k) != asked[k]]
    raise ReviewError(f"{folder} holds a review with {', '.join(changed)}; go on with what it has, or use --out")


def _named(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else repr(value)


def _changed(corpus: str, digest: str) -> str | None:
    """What is to be said where `corpus` is not what the sample was drawn from."""
    try:
        if _digest(inputs([corpus])) == digest:
            return None
    except (SourceError, OSError):
        return f"{corpus} cannot be read any more; the review goes on with the sample that was drawn from it"
    return (
        f"{corpus} has changed since the sample was drawn; decisions on conversations that are gone apply to nothing; "
        "for a new sample use --out"
    )


def _digest(found: Sequence[Input]) -> str:
    """Of what the files hold; Input.fingerprint is of their times too, which a copy changes."""
    whole = hashlib.sha256()
    for each in found:
        for path in sorted(each.path.rglob("*")) if each.path.is_dir() else [each.path]:
            if path.is_file():
                whole.update(f"{each.reader}\0{path.relative_to(each.path)}\0".encode())
                with path.open("rb") as file:
                    whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def _draw(config: ReviewConfig, found: Sequence[Input]) -> list[Item]:
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
    """The question and answer of each wanted question_id: a single-turn row of the corpus, or one of the file."""
    sources: dict[str, Source] = {}
    for record in _records(found):
        if record.single_turn and record.question_id in wanted:
            sources[record.question_id] = (record.messages[0]["content"], record.messages[1]["content"])
    if not questions:
        return sources
    rewritten: dict[str, Source] = {}
    for each in questions_in(Path(questions)):
        if isinstance(each, Question) and each.question_id in wanted:
            rewritten.setdefault(each.question_id, (each.question, each.answer))  # of an id twice, `rewrite` takes one
    if not rewritten:
        raise ReviewError(f"{questions} has none of the questions of this corpus; give the file that was rewritten")
    return sources | rewritten


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
