"""Turns as strings that begin with who speaks: `求助者：…`, `支持者: …`."""

import re
from typing import Any

LABELS = ("求助者", "支持者", "来访者", "心理咨询师", "咨询师")

_LABEL = re.compile(rf"\s*({'|'.join(LABELS)})\s*[：:]")


def turns(strings: list[Any]) -> list[dict[str, Any]]:
    """The messages in labelled strings; what has no known label is a turn of nobody known, for a rule to reject."""
    return [_turn(string) for string in strings]


def is_labelled(string: Any) -> bool:
    return isinstance(string, str) and _LABEL.match(string) is not None


def _turn(string: Any) -> dict[str, Any]:
    label = _LABEL.match(string) if isinstance(string, str) else None
    if label is None:
        return {"role": "", "content": string}
    return {"role": label[1], "content": string[label.end() :]}
