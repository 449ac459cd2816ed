"""What a model wrote, as turns: whatever it put around them, however it marked who speaks."""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from dataset_builder.cleaning.shape import ROLES
from dataset_builder.records import Messages
from dataset_builder.rewriting.furniture import tables_as_lines, without_furniture, without_notes, without_thinking

# Words that stand for a speaker wherever they open a line with a colon behind them.
_SURE = {
    **dict.fromkeys(("用户", "来访者", "求助者", "咨询者", "求询者", "倾诉者", "当事人", "用戶", "來訪者"), "user"),
    **dict.fromkeys(("user", "client", "seeker", "visitor", "help-seeker", "help seeker", "helpseeker"), "user"),
    **dict.fromkeys(
        ("心理咨询师", "咨询师", "支持者", "倾听者", "助人者", "心理治疗师", "治疗师", "心理师"), "assistant"
    ),
    **dict.fromkeys(("assistant", "counselor", "counsellor", "therapist", "psychologist", "supporter"), "assistant"),
    **dict.fromkeys(("心理咨詢師", "心理諮詢師", "咨詢師", "諮詢師", "心理諮商師", "諮商師"), "assistant"),
    **dict.fromkeys(("consultant", "psychological counselor", "psychological counsellor"), "assistant"),
}
# People quote others (医生：你要多休息): these are speakers only where a transcript has no surer word for that role.
_UNSURE = {word: role for word, role in ROLES.items() if role != "system" and len(word) > 1 and word not in _SURE} | {
    "学生": "user", "提问者": "user", "helper": "user", "心理老师": "assistant", "老师": "assistant",
    "回答者": "assistant", "ai助手": "assistant", "ai": "assistant", "coach": "assistant",
}  # fmt: skip
_ROLES = _SURE | _UNSURE

_SPACE = "[ \\t\\u3000\\xa0]"
_MARKS = r"[>#*_•·–\u200d\u2600-\u27bf\ufe0f\U0001f300-\U0001faff-]"  # of markdown, and emoji
_NUMBER = (
    rf"(?:[【\[（(]?第{_SPACE}?[\d一二三四五六七八九十]{{1,3}}{_SPACE}?(?:轮|回合)(?:对话)?{_SPACE}?[】\])）：:、.．-]{{0,2}}|"
    rf"(?:Round|Turn){_SPACE}?\d{{1,2}}{_SPACE}?[：:.-]?|\d{{1,2}}{_SPACE}?[.、．)）：:]|[（(\[]\d{{1,2}}[)）\]]|[①-⑳])"
)
_NAME = r"(?:[A-Z0-9]{1,2}|[小阿老][\u4e00-\u9fff]|[\u4e00-\u9fff]{1,2}(?:女士|先生|老师|同学|某))"
# Not the headings of an analysis: 用户（需求）：
_ASIDE = r"[（(【\[](?![^）)】\]\n]{0,12}(?:需求|分析|技巧|问题|特点|回应|策略))[^（）()【】\[\]\n：:]{1,12}[)）】\]]"


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_LINE = re.compile(
    rf"^(?P<lead>(?:{_SPACE}|{_MARKS}|\+ )*+(?:{_NUMBER}(?:{_SPACE}|[*_])*+)?)(?:(?<=[*_])(?P<marked>))?"
    rf"(?:[\u4e00-\u9fffA-Za-z·]{{1,8}}{_SPACE}?(?P<named>[（(]))?"
    rf"(?P<open>[【\[「『“\"<《（(])?(?P<word>{_any(_ROLES)})(?:{_SPACE}?{_NAME})?(?(named)[)）])(?:{_SPACE}?{_ASIDE})?"
    rf"(?P<close>[】\]」』”\">》)）])?{_SPACE}*+(?P<emphasis>[*_]{{0,3}})"
    rf"(?:{_SPACE}*+(?:(?P<colon>[：:])(?(marked)[*_]{{0,3}})|(?P<alone>(?=\n|$)))|(?P<space>{_SPACE}))?{_SPACE}*+",
    re.MULTILINE | re.IGNORECASE,
)

# A line that says: here it begins. It may come after turns: of an analysis, or of the single turn that it repeats.
_BEGINS = re.compile(
    r"^(?=[^\n]{1,60}$)(?![^\n]*(?:第[\d一二三四五六七八九十]{1,3}(?:轮|回合)|Round \d))"
    r"[^\n]*?(?:改写|重写|多轮|rewrit|multi)[^\n]*?(?:结果|如下|版本|对话|result|dialogue|conversation|version)"
    r"[^\n。！？]{0,12}$",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Label:
    start: int
    end: int
    word: str

    @property
    def role(self) -> str:
        return _ROLES[self.word]


def parse(transcript: str) -> Messages:
    """The turns of `transcript` in order, as user or assistant, stripped; empty where nobody is said to speak.

    Turns are as they were written: none is merged, dropped or reworded, so that a rule can find what is wrong. What
    stands before the first and behind the last (analysis, remarks, thoughts), between turns (numbers, rules, headings)
    and around labels is left out.
    """
    text = tables_as_lines(without_thinking(transcript.replace("\r\n", "\n")), role_of)
    labels = _from_beginning(text, _labels(text))
    turns = []
    for label, following in itertools.zip_longest(labels, labels[1:]):
        said = text[label.end : following.start if following else len(text)]
        content = without_furniture(said) if following else without_notes(said)
        turns.append({"role": label.role, "content": content})
    return turns


def render(messages: Iterable[dict[str, str]], labels: tuple[str, str] = ("用户：", "心理咨询师：")) -> str:
    """`messages` as the transcript that the prompts ask for; `parse` gives them back."""
    user, counsellor = labels
    return "\n".join((user if turn["role"] == "user" else counsellor) + turn["content"] for turn in messages)


def role_of(word: str) -> str | None:
    """`user` or `assistant`, where `word`, with marks around it or not, names a speaker."""
    return _ROLES.get(re.sub(r"[\s*_【】\[\]：:]", "", word).lower())


def _labels(text: str) -> list[_Label]:
    """Every place where somebody begins to speak, in order."""
    at_line = [label for match in _LINE.finditer(text) if (label := _label(match))]
    sure = {label.role for label in at_line if label.word in _SURE}
    kept = [label for label in at_line if label.word in _SURE or label.role not in sure]
    roles = {label.role for label in kept}
    words = {label.word for label in kept} | {word for word, role in _SURE.items() if role not in roles}
    for match in _inside(frozenset(words)).finditer(text):
        kept.append(_Label(match.start(), match.end(), match["word"].lower()))
    return _apart(sorted(kept, key=lambda label: (label.start, -label.end)))


def _label(match: re.Match[str]) -> _Label | None:
    bracketed = match["open"] in ("【", "[") and match["close"] is not None
    emphasised = match["marked"] is not None and match["emphasis"] and match["space"] is not None
    if not (match["colon"] or match["alone"] is not None or bracketed or emphasised):
        return None
    end = match.end()
    if "**" in match["lead"] and match["marked"] is None and match.string.startswith("**", end):
        end += 2  # **1. 用户：** …
    return _Label(match.start(), end, match["word"].lower())


@cache
def _inside(words: frozenset[str]) -> re.Pattern[str]:
    """A label in the middle of a line: one that the transcript uses, behind the end of a sentence or a colon."""
    return re.compile(
        rf"(?<=[。！？…”’」）)!?.~～：:;；\s|])(?P<marked>[*_]{{1,3}})?[【\[]?(?P<word>{_any(words)})(?:{_ASIDE})?[】\]]?"
        rf"[*_]{{0,3}}{_SPACE}?[：:](?(marked)[*_]{{0,3}}){_SPACE}*+",
        re.IGNORECASE,
    )


def _apart(labels: list[_Label]) -> list[_Label]:
    """Without those that begin inside another."""
    kept: list[_Label] = []
    for label in labels:
        if not kept or label.start >= kept[-1].end:
            kept.append(label)
    return kept


def _from_beginning(text: str, labels: list[_Label]) -> list[_Label]:
    """The labels behind the last line that announces the rewriting, where most labels are."""
    for match in reversed(list(_BEGINS.finditer(text))):
        behind = [label for label in labels if label.start >= match.start()]
        if 2 * len(behind) > len(labels):
            return behind
    return labels
