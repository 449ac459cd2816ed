"""A file of replies, JSON Lines, to pairs that can be scored."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model_card.errors import ModelCardError
from model_card.metrics import Pair


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs in `path`: `{id, reply, reference}` or `{id, reply, references: […]}` a line, `conversation` optional.

    Raises:
        ModelCardError: names the file, the line and what to write instead.
    """
    if not path.is_file():
        raise ModelCardError(f"{path} is not a file; give a file of lines {{id, reply, reference}}")
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield _pair(line)
                except ModelCardError as error:
                    raise ModelCardError(f"{path}:{number}: {error}") from None


def _pair(line: bytes) -> Pair:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ModelCardError(f"not JSON ({error}); write one object a line") from None
    if not isinstance(record, dict):
        raise ModelCardError(f"a {type(record).__name__}, not an object; write {{id, reply, reference}}")
    for key in ("id", "reply"):
        if key not in record:
            raise ModelCardError(f"the key {key!r} is missing; a line has id, reply and reference or references")
    if not isinstance(record["reply"], str):
        raise ModelCardError(f"'reply' is {_shown(record['reply'])}; write a string, \"\" for an empty reply")
    conversation = record.get("conversation")
    return Pair(record["reply"], _references(record), None if conversation is None else str(conversation))


def _references(record: dict[str, Any]) -> tuple[str, ...]:
    given = [key for key in ("reference", "references") if key in record]
    if not given:
        raise ModelCardError("the key 'reference' (or 'references') is missing; add what the reply is compared with")
    if len(given) == 2:
        raise ModelCardError("both 'reference' and 'references' are given; keep one of them")
    references = record["references"] if given == ["references"] else [record["reference"]]
    if not isinstance(references, list) or not references or not all(isinstance(text, str) for text in references):
        expected = "a string" if given == ["reference"] else "a list of at least one string"
        raise ModelCardError(f"{given[0]!r} is {_shown(record[given[0]])}; write {expected}")
    return tuple(references)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:40] + "…"
