"""Alpaca with history, {instruction, input, output, history: [[question, answer], …], system}, or swift's names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.files import stem
from dataset_builder.sources.json_array import objects
from dataset_builder.sources.messages import about
from dataset_builder.sources.row import Row, row_id

ASKED = ("instruction", "query", "prompt")
"""Keys of what the user says last: of alpaca, of swift, of ChatGLM's ptuning."""
ANSWERED = ("output", "response")


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a JSON array or of JSON Lines, plain or gzip.

    The user's text is the instruction and, on a line below, the input. A history that is no list of pairs is
    rejected: bad_history; an object without instruction: no_messages.
    """
    for item in objects(path):
        yield item if isinstance(item, Rejection) else row(item[1], f"{stem(path)}:{item[0]}")


def row(item: Mapping[str, Any], otherwise: str) -> Row | Rejection:
    """The row of an object; its id is `otherwise` where it has none."""
    identity = row_id(item.get("id"), otherwise)
    history = item.get("history") or []
    if not isinstance(history, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in history):
        return Rejection(identity, "bad_history")
    asked = next((item[key] for key in ASKED if key in item), item.get("input"))
    if asked is None:
        return Rejection(identity, "no_messages")
    more = item.get("input") if "instruction" in item else None
    if isinstance(asked, str) and isinstance(more, str):
        asked = "\n".join(text for text in (asked, more) if text.strip())
    messages = [{"role": "system", "content": item["system"]}] if item.get("system") else []
    for question, answer in history:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    messages.append({"role": "user", "content": asked})
    messages += [{"role": "assistant", "content": item[key]} for key in ANSWERED if key in item][:1]
    result = Row(id=identity, messages=messages)
    about(item, result)
    return result
