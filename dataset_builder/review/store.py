"""What reviewers decided: one JSON Lines file each, which only grows."""

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from dataset_builder.records import Messages

Choice = Literal["accept", "edit", "reject"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
_UNDO = "undo"


class ReviewError(ValueError):
    """Something about a review that cannot be; the message names it and the fix."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one reviewer thinks of one conversation."""

    id: str  # of the item, which is of its text
    reviewer: str
    decision: Choice
    reason: str | None = None  # always of a rejection
    messages: Messages | None = None  # only of an edit
    time: str = ""  # ISO 8601, UTC

    @property
    def keeps(self) -> bool:
        return self.decision != "reject"


class Decisions:
    """The decisions of one reviewer, in one file that no other reviewer's are in."""

    def __init__(self, path: Path, reviewer: str) -> None:
        """Open the file, which need not exist; a last line that a kill left torn is cut off."""
        self._path, self._reviewer = path, reviewer
        path.parent.mkdir(parents=True, exist_ok=True)
        _cut_torn_line(path)
        self._made = list(read(path))
        self._lock = threading.Lock()

    def latest(self) -> dict[str, Decision]:
        """What stands, by item."""
        with self._lock:
            return {each.id: each for each in self._made}

    def add(
        self, identifier: str, decision: Choice, reason: str | None = None, messages: Messages | None = None
    ) -> Decision:
        """Keep a decision; it is on disk when this returns.

        Raises:
            OSError: where it cannot be written; it then does not stand.
        """
        made = Decision(identifier, self._reviewer, decision, reason, messages, _now())
        with self._lock:
            self._append(_as_dict(made))
            self._made.append(made)
        return made

    def undo(self) -> Decision | None:
        """Take the newest decision back and return it; what stood for its item before stands again."""
        with self._lock:
            if not self._made:
                return None
            undone = self._made[-1]
            self._append({"id": undone.id, "reviewer": self._reviewer, "decision": _UNDO, "time": _now()})
            return self._made.pop()

    def _append(self, row: Mapping[str, Any]) -> None:
        _cut_torn_line(self._path)  # what a full disk left of the line before
        with self._path.open("ab") as file:
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> Iterator[Decision]:
    """The decisions of a file that were not undone, oldest first; a torn last line is passed over.

    Raises:
        ReviewError: where another line is no decision.
    """
    made: list[Decision] = []
    for number, line in enumerate(_whole_lines(path), 1):
        try:
            row = json.loads(line)
            if row["decision"] == _UNDO:
                made.pop()
            elif row["decision"] in CHOICES:
                made.append(Decision(**row))
            else:
                raise ValueError(f"decision {row['decision']!r}")
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise ReviewError(f"{path}, line {number} is no decision ({error!r}); mend or remove the line") from error
    yield from made


def load_decisions(folder: Path) -> dict[str, list[Decision]]:
    """By item, what stands: at most one decision of each reviewer, reviewers in the order of their names.

    Raises:
        ReviewError: where there is no such folder, or a line of a file in it is no decision.
    """
    if not folder.is_dir():
        raise ReviewError(f"no decisions in {folder}; name the folder that `review` wrote them to")
    found: dict[str, list[Decision]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for decision in {each.id: each for each in read(path)}.values():
            found.setdefault(decision.id, []).append(decision)
    return found


def _as_dict(made: Decision) -> dict[str, Any]:
    return {name: getattr(made, name) for name in ("id", "reviewer", "decision", "reason", "messages", "time")}


def _whole_lines(path: Path) -> Iterable[bytes]:
    if not path.exists():
        return []
    with path.open("rb") as file:
        return [line for line in file if line.endswith(b"\n")]


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
