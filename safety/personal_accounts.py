"""E-mail addresses, however disguised, and QQ and WeChat accounts by the words before them."""

import re
from collections.abc import Iterator

from safety.found import HIDDEN, Found

_LATIN = re.compile("[A-Za-z]")
_DIGIT = re.compile("[0-9]")

# Lookbehinds and bounded, possessive repeats: a long run of letters is read once.
_LOCAL = r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}+"
_EMAIL = re.compile(rf"{_LOCAL}@(?:[A-Za-z0-9-]{{1,63}}\.){{1,5}}[A-Za-z]{{2,24}}")
_AT = r"(?:@|[(\[（【<]?(?:[Aa][Tt]|艾特|小老鼠|圈[Aa])[)\]）】>]?)"
_DOT = r"(?: ?(?:\.|[(\[（【]?(?:点|dot|DOT|Dot|。)[)\]）】]?) ?)"
_TLD = r"(?:com|cn|net|org|edu|gov|COM|CN|NET|ORG)"
_PROVIDER = (
    r"(?:qq|QQ|163|126|139|189|gmail|Gmail|outlook|hotmail|sina|foxmail|sohu|yeah|aliyun|yahoo|icloud|live|vip)"
)
_EMAIL_SPOKEN = re.compile(
    rf"(?<![A-Za-z0-9_.+-])[A-Za-z0-9][A-Za-z0-9_.+-]{{0,40}}+ {{0,2}}{_AT} {{0,2}}"
    rf"(?:[A-Za-z0-9-]{{1,30}}{_DOT}){{1,3}}{_TLD}(?:{_DOT}cn)?(?![A-Za-z0-9])"
)
_AT_NEAR = re.compile("@|[Aa][Tt]|艾特|小老鼠|圈[Aa]")

_GAP = rf"[^0-9A-Za-z。！？\n{HIDDEN}]{{0,6}}"
_QQ = re.compile(
    rf"(?:(?<![A-Za-z])[Qq]{{2}}|扣扣|企鹅号?|球球|[Qq]号)(?:号码?)?{_GAP}"
    r"([1-9](?:[0-9]{4,10}|(?: ?[0-9]{3,4}){1,3}))(?![0-9])"
)
_WECHAT_NAME = (
    r"(?:[微威薇徽]信|(?<![A-Za-z])(?:[Vv]信|[Vv][Xx]|[Ww][Xx]|[Ww]e[Cc]hat)(?![A-Za-z])|加[我个你]?[Vv](?![A-Za-z]))"
)
# An account of letters alone counts after 号, a colon or 是 only: 微信发email is none.
_WECHAT = re.compile(
    rf"{_WECHAT_NAME}(?:{_GAP}?"
    r"((?=[A-Za-z_-]{0,20}[0-9]|[A-Za-z]{1,20}[_-])[A-Za-z][A-Za-z0-9_-]{5,19}|[0-9]{6,11})"
    r"|(?:号码?|ID|id)?(?: ?[:：是] ?| )([A-Za-z][A-Za-z0-9_-]{5,19}))(?![A-Za-z0-9_-])"
)


def emails(text: str) -> Iterator[Found]:
    if "@" in text:
        yield from (Found("email", *match.span()) for match in _EMAIL.finditer(text))
    if _LATIN.search(text) and _AT_NEAR.search(text):
        yield from (Found("email", *match.span()) for match in _EMAIL_SPOKEN.finditer(text) if _is_spoken(match))


def accounts(text: str) -> Iterator[Found]:
    if _DIGIT.search(text):
        yield from (Found("qq", *match.span(1)) for match in _QQ.finditer(text))
    if _LATIN.search(text) or _DIGIT.search(text):
        yield from (Found("wechat", *match.span(match.lastindex or 0)) for match in _WECHAT.finditer(text))


def _is_spoken(match: re.Match[str]) -> bool:
    """`look at example.com` is none: with `at`, the domain must be a mail provider's, or the dot written out too."""
    text = match.group()
    return "@" in text or bool(re.search(rf"(?<![A-Za-z0-9]){_PROVIDER}(?![A-Za-z0-9])|[点d。]|D[oO]", text))
