"""JSON that somebody sent: parsed, or refused with a 400. What passes can be written as UTF-8 and as JSON again."""

import json
import math
from typing import Any, NoReturn

from local_hub.errors import HubError

_LARGE = 1 << 20
# A list of empty lists takes 20 times its text in memory; a file in base64 has no such signs at all.
_MAX_SIGNS = 100_000
_SIGNS = (b"[", b"{", b",")


def parse_object(data: bytes, what: str) -> dict[str, Any]:
    """`data` as a JSON object; `what` names it in the refusal."""
    if len(data) > _LARGE and sum(map(data.count, _SIGNS)) > _MAX_SIGNS:
        raise HubError(400, f"{what} has more than {_MAX_SIGNS:,} JSON values; send less at a time")
    try:
        loaded = json.loads(data, parse_constant=_refuse_constant, parse_float=_finite)
        if b"\\u" in data:
            json.dumps(loaded, ensure_ascii=False).encode()  # half a surrogate pair is in no file name and no text
    except RecursionError:
        raise HubError(400, f"{what} is nested too deeply") from None
    except UnicodeError:
        raise HubError(400, f"{what} is not Unicode: use UTF-8 and whole surrogate pairs") from None
    except ValueError as error:
        raise HubError(400, f"{what} is not JSON: {error}") from None
    if not isinstance(loaded, dict):
        raise HubError(400, f"{what} must be a JSON object")
    return loaded


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:80]} is too large a number")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
