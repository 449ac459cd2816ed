"""What a run leaves behind: accepted and rejected rows in the order of the questions, whenever it was killed.

Rows finish in any order and are written in that of their lines. Every few seconds a checkpoint says how far the files
go; what stands behind it after a kill is cut off and made again from the answers, which were paid for and kept.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dataset_builder.records import Record
from dataset_builder.rewriting.answers import Answers, Spent
from dataset_builder.rewriting.limits import Halted
from dataset_builder.rewriting.questions import START, Line

ACCEPTED, REJECTED, STATE = "accepted.jsonl", "rejected.jsonl", "state.json"
AHEAD = 64
"""Rows that may be finished before the oldest unfinished one, as a multiple of the concurrency; a row is about 5 kB.

With answers of which some take 20 times as long, a slow one is passed by 20, a slow one and its correction by 40.
"""


class OutputsError(ValueError):
    """A folder that cannot be written to; the message names it and the fix."""


class Counts(Protocol):
    """What counts rows, and can be kept over a restart."""

    def state(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line: a record, or a reason with the transcript that it is about.

    `keys` are of the answers that it came from, `sent_back` is why the first of them was not taken. `lasting` is False
    for what may be otherwise in another run.
    """

    line: Line
    record: Record | None = None
    reason: str | None = None
    transcript: str | None = None
    keys: tuple[str, ...] = ()
    sent_back: str | None = None
    lasting: bool = True


@dataclass
class Checkpoint:
    """How far the outputs go, in lines, and where the files were then; of a run with these settings only."""

    settings: dict[str, Any]
    number: int = 0  # of the last line that is in the outputs
    place: int = 0  # the same, counted in the shard
    chain: str = START.hex()
    accepted: int = 0  # bytes
    rejected: int = 0
    answers_from: int = 0  # byte of the answers before which none is needed any more
    counted: int = 0  # byte of the answers up to which `spent` counts
    spent: dict[str, Spent] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)


def load_checkpoint(out: Path, settings: Mapping[str, Any], *, anew: bool = False) -> Checkpoint:
    """The checkpoint in `out`, if the files reach as far as it says; the start otherwise, or where all is made `anew`.

    Raises:
        OutputsError: where `out` holds another shard, or rows of other settings: they are not to be written over.
    """
    new = Checkpoint(dict(settings))
    try:
        value = json.loads((out / STATE).read_text(encoding="utf-8"))
        value["spent"] = {model: Spent(**each) for model, each in value["spent"].items()}
        found = Checkpoint(**value)
        sizes = [(out / name).stat().st_size for name in (ACCEPTED, REJECTED)]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return new
    if found.settings.get("shard") != new.settings.get("shard"):
        raise OutputsError(
            f"{str(out)!r} holds shard {found.settings.get('shard')}, not {new.settings.get('shard')}; "
            "give each shard a folder of its own"
        )
    if anew or sizes[0] < found.accepted or sizes[1] < found.rejected:
        return new
    if changed := [name for name in new.settings if found.settings.get(name) != new.settings[name]]:
        now = "; ".join(f"{name} {found.settings.get(name)}, now {new.settings[name]}" for name in changed)
        raise OutputsError(made_of(out, found.place, f"with other settings ({now})"))
    return found


def made_of(out: Path, rows: int, what: str) -> str:
    """Why rows are not written over, and what to do."""
    return (
        f"{str(out)!r} holds {rows:,} rows made {what}; give another --out, "
        "or --anew to make them again: no answer that is kept is asked for twice"
    )


class Outputs:
    """The two files, written to in the order of the lines, and the checkpoint."""

    def __init__(
        self, out: Path, checkpoint: Checkpoint, answers: Answers, counts: Counts, *, ahead: int, every: float
    ) -> None:
        self._out, self._answers, self._counts, self._ahead, self._every = out, answers, counts, ahead, every
        self._at = checkpoint
        self._files = {
            name: os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) for name in (ACCEPTED, REJECTED)
        }
        self._sizes = {ACCEPTED: checkpoint.accepted, REJECTED: checkpoint.rejected}
        for name, file in self._files.items():
            os.ftruncate(file, self._sizes[name])
        self._waiting: dict[int, Outcome] = {}
        self._oldest: dict[int, int] = {}  # by place: the byte from which on that row needs answers
        self._moved = asyncio.Event()
        self._frozen, self._halted, self._saved = False, False, time.monotonic()

    @property
    def place(self) -> int:
        """Rows of the shard that are in the files."""
        return self._at.place

    def close(self) -> None:
        for file in self._files.values():
            os.close(file)

    async def room(self, place: int) -> None:
        """Wait until the row in this place may be begun."""
        while place > self._at.place + self._ahead:
            if self._halted:
                raise Halted
            self._moved.clear()
            await self._moved.wait()

    def halt(self) -> None:
        """That some row will not be finished in this run: nobody waits for it any more."""
        self._halted = True
        self._moved.set()

    def begin(self, place: int, offset: int) -> None:
        """That the row in this place needs no answer before this byte."""
        self._oldest[place] = min(offset, self._oldest.get(place, offset))

    def add(self, outcome: Outcome) -> Iterator[Outcome]:
        """Keep an outcome and write all whose turn has come; each is given to be counted before the next."""
        self._waiting[outcome.line.place] = outcome
        while (ready := self._waiting.pop(self._at.place + 1, None)) is not None:
            self._write(ready)
            self._moved.set()
            yield ready

    def save(self, *, now: bool = False) -> None:
        """Write a checkpoint, where the last is some seconds old; none goes past a row that another run may mend."""
        if self._frozen or (not now and time.monotonic() - self._saved < self._every):
            return
        at, answers = self._at, self._answers
        at.accepted, at.rejected = self._sizes[ACCEPTED], self._sizes[REJECTED]
        at.answers_from = min([answers.first_unused, *self._oldest.values()])
        at.counted, at.spent = answers.size, dict(answers.spent)
        at.counts = dict(self._counts.state())
        answers.sync()
        for file in self._files.values():
            os.fsync(file)
        write_whole(self._out / STATE, json.dumps(asdict(at), ensure_ascii=False, indent=1) + "\n")
        self._saved = time.monotonic()

    def _write(self, outcome: Outcome) -> None:
        if not outcome.lasting and not self._frozen:
            self.save(now=True)
            self._frozen = True
        name, row = (REJECTED, _rejected(outcome)) if outcome.record is None else (ACCEPTED, outcome.record.as_dict())
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
        if os.write(self._files[name], line) != len(line):
            raise OutputsError(f"{self._out / name}: the disk is full; make room and start again, nothing is lost")
        self._sizes[name] += len(line)
        for key in outcome.keys:
            self._answers.forget(key)
        self._oldest.pop(outcome.line.place, None)
        self._at.place, self._at.number = outcome.line.place, outcome.line.number
        self._at.chain = outcome.line.chain.hex()


def write_whole(path: Path, text: str) -> None:
    """Have `path` hold `text`, or what it held before, whatever happens."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _rejected(outcome: Outcome) -> dict[str, Any]:
    item = outcome.line.item
    question_id = getattr(item, "question_id", None) or getattr(item, "id", None)
    return {"question_id": question_id, "reason": outcome.reason, "transcript": outcome.transcript}
