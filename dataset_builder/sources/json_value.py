"""One JSON value from upstream bytes or text, or a reason why there is none: never another error."""

import json
import math
import re
from typing import Any

MAX_DEPTH = 64
"""Levels of nesting; upstream rows have at most 6, and what is deeper breaks whoever walks it by recursion."""


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


DECODER = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite)
"""NaN, which pandas writes for an empty field, is null, as are Infinity and what a float cannot hold (1e999)."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class BadJson(ValueError):
    """What is no JSON value that can be used; `reason` is one of not_utf8, not_json and too_deep."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(data: bytes) -> Any:
    """The one value in `data`, which may begin with a byte order mark.

    Raises:
        BadJson: where the bytes are no UTF-8, no JSON, nested too deep, or escape half of a surrogate pair.
    """
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        raise BadJson("not_utf8") from None
    try:
        value = DECODER.decode(text)
    except RecursionError:
        raise BadJson("too_deep") from None
    except ValueError:  # JSONDecodeError, or a number of more digits than Python converts
        raise BadJson("not_json") from None
    check(value, text)
    return value


def check(value: Any, text: str) -> None:
    """That `value`, parsed from `text`, can be written again: as UTF-8, by a writer that recurses.

    Half of a surrogate pair is no character: such a row is rejected as a whole rather than mended, for what stood
    there is not known.

    Raises:
        BadJson: not_utf8 or too_deep.
    """
    if text.count("[") + text.count("{") > MAX_DEPTH and _deeper(value, MAX_DEPTH):
        raise BadJson("too_deep")
    try:
        text.encode()
        if "\\u" in text and _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadJson("not_utf8") from None


def _deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(value, list | dict) for value in layer)
