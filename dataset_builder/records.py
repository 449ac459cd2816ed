"""The one record: a conversation as every Hugging Face trainer understands it; and why a dialogue is none."""

import hashlib
import itertools
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dataset_builder.topics import topic_id

ROLES = {
    **dict.fromkeys(("user", "human", "client", "seeker", "用户", "求助者", "来访者"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "counselor", "counsellor", "supporter", "心理咨询师", "咨询师", "支持者"), "assistant"
    ),
}
"""Role names of upstream corpora, lower case, to the record's."""

UNKNOWN = "unknown"
"""Stands in `license` and `rewriter` where a source does not say; such rows are not published to a public Hub."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the corpus. `messages` alternate, user first, assistant last, none empty."""

    id: str
    topic: str | None
    messages: list[dict[str, str]]
    question_id: str
    source: str
    license: str
    rewriter: str

    @property
    def single_turn(self) -> bool:
        """A question and its answer, no conversation: such rows are a config of their own."""
        return len(self.messages) == 2

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A dialogue that was read and not kept; `reason` is one of a few short names that can be counted."""

    id: str
    reason: str


def record_from(row: Mapping[str, Any], *, source: str, line: int) -> Record | Rejection:
    """The record in an `{id, messages}` row of any upstream wording, or the reason why it holds none.

    `topic`, `question_id`, `source`, `license` and `rewriter` are taken where the row has them. Without a
    `question_id`, conversations that open with the same words belong to the same question.
    """
    upstream_id = str(row.get("id", f"{source}:{line}"))
    messages = _messages(row.get("messages"))
    if isinstance(messages, str):
        return Rejection(upstream_id, messages)
    return Record(
        id="c-" + _digest(json.dumps(messages, ensure_ascii=False)),
        topic=topic_id(row.get("topic")),
        messages=messages,
        question_id=str(row.get("question_id") or "q-" + _digest(_bare(messages[0]["content"]))),
        source=row.get("source") or source,
        license=row.get("license") or UNKNOWN,
        rewriter=row.get("rewriter") or UNKNOWN,
    )


def _messages(raw: Any) -> list[dict[str, str]] | str:
    """The messages with our roles, stripped; or the reason for which they are no conversation."""
    if not isinstance(raw, list) or not all(isinstance(turn, Mapping) for turn in raw):
        return "no_messages"
    roles = [ROLES.get(str(turn.get("role")).strip().lower()) for turn in raw]
    contents = [turn.get("content") for turn in raw]
    if None in roles:
        return "unknown_role"
    if not all(isinstance(content, str) and content.strip() for content in contents):
        return "empty_turn"
    if "assistant" not in roles:
        return "no_counsellor_turn"
    if roles[0] != "user":
        return "starts_with_counsellor"
    if any(a == b for a, b in itertools.pairwise(roles)):
        return "not_alternating"
    if roles[-1] != "assistant":
        return "ends_with_user"
    return [
        {"role": str(role), "content": str(content).strip()} for role, content in zip(roles, contents, strict=True)
    ]


def _bare(text: str) -> str:
    """`text` without white space and punctuation, so that the same opening counts as the same."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).lower()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
