"""One dialogue through every repair and rule: a record fit for the corpus, or the reason why there is none."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset_builder.cleaning import identity, paper, residue, shape, text
from dataset_builder.config import CleanConfig
from dataset_builder.licences import is_taken_down
from dataset_builder.records import Messages, Record, Rejection, record_of
from dataset_builder.sources import Row

CRISIS = ("ideation", "imminent")
"""The tiers of `safety.screen` whose conversations go to a set of their own."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A record, and what was done to it and found in it."""

    record: Record
    source_id: str  # the row's id in its source
    repairs: tuple[str, ...]
    traditional: bool  # was written in traditional characters
    tier: str  # of safety.screen: none, distress, ideation or imminent
    personal_data: Mapping[str, int]  # pieces that were redacted, by kind
    paper: str | None  # the word for which the paper's literal filter would have removed it

    @property
    def crisis(self) -> bool:
        return self.tier in CRISIS


def read_record(row: Row, *, source: str, config: CleanConfig) -> Record | Rejection:
    """The record in a row as its source has it: shaped, and nothing else done to it."""
    shaped = shape.shape(row.get("messages"), merge=config.merge_turns, trim=config.trim_ends)
    if isinstance(shaped, str):
        return Rejection(str(row["id"]), shaped)
    return record_of(row, shaped.messages, source=source)


def clean(
    row: Row,
    *,
    source: str,
    config: CleanConfig,
    taken_down: frozenset[str] = frozenset(),
    listed: bool = True,
) -> Cleaned | Rejection:
    """`row` as a record of the corpus, or its rejection; pure, so that any process can do any row.

    `listed`: whether `source` is a name of the licence ledger, and not that of a file.
    """
    identifier = str(row["id"])
    shaped = shape.shape(row.get("messages"), merge=config.merge_turns, trim=config.trim_ends)
    if isinstance(shaped, str):
        return Rejection(identifier, shaped)
    messages, repairs = shaped.messages, list(shaped.repairs)
    if any(len(message["content"]) > 2 * config.longest_turn for message in messages):
        return Rejection(identifier, "turn_too_long")  # before the patterns: no repair halves a turn
    traditional = config.text and text.is_traditional(messages)
    for module in ([text] if config.text else []) + ([residue] if config.residue else []):
        messages, done = _repaired(messages, module.REPAIRS)
        repairs += done
        if reason := _broken_rule(messages, module.RULES):
            return Rejection(identifier, reason)
    if reason := _rejected(messages, row, config):
        return Rejection(identifier, reason)
    record = record_of(row, messages, source=source, listed=listed)
    if _taken_down(identifier, record, taken_down):
        return Rejection(identifier, "taken_down")
    word = paper.paper_filter(messages)
    if word and config.paper_filter:
        return Rejection(identifier, word)
    tier = _tier(messages) if config.crisis else "none"
    found: Counter[str] = Counter()
    if config.personal_data != "keep":
        messages, found = redacted(messages)
        if found and config.personal_data == "reject":
            return Rejection(identifier, "personal_data")
    if found:
        record = record_of(row, messages, source=source, listed=listed)
        repairs.append("redacted")
        if _taken_down(identifier, record, taken_down):  # by the ids that are published, which redaction has changed
            return Rejection(identifier, "taken_down")
    return Cleaned(record, identifier, tuple(repairs), traditional, tier, found, word)


def redacted(messages: Messages) -> tuple[Messages, Counter[str]]:
    """`messages` with placeholders for personal data, and how many pieces of each kind were found."""
    from safety import redact

    found: Counter[str] = Counter()
    result = []
    for message in messages:
        content, pieces = redact(message["content"])
        found.update(piece.kind for piece in pieces)
        result.append({"role": message["role"], "content": content})
    return result, found


def _taken_down(identifier: str, record: Record, ids: frozenset[str]) -> bool:
    return any(is_taken_down(each, record.source, record.question_id, ids) for each in (identifier, record.id))


def _tier(messages: Messages) -> str:
    from safety import screen

    return screen(messages).tier


def _repaired(messages: Messages, repairs: Mapping[str, Any]) -> tuple[Messages, list[str]]:
    done = []
    for name, repair in repairs.items():
        mended = repair(messages)
        if mended != messages:
            messages = mended
            done.append(name)
    return messages, done


def _broken_rule(messages: Messages, rules: Mapping[str, Any]) -> str | None:
    return next((reason for rule in rules.values() if (reason := rule(messages))), None)


def _rejected(messages: Messages, row: Row, config: CleanConfig) -> str | None:
    """What the config sets bounds to, and what needs more than the messages."""
    if not all(message["content"].strip() for message in messages):
        return "empty_turn"  # a repair took all that a turn held
    if any(len(message["content"]) > config.longest_turn for message in messages):
        return "turn_too_long"
    if len(messages) > 2 and (reason := shape.rounds(config.min_rounds, config.max_rounds)(messages)):
        return str(reason)
    if reason := _broken_rule(messages, shape.RULES):
        return reason
    answer = row.get("answer")
    if config.residue and answer and (reason := residue.copied_answer(answer)(messages)):
        return str(reason)
    return identity.discloses_identity(messages) if config.identity else None
