"""OpenAI `messages`: {messages: [{role, content}], …} as JSON Lines or as an array, plain or gzip."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.files import stem
from dataset_builder.sources.json_array import objects
from dataset_builder.sources.row import Row, row_id


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a file, with what each row says of its topic, question, answer and origin."""
    for item in objects(path):
        yield item if isinstance(item, Rejection) else row(item[1], f"{stem(path)}:{item[0]}")


def row(item: Mapping[str, Any], otherwise: str) -> Row:
    """The row of an {id, messages, …} object; its id is `otherwise` where it has none.

    `normalizedTag`, as PsyDTCorpus names it, counts as a topic. Of a turn, role and content are kept.
    """
    result = Row(id=row_id(item.get("id"), otherwise), messages=turns(item.get("messages")))
    about(item, result)
    return result


def about(item: Mapping[str, Any], result: Row) -> None:
    """Copy what `item` says of topic, question, answer and origin, where it is text, to `result`."""
    if topic := _text(item.get("topic")) or _text(item.get("normalizedTag")):
        result["topic"] = topic
    if question_id := row_id(item.get("question_id"), ""):
        result["question_id"] = question_id
    if answer := _text(item.get("answer")):
        result["answer"] = answer
    if source := _text(item.get("source")):
        result["source"] = source
    if licence := _text(item.get("license")):
        result["license"] = licence
    if rewriter := _text(item.get("rewriter")):
        result["rewriter"] = rewriter
    origins = item.get("derived_from")
    if origin := _text(", ".join(map(str, origins)) if isinstance(origins, list) else origins):
        result["derived_from"] = origin


def turns(messages: Any) -> Any:
    """`messages` with role and content only, and content of text parts as one text; what is no list as it is."""
    if not isinstance(messages, list):
        return messages
    return [
        {"role": turn.get("role"), "content": _content(turn.get("content"))} if isinstance(turn, Mapping) else turn
        for turn in messages
    ]


def _content(content: Any) -> Any:
    if not isinstance(content, list) or not content:
        return content
    texts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
    strings = [text for text in texts if isinstance(text, str)]
    return "".join(strings) if len(strings) == len(content) else content  # an image, or damage: for a rule to reject


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value.strip() else ""
