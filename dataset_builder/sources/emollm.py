"""EmoLLM as published: [{conversation: [{system, input, output}, {input, output}, …]}], an array or JSON Lines."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.files import stem
from dataset_builder.sources.json_array import objects
from dataset_builder.sources.messages import about
from dataset_builder.sources.row import Row, row_id


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a file, plain or gzip; a turn's `system` is a message before it, its output may be missing."""
    for item in objects(path):
        if isinstance(item, Rejection):
            yield item
            continue
        result = Row(
            id=row_id(item[1].get("id"), f"{stem(path)}:{item[0]}"), messages=_messages(item[1].get("conversation"))
        )
        about(item[1], result)
        yield result


def _messages(conversation: Any) -> Any:
    if not isinstance(conversation, list) or not all(isinstance(turn, Mapping) for turn in conversation):
        return conversation  # for a rule to reject
    messages = []
    for turn in conversation:
        if turn.get("system"):
            messages.append({"role": "system", "content": turn["system"]})
        messages += [
            {"role": role, "content": turn[key]}
            for key, role in (("input", "user"), ("output", "assistant"))
            if key in turn
        ]
    return messages
