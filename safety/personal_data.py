"""Personal data in Chinese text: by what a person could be called, written to or looked up, and typed placeholders.

Found are telephone, identity card, passport, e-mail, QQ, WeChat, bank card, number plate, date of birth, full names,
addresses down to a house, and schools and employers by name. Not found: a surname with a title (张老师, 小李), a given
name alone, a city, a year, and whatever only somebody who knows the person would recognise.
"""

from collections.abc import Callable, Iterator

from safety.found import HIDDEN, PLACEHOLDERS, Found, Kind
from safety.legible import legible
from safety.personal_accounts import accounts, emails
from safety.personal_institutions import institutions
from safety.personal_names import names
from safety.personal_numbers import numbers, phones
from safety.personal_places import addresses

__all__ = ["PLACEHOLDERS", "Found", "Kind", "find_personal_data", "redact"]


def find_personal_data(text: str) -> list[Found]:
    """What identifies somebody in `text`, in order, without overlaps. The hotlines of this package are no finding.

    An identity card counts with a right checksum, or with 身份证 before it; a bank card with one and with its bank,
    卡 or a known issuer; QQ and WeChat with their names before them; names by what stands around them.
    """
    found: list[Found] = []
    # What was found is no evidence for what is found next, or redacting twice would find more: search what is left.
    while new := _search(text):
        found += new
        text = _filled(text, new, lambda piece: HIDDEN * (piece.end - piece.start))
    return sorted(found, key=lambda piece: piece.start)


def redact(text: str) -> tuple[str, list[Found]]:
    """`text` with a typed placeholder for each finding, and the findings, by their positions in `text`."""
    found = find_personal_data(text)
    return _filled(text, found, lambda piece: PLACEHOLDERS[piece.kind]), found


def _filled(text: str, found: list[Found], filling: Callable[[Found], str]) -> str:
    parts, last = [], 0
    for piece in sorted(found, key=lambda piece: piece.start):
        parts += [text[last : piece.start], filling(piece)]
        last = piece.end
    return "".join(parts) + text[last:]


def _search(text: str) -> list[Found]:
    seen = legible(text)
    taken = bytearray(len(text))
    found = []
    for piece in _candidates(seen.text):
        start, end = seen.span(piece.start, piece.end)
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            found.append(Found(piece.kind, start, end))
    return found


def _candidates(text: str) -> Iterator[Found]:
    """Most specific first: what is found earlier keeps its place."""
    yield from emails(text)
    yield from numbers(text)
    yield from accounts(text)
    yield from phones(text)
    yield from addresses(text)
    yield from institutions(text)
    yield from names(text)
