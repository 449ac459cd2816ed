"""Personal data in Chinese text: by what a person could be called, written to or looked up, and typed placeholders.

A first version, of what has a form: telephone, identity card, e-mail, QQ and WeChat. Names, streets, schools, bank
cards and number plates are not looked for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from safety.helplines import hotlines

Kind = Literal["phone", "id_card", "email", "qq", "wechat"]
PLACEHOLDERS: dict[Kind, str] = {
    "phone": "[手机号]",
    "id_card": "[身份证号]",
    "email": "[邮箱]",
    "qq": "[QQ号]",
    "wechat": "[微信号]",
}

# What is typed in place of a digit, letter or sign, one character for one, so that positions stay the original's.
_NARROW = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20}
_NUMERALS = str.maketrans("零〇一幺二三四五六七八九", "001123456789")
_NUMERAL_RUN = re.compile(r"[零〇一幺二三四五六七八九]{7,}")  # 一三八零零…: shorter runs are mostly no numbers

# No \b and no \w below without ASCII: Chinese characters are word characters, and numbers stand next to them.
_EMAIL = re.compile(r"[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", re.ASCII)
_ID_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){13,16}[ -]?[\dXx](?![\dA-Za-z])")
_ID_CARD_NAMED = re.compile(r"身份证\D{0,8}$")
_QQ = re.compile(r"(?:(?<![A-Za-z])[Qq]{2}|扣扣|企鹅号|[Qq]号)[^\dA-Za-z。！？\n]{0,6}([1-9]\d{4,10})(?!\d)")
_WECHAT_NAME = (
    r"(?:[微威薇徽]信|(?<![A-Za-z])(?:[Vv]信|[Vv][Xx]|[Ww][Xx]|[Ww]e[Cc]hat)(?![A-Za-z])|加[Vv](?![A-Za-z]))"
)
# An account of letters alone counts after 号, a colon or 是 only: 微信发email is none.
_WECHAT = re.compile(
    rf"{_WECHAT_NAME}(?:[^\dA-Za-z。！？\n]{{0,6}}?"
    r"((?=[A-Za-z_-]*\d|[A-Za-z]+[_-])[A-Za-z][A-Za-z0-9_-]{5,19}|\d{6,11})"
    r"|(?:号码?|ID|id)?(?: ?[:是] ?| )([A-Za-z][A-Za-z0-9_-]{5,19}))(?![A-Za-z0-9_-])"
)
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of personal data; `start` and `end` are positions in the text as it was given."""

    kind: Kind
    start: int
    end: int


def find_personal_data(text: str) -> list[Found]:
    """What identifies somebody in `text`, in order, without overlaps. The hotlines of this package are no finding.

    An identity card counts with a right checksum, or with 身份证 before it; QQ and WeChat with their names before it.
    """
    narrow = _NUMERAL_RUN.sub(lambda run: run.group().translate(_NUMERALS), text.translate(_NARROW))
    found: list[Found] = []
    for candidate in _candidates(narrow):
        if all(candidate.end <= other.start or candidate.start >= other.end for other in found):
            found.append(candidate)
    return sorted(found, key=lambda piece: piece.start)


def redact(text: str) -> tuple[str, list[Found]]:
    """`text` with a typed placeholder for each finding, and the findings, by their positions in `text`."""
    found = find_personal_data(text)
    parts, last = [], 0
    for piece in found:
        parts += [text[last : piece.start], PLACEHOLDERS[piece.kind]]
        last = piece.end
    return "".join(parts) + text[last:], found


def _candidates(text: str) -> Iterator[Found]:
    """Most specific first: what is found earlier keeps its place."""
    yield from (Found("email", *match.span()) for match in _EMAIL.finditer(text))
    if len(_DIGIT.findall(text)) >= 5:
        yield from (Found("id_card", *match.span()) for match in _ID_CARD.finditer(text) if _is_id_card(match))
        yield from (Found("qq", *match.span(1)) for match in _QQ.finditer(text))
    yield from (Found("wechat", *match.span(match.lastindex or 0)) for match in _WECHAT.finditer(text))
    if len(_DIGIT.findall(text)) >= 7:
        yield from _phones(text)


def _is_id_card(match: re.Match[str]) -> bool:
    from stdnum.cn import ric  # 20 ms: on first use

    number = re.sub("[ -]", "", match.group()).upper()
    if _ID_CARD_NAMED.search(match.string[: match.start()]):
        return len(number) in (15, 18)
    if len(number) == 15:  # those issued before 1999: no century, no checksum
        number = number[:6] + "19" + number[6:]
        number += ric.calc_check_digit(number + "?")  # it leaves the last place out
    return len(number) == 18 and bool(ric.is_valid(number))


def _phones(text: str) -> Iterator[Found]:
    import phonenumbers  # 60 ms: on first use

    public = {re.sub(r"\D", "", entry.number) for entry in hotlines()}
    for match in phonenumbers.PhoneNumberMatcher(text, "CN"):
        if re.sub(r"\D", "", match.raw_string) not in public:
            yield Found("phone", match.start, match.end)
