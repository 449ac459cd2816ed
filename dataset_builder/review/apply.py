"""What becomes of a reviewed conversation, and the log that says who decided it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dataset_builder.records import Messages, Record, Rejection, record_of
from dataset_builder.review.store import Choice, Decision, ReviewError, load_decisions

__all__ = ["REASON", "Outcome", "apply", "audit", "decide", "load_decisions", "logged", "outcomes", "write_audit"]

REASON = "reviewed"
"""Of a row that reviewers rejected, among the reasons of dataset_builder.cleaning."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the reviewers of one conversation decided together."""

    id: str
    decision: Choice
    reviewers: tuple[str, ...]  # all who decided on it, whatever they decided
    reason: str | None = None  # of a rejection: all reasons that were given
    messages: Messages | None = None  # of an edit


def decide(decisions_of_item: Sequence[Decision]) -> Outcome:
    """The majority's will; a tie between keeping and rejecting is a rejection.

    A conversation that is kept is kept as edited where at least as many edited it as accepted it: who mends a fault
    has seen one. Of several edits, the one that most agree on, then the newest.
    """
    if not decisions_of_item:
        raise ReviewError("no decisions to decide from; pass one or more of one item")
    identifier = decisions_of_item[0].id
    reviewers = tuple(sorted(each.reviewer for each in decisions_of_item))
    rejecting = [each for each in decisions_of_item if not each.keeps]
    if 2 * len(rejecting) >= len(decisions_of_item):
        reasons = dict.fromkeys(each.reason for each in rejecting if each.reason)
        return Outcome(identifier, "reject", reviewers, "; ".join(reasons) or None)
    edits = [each for each in decisions_of_item if each.decision == "edit"]
    accepting = len(decisions_of_item) - len(rejecting) - len(edits)
    if not edits or accepting > len(edits):
        return Outcome(identifier, "accept", reviewers)
    agreed = Counter(_text(each) for each in edits)
    chosen = max(edits, key=lambda each: (agreed[_text(each)], each.time, each.reviewer))
    return Outcome(identifier, "edit", reviewers, chosen.reason, chosen.messages)


def outcomes(folder: Path) -> dict[str, Outcome]:
    """What was decided about every conversation that somebody read, by Record.id as it was read."""
    return {identifier: decide(of_item) for identifier, of_item in load_decisions(folder).items()}


def apply(record: Record, outcome: Outcome | None) -> Record | Rejection:
    """`record` as reviewers want it, unless they do not; question, source and licence stay those of the original."""
    if outcome is None or outcome.decision == "accept":
        return record
    if outcome.decision == "reject" or outcome.messages is None:
        return Rejection(record.id, REASON)
    edited = record_of({"id": record.id, "messages": outcome.messages}, outcome.messages, source=record.source)
    return replace(record, id=edited.id, messages=outcome.messages)


def audit(record: Record, outcome: Outcome) -> dict[str, Any]:
    """A line of the audit log; `before` and `after` are hashes of the messages, `after` is None of a rejection."""
    after = apply(record, outcome)
    return {
        "id": record.id,
        "decision": outcome.decision,
        "reviewers": list(outcome.reviewers),
        "reason": outcome.reason,
        "before": _hash(record.id),
        "after": None if isinstance(after, Rejection) else _hash(after.id),
    }


def write_audit(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the audit log, sorted by id, so that equal decisions give an equal file."""
    rows = sorted(lines, key=lambda line: str(line["id"]))
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def logged(paths: Iterable[Path]) -> set[str]:
    """The ids in audit logs: every conversation that a decision was found for."""
    found: set[str] = set()
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            found.update(json.loads(line)["id"] for line in lines)
    return found


def _hash(identifier: str) -> str:
    return identifier.removeprefix("c-")


def _text(decision: Decision) -> str:
    return json.dumps(decision.messages, ensure_ascii=False)
