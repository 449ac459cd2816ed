"""ShareGPT: {conversations: [{from: human | gpt | system, value}], id, system} as a JSON array or JSON Lines."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.files import stem
from dataset_builder.sources.json_array import objects
from dataset_builder.sources.messages import about
from dataset_builder.sources.row import Row, row_id


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a file, plain or gzip; `system` is a message before them, and role and content count too."""
    for item in objects(path):
        if isinstance(item, Rejection):
            yield item
            continue
        messages = _messages(item[1].get("conversations"))
        if item[1].get("system") and isinstance(messages, list):
            messages.insert(0, {"role": "system", "content": item[1]["system"]})
        result = Row(id=row_id(item[1].get("id"), f"{stem(path)}:{item[0]}"), messages=messages)
        about(item[1], result)
        yield result


def _messages(conversations: Any) -> Any:
    if not isinstance(conversations, list):
        return conversations  # for a rule to reject
    return [
        {"role": turn.get("from", turn.get("role")), "content": turn.get("value", turn.get("content"))}
        if isinstance(turn, Mapping)
        else turn
        for turn in conversations
    ]
