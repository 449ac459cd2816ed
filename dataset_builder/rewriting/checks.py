"""Rules that a rewritten conversation must keep and one found elsewhere need not: `messages -> None | reason`."""

import re

from dataset_builder.cleaning.shape import Messages, Rule, letters
from safety.found import PLACEHOLDERS

LONGEST = 300
"""Characters of a Chinese turn; the prompts ask for short ones. Of SMILECHAT's counsellor turns 1 in 40 is longer."""
LONGEST_LATIN = 900
"""Characters of a turn in Latin letters: 175 words. A word takes 5, and stands for 1.7 Chinese characters."""

_COPIED = 60  # letters of a question that may not be said in one turn; a shorter one is an opening
_GRAM = 8
_COPIED_SHARE = 0.8
_ECHO = 12  # letters of a turn that the next may not repeat whole

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"(?<![A-Za-z\d])[A-Za-z][A-Za-z'’]*")  # not the mg of 25mg
_FOREIGN = 20  # Latin letters of a turn in another language, and
_FOREIGN_WORDS = 5  # so many words: three names of medicines are no English
# A sentence in a Chinese turn, in no quotation marks: of the 5 that counsellors say in 14,950 public conversations, 4
# are of a model that forgot its language.
_SENTENCE = re.compile(r"(?<![A-Za-z'’])(?:[A-Za-z'’]+,? ){5,40}[A-Za-z'’]+[.?!]")
_QUOTED = re.compile(r"“[^”]{0,300}”|\"[^\"]{0,300}\"|《[^》]{0,300}》|「[^」]{0,300}」")
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


def turn_too_long(chinese: bool) -> Rule:
    """A rule on conversations in Chinese, or in Latin letters, which take three times as many."""
    longest = LONGEST if chinese else LONGEST_LATIN

    def too_long(messages: Messages) -> str | None:
        return "turn_too_long" if any(len(turn["content"]) > longest for turn in messages) else None

    return too_long


def unknown_placeholder(single_turn: str) -> Rule:
    """A rule on conversations with a placeholder of ours ([姓名], [学校]) that `single_turn` has not.

    Where personal data was replaced in it, they are what is known; elsewhere a model wrote them.
    """
    unknown = [each for each in PLACEHOLDERS.values() if each not in single_turn]

    def left(messages: Messages) -> str | None:
        return "placeholder" if any(each in turn["content"] for turn in messages for each in unknown) else None

    return left


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
    """A rule on conversations with a turn in another language than Chinese, or than one in Latin letters.

    Words of the other in a turn, and a sentence that is quoted, are none.
    """

    def foreign(messages: Messages) -> str | None:
        for turn in messages:
            text = turn["content"]
            if _NO_HAN.search(text) and _OTHER_SCRIPT.search(text):
                return "wrong_language"
            if _HAN.search(unquoted := _QUOTED.sub("", text)):
                text = unquoted
            if not chinese:
                if len(_HAN.findall(text)) >= 3 and is_chinese(text):
                    return "wrong_language"
            elif _is_english(text) or (turn["role"] == "assistant" and _SENTENCE.search(text)):
                return "wrong_language"
        return None

    return foreign


def is_chinese(text: str) -> bool:
    """Whether Chinese characters outnumber Latin words of four letters."""
    return 4 * len(_HAN.findall(text)) >= len(_LATIN.findall(text))


def _is_english(text: str) -> bool:
    long = len(_LATIN.findall(text)) >= _FOREIGN
    return long and not is_chinese(text) and len(_WORD.findall(text)) >= _FOREIGN_WORDS


def cut_off(messages: Messages) -> str | None:
    """A last turn that ends without a mark, where nearly all turns of the counsellor end with one."""
    *before, last = [bool(_UNFINISHED.search(turn["content"])) for turn in messages[1::2]]
    return "cut_off" if last and sum(before) <= 0.1 * len(before) else None
