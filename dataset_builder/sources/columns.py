"""Dialogues in the columns of a table: which columns hold one, and the row in them."""

from collections.abc import Collection, Mapping
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.json_value import BadJson, parse
from dataset_builder.sources.messages import about, turns
from dataset_builder.sources.row import Row, row_id

UNDERSTOOD = "a column messages; or question and answer; or dialogue_id (or id), role and content"
ABOUT = ("id", "topic", "normalizedTag", "question_id", "answer", "source", "license", "rewriter", "derived_from")
"""Columns that are read besides, where a table has them."""


def layout(columns: Collection[str]) -> str | None:
    """Which of the layouts a table has: `messages`, `pair` (question, answer) or `turns` (a row per turn)."""
    if "messages" in columns:
        return "messages"
    if {"question", "answer"} <= set(columns):
        return "pair"
    if {"role", "content"} <= set(columns) and dialogue_column(columns):
        return "turns"
    return None


def dialogue_column(columns: Collection[str]) -> str | None:
    """The column that says which dialogue a turn belongs to."""
    return next((name for name in ("dialogue_id", "conversation_id", "id") if name in columns), None)


def row_from(cells: Mapping[str, Any], otherwise: str) -> Row | Rejection:
    """The row in one table row of the layout `messages` or `pair`; messages may be JSON in a string."""
    identity = row_id(cells.get("id"), otherwise)
    if "messages" in cells:
        messages = cells["messages"]
        if isinstance(messages, str | bytes):
            try:
                messages = parse(messages.encode() if isinstance(messages, str) else messages)
            except BadJson as error:
                return Rejection(identity, error.reason)
        result = Row(id=identity, messages=turns(_transposed(messages)))
        about(cells, result)
        return result
    asked, answered = cells.get("question"), cells.get("answer")
    result = Row(
        id=identity, messages=[{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    )
    about({name: cell for name, cell in cells.items() if name != "answer"}, result)
    return result


def _transposed(messages: Any) -> Any:
    """Messages from {role: [...], content: [...]}, which is how datasets before version 4 stored a list of them."""
    if not isinstance(messages, Mapping):
        return messages
    roles, contents = messages.get("role"), messages.get("content")
    if isinstance(roles, list) and isinstance(contents, list) and len(roles) == len(contents):
        return [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]
    return messages
