"""Rules that a rewritten conversation must keep and one found elsewhere need not: `messages -> None | reason`."""

import re

from dataset_builder.cleaning.shape import Messages, Rule, letters

LONGEST = 300
"""Characters of a turn; the prompts ask for short ones. Of SMILECHAT's counsellor turns 1 in 40 is longer."""

_COPIED = 60  # letters of a question that may not be said in one turn; a shorter one is an opening
_GRAM = 8
_COPIED_SHARE = 0.8
_ECHO = 12  # letters of a turn that the next may not repeat whole

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_FOREIGN = 20  # Latin letters of a turn that has fewer Chinese ones
# Greek, Cyrillic, Arabic, Devanagari, Thai, kana, Hangul; fewer than four in a row make faces.
_OTHER_SCRIPT = re.compile(
    "[\u0370-\u03ff]{4}|[\u0400-\u04ff]{4}|[\u0600-\u06ff]{4}|[\u0900-\u097f]{4}|[\u0e00-\u0e7f]{4}|[\u3041-\u30fa]{4}|"
    "[\uac00-\ud7a3]{4}"
)
_NO_HAN = re.compile("[^\x00-\u036f\u2000-\u303f\u3400-\u9fff\uff00-\uffef]{4}")

_SPEAKER = re.compile(
    r"(?:用户|来访者|求助者|支持者|咨询师|\b(?:User|Client|Counsell?or|Therapist|Psychologist))[】\])）*]{0,2} ?[：:]"
)

_UNFINISHED = re.compile(r"[\w，、：；,:;（(“‘《「]$")


def role_label(messages: Messages) -> str | None:
    """A turn in which somebody else begins to speak, anywhere: 我睡不着用户：…; prose says 用户说：…."""
    return "role_label" if any(_SPEAKER.search(turn["content"]) for turn in messages) else None


def turn_too_long(messages: Messages) -> str | None:
    return "turn_too_long" if any(len(turn["content"]) > LONGEST for turn in messages) else None


def copied_question(question: str) -> Rule:
    """A rule on a user who says a question of 60 letters in one turn: more than four fifths of its 8-grams."""
    source = letters(question)
    grams = _grams(source)

    def copies(messages: Messages) -> str | None:
        if len(source) < _COPIED:
            return None
        long = [turn["content"] for turn in messages[::2] if len(turn["content"]) >= _COPIED_SHARE * len(source)]
        copied = any(len(grams & _grams(letters(text))) > _COPIED_SHARE * len(grams) for text in long)
        return "copied_question" if copied else None

    return copies


def _grams(text: str) -> set[str]:
    return {text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1)}


def echoed_turn(messages: Messages) -> str | None:
    """A turn that holds the whole of the one before it."""
    said = ""
    for turn in messages:
        before, said = said, letters(turn["content"])
        if len(before) >= _ECHO and before in said:
            return "echoed_turn"
    return None


def wrong_language(chinese: bool) -> Rule:
    """A rule on conversations with a turn in another language than Chinese, or than one in Latin letters."""

    def foreign(messages: Messages) -> str | None:
        for turn in messages:
            text = turn["content"]
            if _NO_HAN.search(text) and _OTHER_SCRIPT.search(text):
                return "wrong_language"
            if not chinese:
                if len(_HAN.findall(text)) >= 3:
                    return "wrong_language"
            elif len(latin := _LATIN.findall(text)) >= _FOREIGN and len(latin) >= len(_HAN.findall(text)):
                return "wrong_language"
        return None

    return foreign


def is_chinese(text: str) -> bool:
    """Whether Chinese characters outnumber Latin words of four letters."""
    return 4 * len(_HAN.findall(text)) >= len(_LATIN.findall(text))


def cut_off(messages: Messages) -> str | None:
    """A last turn that ends without a mark, where nearly all turns of the counsellor end with one."""
    *before, last = [bool(_UNFINISHED.search(turn["content"])) for turn in messages[1::2]]
    return "cut_off" if last and sum(before) <= 0.1 * len(before) else None
