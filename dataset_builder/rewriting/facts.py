"""Whether a conversation tells what its question told: by the pairs of characters that few texts have, and numbers."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

from dataset_builder.cleaning.shape import Messages

_KEPT = 0.035
"""Share of a question's distinctive pairs that the user must say.

Calibrated on the sample, whose users tell their matter bit by bit and in other words: there the least is 0.039 and
half of the conversations keep 0.20; of conversations about another question, 1 in 600 reaches it.
"""
_ENOUGH = 20  # distinctive pairs of a question below which it tells too little to be measured; the sample's have 87
_COMMON = 5  # conversations of the sample with a pair that is not distinctive

_HAN = re.compile(r"[\u4e00-\u9fff]+")

_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_OTHER_UNITS = {"星期": "周", "礼拜": "周", "钟头": "小时", "块钱": "元", "块": "元", "回": "次", "遍": "次"}
_UNITS = _OTHER_UNITS | {
    unit: unit for unit in re.findall(r"\w+", "岁 年 个月 月 天 周 小时 分钟 元 万 次 斤 公斤 公里 度 人")
}
_NUMBER = r"\d+(?:\.\d+)?[万千百]?|[零〇一二两俩三四五六七八九十百千万]+"
_QUANTITY = re.compile(rf"({_NUMBER})多?({'|'.join(sorted(_UNITS, key=len, reverse=True))})")
_CHANGED = 3  # things that both count, by units, with no number in common; the sample's have two at most

_YEARS = r"(?>[1-9]\d|[二三四五六七八九]?十[一二三四五六七八九]?)"
_AGE = rf"(?P<age>{_YEARS})"
_ASKED_AGE = re.compile(rf"(?:^|[，。！？\n])我?(?:今年)?{_AGE}岁?(?:了|的)?(?=[，。、！？]|$)")
_ANY_AGE = re.compile(rf"{_AGE}(?:周?岁|了)")
# 我今年34, 我都34了, 我34岁了, and 我34岁。 where a sentence begins. Not of another time (等我40岁了; 那时，我18岁，),
# of a difference (她小我10岁了) or in others' words (她说我都三十了). None of 537 people in public corpora tells two.
_TOLD_AGE = re.compile(
    rf"(?:我今年(?={_YEARS}(?![\d零一二三四五六七八九十百千万多几年月天个次点号斤]))|"
    rf"(?<![等到当像果比小大了年时前后怕说])我(?:今年|都|已经|才|也|现在)*+(?={_YEARS}(?:岁了|了(?:[，。！？…；\n]|$)))|"
    rf"(?:^|(?<=[。！？…]))我(?:都|已经|才|也|现在)*+(?={_YEARS}岁(?:[，。！？…；]|$))){_AGE}",
    re.MULTILINE,
)


def facts_lost(question: str, messages: Messages) -> str | None:
    """A user who says next to nothing of what sets `question` apart: that was invented, or left out.

    Chinese only: a question with few Chinese characters is not measured.
    """
    distinctive = _pairs(question) - _common()
    if len(distinctive) < _ENOUGH:
        return None
    return "facts_lost" if len(distinctive & _pairs(_told(messages))) < _KEPT * len(distinctive) else None


def facts_changed(question: str, messages: Messages) -> str | None:
    """A user of another age than the question's, or with other numbers of three things and most that both count."""
    asked, told = _quantities(question), _told(messages)
    if ages := _ages(_TOLD_AGE, told):
        known = _ages(_ASKED_AGE, question) | _ages(_TOLD_AGE, question)
        if known and ages - known - _ages(_ANY_AGE, question):
            return "facts_changed"
    if len(asked) < _CHANGED:
        return None
    counted = _quantities(told)
    kept = [bool(asked[unit] & counted[unit]) for unit in asked.keys() & counted.keys()]
    return "facts_changed" if kept.count(False) >= _CHANGED and kept.count(False) > kept.count(True) else None


def _ages(pattern: re.Pattern[str], text: str) -> set[float]:
    return {_value(match["age"]) for match in pattern.finditer(text)}


def _told(messages: Messages) -> str:
    return "\n".join(turn["content"] for turn in messages if turn["role"] == "user")


def _pairs(text: str) -> set[str]:
    """The pairs of neighbouring Chinese characters in a text."""
    return {first + second for run in _HAN.findall(text) for first, second in itertools.pairwise(run)}


@cache
def _common() -> frozenset[str]:
    """Pairs that conversations share whatever they are about: learned from the sample; 0.1 s on the first call."""
    from dataset_builder.read import read
    from dataset_builder.records import Record

    texts: dict[str, set[str]] = {}
    for record in read("sample"):
        if isinstance(record, Record):
            seen = texts.setdefault(record.question_id, set())
            seen |= _pairs("\n".join(turn["content"] for turn in record.messages))
    counts = Counter(pair for pairs in texts.values() for pair in pairs)
    return frozenset(pair for pair, count in counts.items() if count >= _COMMON)


def _quantities(text: str) -> dict[str, set[float]]:
    """The numbers in `text` by what they count; ones are left out, which Chinese uses as an article."""
    found: dict[str, set[float]] = {}
    for number, unit in _QUANTITY.findall(text):
        value = _value(number)
        if value != 1:
            found.setdefault(_UNITS[unit], set()).add(value)
    return found


def _value(number: str) -> float:
    """The value of a number in digits, Chinese ones or both: 24, 3.5万, 二十四, 两万."""
    if number[0].isdecimal():
        scale = _SCALES.get(number[-1], 1)
        return float(number.rstrip("万千百")) * scale
    if not any(scale in number for scale in _SCALES):
        return float("".join(str(_DIGITS[digit]) for digit in number))
    return sum(_parts(number))


def _parts(number: str) -> Iterator[float]:
    """What a Chinese number adds up from: 二万三千五 is 20,000 and 3,000 and 5."""
    if "万" in number:
        high, _, number = number.rpartition("万")
        yield (_value(high) if high else 1) * 10_000
    digit = 0
    for character in number:
        if character in _SCALES:
            yield (digit or 1) * _SCALES[character]
            digit = 0
        else:
            digit = _DIGITS[character]
    yield digit
