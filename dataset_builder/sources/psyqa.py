"""PsyQA as published: an array of questions, each with its answers, and a strategy label on spans of those."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.files import stem
from dataset_builder.sources.json_array import objects
from dataset_builder.sources.row import Row, row_id
from dataset_builder.topics import topic_id

_COMMA = re.compile(r"[,，、;；\s]+")


def rows(path: Path) -> Iterator[Row | Rejection]:
    """A two-message row of every answer to every question, `<questionID>:<n>`, n from 1.

    The user's message is the question and, on a new line, its description. `labels_sequence` gives strategies as
    offsets into `answer_text`, which is therefore the answer whole and without labels. All answers to a question
    share a `question_id`, so that no split can cut between them; `topic` is the first keyword that names one.

    Rejections: no_question, no_answer, and those of json_array.objects.

    Raises:
        SourceError: as json_array.objects.
    """
    for item in objects(path):
        if isinstance(item, Rejection):
            yield item
        else:
            place, question = item
            yield from _answers(question, f"{stem(path)}:{place}")


def _answers(question: dict[str, Any], place: str) -> Iterator[Row | Rejection]:
    name = row_id(question.get("questionID"), place)
    parts = [question.get("question"), question.get("description") or ""]
    said = [part for part in parts if isinstance(part, str)]
    asked = "\n".join(part for part in said if part.strip())
    if not asked or len(said) < len(parts):
        yield Rejection(name, "no_question")
        return
    answers = question.get("answers")
    if not isinstance(answers, list) or not answers:
        yield Rejection(name, "no_answer")
        return
    for index, answer in enumerate(answers, 1):
        text = answer.get("answer_text") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            yield Rejection(f"{name}:{index}", "no_answer")
            continue
        yield Row(
            id=f"{name}:{index}",
            messages=[{"role": "user", "content": asked}, {"role": "assistant", "content": text}],
            topic=_topic(question.get("keywords")),
            question_id=f"psyqa:{name}",
            rewriter="human",
        )


def _topic(keywords: Any) -> str | None:
    """The first of the comma-separated keywords that names a topic: 恋爱 in 恋爱经营,恋爱."""
    words = _COMMA.split(keywords) if isinstance(keywords, str) else []
    return next((word for word in words if topic_id(word)), None)
