"""A text as a reader sees it: what is typed in place of a digit, letter or sign made plain, each at its position."""

import re
import unicodedata
from dataclasses import dataclass

from safety.found import HIDDEN, PLACEHOLDERS

_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS.values())))

# Full-width letters, digits and the signs that stand inside a number or an address; ，！？： stay what they are.
_WIDE = "０-９Ａ-Ｚａ-ｚ＠．－＿＋　（）"
# Digits in circles, brackets, fonts of their own, and superscript; the rest of Unicode's digits are other scripts'.
_FANCY = "\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd"
_FANCY += "\u2776-\u277e\u2780-\u2788\u278a-\u2792\U0001d7ce-\U0001d7ff\U0001fbf0-\U0001fbf9"
_ODD = re.compile(f"[{_WIDE}{_FANCY}]")

# What shows nothing, or belongs to the character before it: joiners, direction marks, selectors, keycaps, accents.
_ATTACHED = "\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u20d0-\u20ff\ufe00-\ufe0f\ufeff"
_ATTACHED += "\u0300-\u036f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef\udc00-\udfff"
_MARKS = re.compile(f"[{_ATTACHED}]+")

_NUMERALS = str.maketrans("零〇一幺壹二贰三叁四肆五伍六陆七柒八捌九玖", "001112233445566778899")
_NUMERAL = "零〇一幺壹二贰三叁四肆五伍六陆七柒八捌九玖"
# 一三八零零…, with digits among them, and one separator between: shorter runs are mostly no numbers.
_NUMERAL_RUN = re.compile(rf"[{_NUMERAL}\d](?:[ -]?[{_NUMERAL}\d]){{6,}}+", re.ASCII)
_ALONE_AFTER = re.compile(rf"[0-9][{_NUMERAL}]$")
_ALONE_BEFORE = re.compile(rf"[{_NUMERAL}][0-9]")
_WORD_OF_ONE = re.compile("[直个下些样定起般旦边次点共]")


@dataclass(frozen=True, slots=True)
class Legible:
    text: str
    positions: list[int] | None  # of each character of `text` in what was given; None where they are the same
    given: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the given text; what is attached to the last character belongs to it."""
        if self.positions is None:
            return start, end
        first, last = self.positions[start], self.positions[end - 1] + 1
        marks = _MARKS.match(self.given, last)
        return first, marks.end() if marks else last


def legible(text: str) -> Legible:
    """`text` with plain digits and letters and without what is invisible; placeholders in it are hidden."""
    given = text
    if "[" in text:
        text = _PLACEHOLDER.sub(lambda match: HIDDEN * len(match.group()), text)
    if _ODD.search(text):
        text = _ODD.sub(_plain, text)
    positions = None
    if _MARKS.search(text):
        positions = [index for index, character in enumerate(text) if not _MARKS.match(character)]
        text = "".join(text[index] for index in positions)
    return Legible(_NUMERAL_RUN.sub(_in_digits, text), positions, given)


def _in_digits(run: re.Match[str]) -> str:
    """The run without a numeral of the next word: 13800138000一直 and 一三八零零一三八零零零一直 end before 一."""
    number = run.group()
    last = len(number)
    if _ALONE_AFTER.search(number) or (number[-1] == "一" and _WORD_OF_ONE.match(run.string, run.end())):
        last -= 1
    first = 1 if _ALONE_BEFORE.match(number) else 0
    return number[:first] + number[first:last].translate(_NUMERALS) + number[last:]


def _plain(match: re.Match[str]) -> str:
    character = match.group()
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    return " " if character == "\u3000" else chr(ord(character) - 0xFEE0)
