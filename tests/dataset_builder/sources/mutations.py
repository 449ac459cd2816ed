"""Damage, drawn at random: what happens to bytes on a disk, and to JSON in the hands of a script."""

import json
import random
from collections.abc import Callable
from typing import Any

JUNK = (
    b"\x00",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n",
    b'"',
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"\xff\xfe",
    b"\xed\xa0\x80",  # a surrogate, encoded as no UTF-8 may be
    "你好，心里难受".encode("gb18030"),
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b"]}",
    b"}]",
    b"/*",
    b"NaN",
    b"1e999",
    b"9" * 5000,
    b"[" * 200,
    "‮‏​".encode(),
)
VALUES = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    " \u3000",
    "\x00",
    "\ud800",
    "\ufeff",
    "长" * 5000,
    [],
    {},
    [[]],
    [None],
    {"role": "user"},
    [{"role": None, "content": None}],
    "@deep@",
    "@huge@",
    "@infinite@",
    "@nan@",
)
_RAW = {
    b'"@deep@"': b"[" * 70_000 + b"]" * 70_000,
    b'"@huge@"': b"7" * 5000,
    b'"@infinite@"': b"-1e999",
    b'"@nan@"': b"NaN",
}
"""What json.dumps does not write."""

Mutation = Callable[[random.Random, bytes], bytes]


def _span(draw: random.Random, data: bytes) -> tuple[int, int]:
    start = draw.randrange(len(data) + 1)
    return start, min(len(data), start + draw.choice((1, 2, 3, 8, 40, len(data))))


def flip(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        if changed:
            changed[draw.randrange(len(changed))] = draw.choice((draw.randrange(256), *b'"\\{}[],:\n'))
    return bytes(changed)


def delete(draw: random.Random, data: bytes) -> bytes:
    start, end = _span(draw, data)
    return data[:start] + data[end:]


def duplicate(draw: random.Random, data: bytes) -> bytes:
    start, end = _span(draw, data)
    return data[:end] + data[start:]


def truncate(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def insert(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice(JUNK) + data[at:]


def swap(draw: random.Random, data: bytes) -> bytes:
    """Exchange two spans."""
    (a, b), (c, d) = sorted((_span(draw, data), _span(draw, data)))
    c = max(b, c)
    return data[:a] + data[c : max(c, d)] + data[b:c] + data[a:b] + data[max(c, d) :]


def recode(draw: random.Random, data: bytes) -> bytes:
    """Text in another encoding than was said."""
    text = data.decode("utf-8", "replace")
    return text.encode(draw.choice(("gb18030", "utf-16", "big5", "latin-1")), "replace")


def crlf(draw: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def bom(draw: random.Random, data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def empty(draw: random.Random, data: bytes) -> bytes:
    return draw.choice((b"", b" ", b"\n", b"\x00" * 20))


def retype(draw: random.Random, data: bytes) -> bytes:
    """JSON with another value, a missing or a renamed key, somewhere in it; other data comes back as it was."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # damaged before
        return flip(draw, data)
    places = list(_places(value))
    if not places:
        return data
    for _ in range(draw.choice((1, 1, 3))):
        inside, key = draw.choice(places)
        match draw.randrange(4):
            case 0 if isinstance(inside, dict):
                inside.pop(key, None)
            case 1 if isinstance(inside, dict):
                inside[draw.choice(("id", "value", "Role", "", "\ud800"))] = inside.pop(key, None)
            case 2 if isinstance(inside, list) and len(inside) > key:
                inside.append(inside[key])
            case _ if isinstance(inside, dict) or len(inside) > key:
                inside[key] = draw.choice(VALUES)
    text = json.dumps(value, ensure_ascii=draw.random() < 0.5)
    changed = text.encode("utf-8", "surrogatepass")
    for mark, raw in _RAW.items():
        changed = changed.replace(mark, raw)
    return changed


def _places(value: Any) -> Any:
    """Every (container, key) in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


MUTATIONS: tuple[Mutation, ...] = (
    flip,
    flip,
    delete,
    duplicate,
    truncate,
    insert,
    insert,
    swap,
    recode,
    crlf,
    bom,
    empty,
    retype,
    retype,
    retype,
)


def mutated(draw: random.Random, data: bytes) -> bytes:
    """`data` after one or two kinds of damage."""
    for _ in range(draw.choice((1, 1, 1, 2))):
        data = draw.choice(MUTATIONS)(draw, data)
    return data
