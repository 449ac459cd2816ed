"""ESConv as published: an array of English conversations between a seeker and a supporter, two crowd workers."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.files import stem
from dataset_builder.sources.json_array import objects
from dataset_builder.sources.row import Row


def rows(path: Path) -> Iterator[Row | Rejection]:
    """Every conversation, `<file>:<place>`; `topic` is its `problem_type`.

    The seeker's own account of the `situation` is the `question_id`: a worker who had several conversations about it
    opens each with the same hello, as nearly everybody does, so the opening words would tie strangers together.

    Rejections: no_messages; failed_support, for the conversations that upstream's authors dropped and published as
    FailedESConv.json, in which a `listener` is no example to follow; and those of json_array.objects.

    Raises:
        SourceError: as json_array.objects.
    """
    for item in objects(path):
        if isinstance(item, Rejection):
            yield item
        else:
            place, conversation = item
            yield _row(conversation, f"{stem(path)}:{place}")


def _row(conversation: dict[str, Any], name: str) -> Row | Rejection:
    turns = conversation.get("dialog")
    if not isinstance(turns, list) or not all(
        isinstance(turn, dict) and isinstance(turn.get("speaker"), str) and isinstance(turn.get("content"), str)
        for turn in turns
    ):
        return Rejection(name, "no_messages")
    if any(turn["speaker"] == "listener" for turn in turns):
        return Rejection(name, "failed_support")
    situation, problem = conversation.get("situation"), conversation.get("problem_type")
    told = isinstance(situation, str) and situation.strip()
    question = hashlib.sha256(str(situation).strip().encode()).hexdigest()[:16] if told else name
    return Row(
        id=name,
        messages=[{"role": turn["speaker"], "content": turn["content"]} for turn in turns],
        topic=problem if isinstance(problem, str) else None,
        question_id=f"esconv:{question}",
        rewriter="human",
    )
