"""Repairs of how a turn is written, each the identity on clean text and on what it has repaired itself."""

import html as entities
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from dataset_builder.cleaning.encoding import broken_encoding, mended_encoding
from dataset_builder.cleaning.shape import INVISIBLE, Messages, Repair, Rule

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_FULL_STOPS = "，。！？：；、（）《》〈〉「」『』【】“”‘’…—～"

# Tags that web pages and editors leave; <开心> and <think> are none.
_TAG = (
    "p|div|span|b|i|u|s|em|strong|a|li|ul|ol|dl|dt|dd|font|img|h[1-6]|table|tbody|thead|tr|td|th|blockquote|code|pre|"
    "sup|sub|small|big|center|section|article|label|script|style|html|body|head|meta|link|iframe|video|figure"
)
_BREAK = re.compile(r"<(?:br|hr)\s{0,4}/?>|</(?:p|div|li|tr|h[1-6]|blockquote|section)>", re.IGNORECASE)
_OTHER_TAG = re.compile(rf"</?(?:{_TAG})(?:\s[^<>]{{0,300}})?/?>|<!--[^<>]{{0,300}}-->", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,12}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")

_EMOJI = "\u203c-\u3299\U0001f000-\U0001faff\U000e0020-\U000e007f"
# A joiner between two emoji (with their variation selector or skin tone) makes one of them: a family, a profession.
_UNSEEN = re.compile(rf"(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])|(?!\u200d){INVISIBLE.pattern}")

# What normalisation may change without a change of meaning; see `normalised`.
_COMPATIBLE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u2e80-\u2fd5\ufb00-\ufb06\U0001d400-\U0001d7ff]")
_FULL_WIDTH_SYMBOL = re.compile(r"(?<=[0-9A-Za-z])[％＠＃＆＋－／＝＿．](?![＾＿])")

_LINE_BREAK = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile(r"[\t\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]| {2,}")
_ANY_SPACES = re.compile(r"[ \t\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LINE_ENDS = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")
_BESIDE_PUNCTUATION = re.compile(
    rf"(?<=[，。！？：；、）》」』】”’]) (?=[{_HAN}{_FULL_STOPS}])|"
    rf"(?<=[{_HAN}{_FULL_STOPS}]) (?=[，。！？：；、）》」』】])"
)
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}]) (?=[{_HAN}])")
_WORDS = re.compile(rf"[{_HAN}]+")
_SEGMENTED = 2.5  # Chinese characters between two spaces, on average, in text cut into words

# A mark in half width belongs to the language where a Chinese character stands before it, and no URL around it.
_HALF_WIDTH = re.compile(
    rf"https?://[!-~]+|(?<=[{_HAN}”’》」』）])(?:,(?![,()^_]) ?|[?!](?![?!()=_^]) ?(?=[{_HAN}{_FULL_STOPS}\n]|$)|"
    rf"[:;] ?(?=[{_HAN}“‘《「『（0-9\n]|$))"
)
_FULL = str.maketrans(",?!:;", "，？！：；")

EMPHASIS = 3
"""Marks in a row that stay: 对！！ is not 对！, and how somebody says it is part of what they say."""

_PAUSES = r"。{2,}|、{3,}|\.{2,}"
_RUN = re.compile(
    rf"…*(?:。{{2,}}|、{{3,}}|(?<=[{_HAN}{_FULL_STOPS}])\.{{2,}})(?:…|{_PAUSES})*|…{{3,}}|"
    rf"[！？!?]{{2,}}|，{{2,}}|、{{2,}}|；{{2,}}|：{{2,}}|[～~]{{2,}}|—{{3,}}|(?<=[{_HAN}{_FULL_STOPS}]),{{2,}}"
)


def each_turn(repair: Callable[[str], str]) -> Repair:
    """The repair of conversations that repairs each of their turns."""

    def repaired(messages: Messages) -> Messages:
        return [{"role": turn["role"], "content": repair(turn["content"])} for turn in messages]

    return repaired


def html(text: str) -> str:
    """Without tags and entities, however often they were escaped; a tag that ends a line or block ends a line."""
    original = text
    while "<" in text or "&" in text:
        before = text
        text = _ENTITY.sub(lambda entity: entities.unescape(entity.group()), text)
        text = _OTHER_TAG.sub("", _BREAK.sub("\n", text))
        if text == before:
            break
    return text if text == original else text.strip()


def control_characters(text: str) -> str:
    """Without what shows nothing: controls, zero width, direction marks, soft hyphens, private use.

    Joiners between emoji and variation selectors stay.
    """
    return _UNSEEN.sub("", text)


def normalised(text: str) -> str:
    """Canonically composed (NFC), and compatibility forms (NFKC) only where a letter merely looks different.

    These are full-width letters and digits, full-width ％＠＃＆＋－／＝＿． after one, radicals that stand for their
    character, ligatures and mathematical alphabets. Everything else keeps its form: ，。！？（） belong to the
    language; ①, ², ½, ℃, ™, Ⅳ and … would change their meaning; ｡･ω･｡ and ＞﹏＜ are faces.
    """
    if text.isascii():
        return text
    text = _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    text = _FULL_WIDTH_SYMBOL.sub(lambda match: chr(ord(match.group()) - 0xFEE0), text)
    return unicodedata.normalize("NFC", text)


def white_space(text: str) -> str:
    """One kind of space and line break; none at the ends, none that a neighbouring Chinese mark makes needless.

    A space between two Chinese characters can stand for a comma and stays, unless the whole text is cut into words.
    """
    text = _LINE_BREAK.sub("\n", text)
    text = _SPACES.sub(" ", text)
    text = _ANY_SPACES.sub(" ", text).strip()
    if "\n" in text:
        text = _BLANK_LINES.sub("\n\n", _LINE_ENDS.sub("\n", text))
    if " " not in text:
        return text
    text = _BESIDE_PUNCTUATION.sub("", text)
    return _BETWEEN_HAN.sub("", text) if _is_segmented(text) else text


def half_width_punctuation(text: str) -> str:
    """Half-width , ? ! : ; after a Chinese character as full-width marks.

    Not where it is part of a URL or a face, and never the full stop, which is also the dot of names (玛丽.居里).
    """
    if text.isascii():
        return text
    return _HALF_WIDTH.sub(
        lambda match: match.group() if match.group()[0] == "h" else match.group()[0].translate(_FULL), text
    )


def repeated_punctuation(text: str) -> str:
    """At most three of ！, ？, ～ and 。 in a row, longer mixed runs as ？！, ... as ……, others as one mark."""
    return _RUN.sub(_one_mark, text)


def is_traditional(messages: Messages) -> bool:
    """Whether some turn is written in traditional characters, judged by those that simplified text never has.

    著, 乾, 徵 and their like exist in both; two such characters and a tenth of the turn's make it traditional.
    """
    only, _ = _traditional()
    for turn in messages:
        found = only.findall(turn["content"])
        if len(found) >= 2 and len(found) * 10 >= len("".join(_WORDS.findall(turn["content"]))):
            return True
    return False


def simplified(messages: Messages) -> Messages:
    """In simplified Chinese throughout, by OpenCC's words, where `is_traditional`."""
    if not is_traditional(messages):
        return messages
    _, converter = _traditional()
    return each_turn(converter.convert)(messages)


@cache
def _traditional() -> tuple[re.Pattern[str], Any]:
    """The characters that only traditional Chinese has, and the converter; 30 ms on the first call."""
    from opencc import OpenCC  # a native library: not at import

    converter = OpenCC("tw2s")  # t2s leaves 看著, for the sake of 著名
    characters = [chr(code) for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
    simple = converter.convert("\n".join(characters)).split("\n")
    only = [
        old
        for old, new in zip(characters, simple, strict=True)
        if old != new and not old.encode("gb2312", "ignore")  # GB 2312 is the simplified standard
    ]
    return re.compile(f"[{''.join(only)}]"), converter


def _is_segmented(text: str) -> bool:
    spaces = len(_BETWEEN_HAN.findall(text))
    if spaces < 3:
        return False
    words = _WORDS.findall(text)
    return sum(map(len, words)) <= _SEGMENTED * len(words)


def _one_mark(run: re.Match[str]) -> str:
    marks = run.group()
    if set(marks) == {"。"} and len(marks) <= EMPHASIS:
        return marks
    if marks[0] in "！？!?～~":
        latin = run.string[: run.start()][-1:].isascii() and marks.isascii()
        marks = marks if latin else marks.translate(_FULL)
        kinds = list(dict.fromkeys(marks))
        return marks if len(marks) <= EMPHASIS else kinds[0] * EMPHASIS if len(kinds) == 1 else "".join(kinds)
    if marks[0] in "…。." or marks.startswith("、、、"):
        return "……"
    return "——" if marks[0] == "—" else "，" if marks[0] == "," else marks[0]


REPAIRS: Mapping[str, Repair] = {
    "broken_encoding": each_turn(mended_encoding),
    "html": each_turn(html),
    "control_characters": each_turn(control_characters),
    "normalised": each_turn(normalised),
    "simplified": simplified,
    "white_space": each_turn(white_space),
    "half_width_punctuation": each_turn(half_width_punctuation),
    "repeated_punctuation": each_turn(repeated_punctuation),
}
RULES: Mapping[str, Rule] = {"broken_encoding": broken_encoding}
