"""One spelling for what can be written in a hundred ways: the form that the lexicon's patterns are matched against."""

import re
import unicodedata
from functools import cache
from typing import Any

_HAN = "\u3400-\u9fff\U00020000-\U0003ffff"

# Letters that show nothing: soft hyphen, fillers, joiners, direction marks, variation selectors, tags, and controls
# other than tab and line feed.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Marks that decomposition leaves: of pinyin with tones, and of struck-through or decorated text.
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
# 著 is 着 in 活著, and OpenCC leaves it for the sake of 著名.
_LETTERS = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\uff61": "。", "著": "着"})
# Three dots are a pause, as a full stop is; one dot between two characters is a disguise.
_PAUSE = re.compile(r"\.{2,}|。{2,}|—{1,}")
_CLAUSE_ENDS = ",。!?;:、\n"
# Possessive: nothing is tried twice, whatever the length of the run.
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])(?:[^\w{_CLAUSE_ENDS}]|_)++(?=[{_HAN}])")
# Three single characters in a row, each with a clause to itself, are a word taken apart.
_APART = re.compile(rf"(?<![{_HAN}])(?:[{_HAN}][{_CLAUSE_ENDS}]{{1,3}}+){{2,}}+")
_SPACES = re.compile(r"[ \t\u3000]++")
_NOT_LETTERS = re.compile(r"[\W_]++")


def normalise(text: str) -> str:
    """`text` in simplified Chinese, lower case and half width, without what hides between two Chinese characters.

    Punctuation that ends a clause stays: 不想，活动 is no wish to die.
    """
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text)).translate(_LETTERS)
        text = _INVISIBLE.sub("", text)  # compatibility forms can decompose into invisible ones
        text = _PAUSE.sub("。", text)
        text = _BETWEEN_HAN.sub("", text)
        text = _APART.sub(lambda run: _NOT_LETTERS.sub("", run.group()), text)
        text = _to_simplified().convert(text)
    return _SPACES.sub(" ", text.casefold())


def letters_only(text: str) -> str:
    """Normalised text without any punctuation, space or line break, for words that somebody took apart."""
    return _NOT_LETTERS.sub("", text)


@cache
def _to_simplified() -> Any:
    from opencc import OpenCC  # 10 ms, and a native library: not at import

    return OpenCC("t2s")
