"""Whether a transcript is the conversation that was asked for: tolerant of layout, strict about the rest."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from dataset_builder.cleaning import residue, shape, text
from dataset_builder.records import Messages
from dataset_builder.rewriting.transcripts import parse

ROUNDS = (8, 20)
"""The paper's requirement 3."""
LONGEST = 300  # characters of a turn; requirement 4 says not too long, and 95 % of the sample's are below 90
SHORTEST = 2  # letters of a counsellor's turn on average over a conversation
FACTS = 0.12
"""The share of a question's content words that its conversation must hold. Of the sample's 144 pairs the lowest has
0.13; of a question and another's conversation half have 0.05 and 95 % less than this."""
FEW_WORDS = 8  # content words below which their share says nothing

_REFUSAL = re.compile(r"(?:抱歉|对不起|遗憾)[^。]{0,20}(?:无法|不能|不便|不会)|(?:I'm sorry|I can(?:no|')t|unable to)")
# A label anywhere: people quote others, but a model that writes 心理咨询师： within a turn has lost whose turn it is.
_ANY_LABEL = re.compile(
    r"(?:用户|求助者|来访者|支持者|咨询师|心理咨询师|User|Counsell?or|Psychologist|Client)\s?[：:]"
)
_WORD = re.compile(r"[\u4e00-\u9fff]{2,}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`messages` are there wherever turns were found, `reason` where they were refused."""

    accepted: bool
    reason: str | None
    messages: Messages | None


def validate(
    transcript: str, *, question: str | None = None, answer: str | None = None, rounds: tuple[int, int] = ROUNDS
) -> Verdict:
    """The conversation in `transcript`, or why it is refused: the first reason that is found.

    With the `question`, its facts must be kept; with the `answer`, no turn may copy it.
    """
    turns = parse(transcript)
    if not turns:
        return Verdict(False, _without_turns(transcript), None)
    shaped = shape.shape(turns, merge=False, trim=False)
    if isinstance(shaped, str):
        return Verdict(False, shaped, turns)
    messages = _mended(shaped.messages)
    reason = next((found for rule in _rules(question, answer, rounds) if (found := rule(messages))), None)
    return Verdict(reason is None, reason, messages)


def _without_turns(transcript: str) -> str:
    """A refusal has no turns either, and is told so."""
    return "refusal" if _REFUSAL.search(transcript[:200]) else "no_transcript"


def _mended(messages: Messages) -> Messages:
    """Repairs that change no meaning: how the marks of a sentence are written, a model's markdown, its own label."""
    for repair in (*text.REPAIRS.values(), *residue.REPAIRS.values()):
        messages = repair(messages)
    return messages


def _rules(
    question: str | None, answer: str | None, rounds: tuple[int, int]
) -> Iterator[Callable[[Messages], str | None]]:
    yield shape.empty_turn
    yield _label_inside
    yield from (rule for name, rule in residue.RULES.items() if name not in ("analysis_preamble", "list_style"))
    yield shape.rounds(*rounds)
    yield _too_long
    yield residue.list_style(0.0)
    yield from shape.RULES.values()
    yield _opens_alike
    if answer:
        yield residue.copied_answer(answer)
    if question:
        yield _facts(question)


def _label_inside(messages: Messages) -> str | None:
    return "role_label" if any(_ANY_LABEL.search(message["content"]) for message in messages) else None


def _too_long(messages: Messages) -> str | None:
    return "turn_too_long" if any(len(message["content"]) > LONGEST for message in messages) else None


def _opens_alike(messages: Messages) -> str | None:
    """More than half of the counsellor's turns begin with the same four characters: a template."""
    openers = [message["content"][:4] for message in messages if message["role"] == "assistant"]
    return "template_opening" if 2 * max(map(openers.count, openers)) > len(openers) > 2 else None


def _facts(question: str) -> Callable[[Messages], str | None]:
    wanted = content_words(question)

    def rule(messages: Messages) -> str | None:
        if len(wanted) < FEW_WORDS:
            return None
        said = "\n".join(message["content"] for message in messages)
        return "facts_lost" if sum(word in said for word in wanted) / len(wanted) < FACTS else None

    return rule


@cache
def content_words(question: str) -> frozenset[str]:
    """The Chinese words of two characters and more in a question that are no stop words."""
    import rjieba

    from dataset_builder.word_cloud import stop_words

    return frozenset(word for word in rjieba.cut(question) if _WORD.fullmatch(word) and word not in stop_words())
