"""Whose turn it is: what a reader yields, as messages that alternate and open with the user; or why it cannot be."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Messages = list[dict[str, str]]
Repair = Callable[[Messages], Messages]
Rule = Callable[[Messages], str | None]

_USER = (
    "user", "human", "client", "seeker", "help_seeker", "helpseeker", "speaker", "patient", "usr",
    "用户", "求助者", "来访者", "咨询者", "求询者", "倾诉者", "当事人", "病人", "患者", "孩子", "问",
)  # fmt: skip
_COUNSELLOR = (
    "assistant", "gpt", "chatgpt", "bot", "model", "counselor", "counsellor", "supporter", "listener", "therapist",
    "psychologist", "doctor", "心理咨询师", "咨询师", "支持者", "倾听者", "助人者", "医生", "心理医生", "心理专家",
    "智能助手", "助手", "答",
)  # fmt: skip
_SYSTEM = ("system", "developer", "系统")

ROLES = {**dict.fromkeys(_USER, "user"), **dict.fromkeys(_COUNSELLOR, "assistant"), **dict.fromkeys(_SYSTEM, "system")}
"""Role names of upstream corpora, lower case, to the record's two, and to `system`, which the record has no place for.

`listener` answers in EmpatheticDialogues and 医生 in BianQue and EmoLLM, 孩子 asks in QiaoBan.
"""

INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff]"
)
"""A character that shows nothing: controls but line breaks and tabs, zero width, direction marks, private use."""
_VISIBLE = re.compile(rf"[^\s\ufe00-\ufe0f{INVISIBLE.pattern[1:]}")
_NOT_LETTERS = re.compile(r"[\W_]+")

# 啊啊啊, 哈哈哈 and 呜呜呜 are speech, and go on for longer than one thinks; a loop of a model goes on for ever.
_ONE_CHARACTER = re.compile(r"([^\W_])\1{29}")
_SHORT_PATTERN = re.compile(r"(?![\W_])(?!(.)\1{3})(.{2,20}?)\2{7}", re.DOTALL)
_SENTENCE_END = re.compile(r"[。！？!?\n]+")
_LOOPED_SENTENCE = 4  # times that one turn says one sentence
_SENTENCE_LETTERS = 6  # shorter ones (我好累) are repeated by people

_TURN_LETTERS = 10  # shorter ones (嗯，我在听) come back in any conversation
_LOOPED_TURN = 3  # times that one speaker says one turn

_SAYS_NOTHING = 2  # letters
_CONVERSATION = 3  # rounds


@dataclass(frozen=True, slots=True)
class Shaped:
    """Messages that alternate, user first, counsellor last, none empty; and the names of the repairs they took."""

    messages: Messages
    repairs: tuple[str, ...] = ()


def shape(raw: Any, *, merge: bool = True, trim: bool = True) -> Shaped | str:
    """`raw`, any JSON value, with our roles, stripped and mended; or the reason for which it is no conversation.

    `dropped_system`: system turns. `dropped_empty`: turns without a visible character, where nothing that somebody
    answered can have stood there (at either end, beside a turn of the same speaker, both turns of a round); an empty
    turn between two of the other speaker is a lost one, `empty_turn`. `trimmed_start`: counsellor turns before the
    first user turn. `merged_turns`: consecutive turns of one speaker, joined by a line break. `trimmed_end`: user
    turns that nobody answers. A user turn that was never answered at all is `no_counsellor_turn`.
    """
    turns = _turns(raw)
    if isinstance(turns, str):
        return turns
    repairs: list[str] = []
    turns = _without_system(turns, repairs)
    kept = _without_empty(turns, repairs)
    if isinstance(kept, str):
        return kept
    roles = {message["role"] for message in kept}
    if "assistant" not in roles:
        return "no_counsellor_turn"
    if "user" not in roles:
        return "no_user_turn"
    reason = _unmended(kept, merge=merge, trim=trim)
    if reason:
        return reason
    kept = _from_first_user(kept, repairs)
    kept = _merged(kept, repairs)
    kept = _to_last_counsellor(kept, repairs)
    return Shaped(kept, tuple(repairs)) if kept else "no_counsellor_turn"


def _turns(raw: Any) -> Messages | str:
    """Turns with our roles and stripped contents; a content that is no string is an empty one."""
    if not isinstance(raw, list) or not all(isinstance(turn, Mapping) for turn in raw):
        return "no_messages"
    turns = []
    for turn in raw:
        role = ROLES.get(str(turn.get("role")).strip().lower())
        if role is None:
            return "unknown_role"
        content = turn.get("content")
        turns.append({"role": role, "content": content.strip() if isinstance(content, str) else ""})
    return turns


def _without_system(turns: Messages, repairs: list[str]) -> Messages:
    kept = [turn for turn in turns if turn["role"] != "system"]
    if len(kept) < len(turns):
        repairs.append("dropped_system")
    return kept


def _without_empty(turns: Messages, repairs: list[str]) -> Messages | str:
    kept: Messages = []
    silent: set[str] = set()  # who says nothing between the last turn kept and this one
    for turn in turns:
        if not _VISIBLE.search(turn["content"]):
            silent.add(turn["role"])
            continue
        if kept and kept[-1]["role"] == turn["role"] and silent - {turn["role"]}:
            return "empty_turn"
        kept.append(turn)
        silent.clear()
    if not kept and turns:
        return "empty_turn"
    if len(kept) < len(turns):
        repairs.append("dropped_empty")
    return kept


def _unmended(turns: Messages, *, merge: bool, trim: bool) -> str | None:
    """The reason for which turns that may not be mended are no conversation."""
    if not trim and turns[0]["role"] != "user":
        return "starts_with_counsellor"
    if not merge and any(a["role"] == b["role"] for a, b in itertools.pairwise(turns)):
        return "not_alternating"
    if not trim and turns[-1]["role"] != "assistant":
        return "ends_with_user"
    return None


def _from_first_user(turns: Messages, repairs: list[str]) -> Messages:
    kept = list(itertools.dropwhile(lambda turn: turn["role"] != "user", turns))
    if len(kept) < len(turns):
        repairs.append("trimmed_start")
    return kept


def _merged(turns: Messages, repairs: list[str]) -> Messages:
    groups = itertools.groupby(turns, lambda turn: turn["role"])
    merged = [{"role": role, "content": "\n".join(turn["content"] for turn in group)} for role, group in groups]
    if len(merged) < len(turns):
        repairs.append("merged_turns")
    return merged


def _to_last_counsellor(turns: Messages, repairs: list[str]) -> Messages:
    if turns and turns[-1]["role"] == "user":
        repairs.append("trimmed_end")
        return turns[:-1]
    return turns


def letters(text: str) -> str:
    """`text` without punctuation, space and symbols."""
    return _NOT_LETTERS.sub("", text)


def rounds(minimum: int = 1, maximum: int | None = None) -> Rule:
    """A rule on the number of rounds, a user turn and the answer; both bounds included."""

    def too_few_or_many(messages: Messages) -> str | None:
        count = len(messages) // 2
        if count < minimum:
            return "too_few_rounds"
        return "too_many_rounds" if maximum is not None and count > maximum else None

    return too_few_or_many


def turn_lengths(longest: int) -> Rule:
    """A rule on the characters of every turn but the opening one, which is the single-turn question in its length."""

    def too_long(messages: Messages) -> str | None:
        return "turn_too_long" if any(len(turn["content"]) > longest for turn in messages[1:]) else None

    return too_long


def empty_turn(messages: Messages) -> str | None:
    """For after the repairs: a turn of which they left nothing."""
    return None if all(_VISIBLE.search(turn["content"]) for turn in messages) else "empty_turn"


def one_sided(messages: Messages) -> str | None:
    """A speaker who says next to nothing, or one thing again and again, over three rounds and more."""
    if len(messages) < 2 * _CONVERSATION:
        return None
    for first in (0, 1):
        opening, reply = (letters(turn["content"]) for turn in messages[first : first + 3 : 2])
        if len(reply) > _SAYS_NOTHING and reply != opening:
            continue  # the usual case, settled by two turns
        said = [letters(turn["content"]) for turn in messages[first::2]]
        if all(len(content) <= _SAYS_NOTHING for content in said) or len(set(said)) == 1:
            return "one_sided"
    return None


def degenerate_turn(messages: Messages) -> str | None:
    """A turn caught in a loop: a character, a short pattern or a sentence, beyond what people repeat."""
    return "degenerate_turn" if any(_loops(turn["content"]) for turn in messages) else None


def _loops(text: str) -> bool:
    # A loop of a pattern leaves few distinct characters for its length; prose of 200 characters has 100 and more.
    if len(text) >= 30 and _ONE_CHARACTER.search(text):
        return True
    if len(text) < 2 * 8:
        return False
    if len(set(text)) * 3 < len(text) and _SHORT_PATTERN.search(text):
        return True
    sentences = Counter(sentence for sentence in _SENTENCE_END.split(text) if len(sentence) >= _SENTENCE_LETTERS)
    return max(sentences.values(), default=0) >= _LOOPED_SENTENCE


def repeated_turns(messages: Messages) -> str | None:
    """A conversation in a loop: a turn said three times by one speaker, or every counsellor turn said twice.

    0.8 % of CPsyCounD: its writer went round in circles until its tokens ran out.
    """
    for first in (0, 1):
        said = Counter(turn["content"] for turn in messages[first::2])
        if said.total() == len(said):
            continue  # the usual case, at no cost
        said = Counter({content: count for content, count in said.items() if len(letters(content)) >= _TURN_LETTERS})
        if max(said.values(), default=0) >= _LOOPED_TURN or (len(said) > 1 and len(said) * 2 <= said.total()):
            return "repeated_turns"
    return None


REPAIRS: Mapping[str, Repair] = {}
"""None: the repairs of the shape come with `shape`."""
RULES: Mapping[str, Rule] = {
    "empty_turn": empty_turn,
    "one_sided": one_sided,
    "degenerate_turn": degenerate_turn,
    "repeated_turns": repeated_turns,
}
