"""Whether what a model wrote is a conversation for the corpus, and why not; pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dataset_builder.cleaning import residue, shape, text
from dataset_builder.records import Messages
from dataset_builder.rewriting import checks, facts
from dataset_builder.rewriting.transcripts import parse


@dataclass(frozen=True, slots=True)
class Verdict:
    """`messages` where accepted, else one `reason` in a word."""

    accepted: bool
    reason: str | None
    messages: Messages | None


def validate(
    transcript: str, *, question: str | None = None, answer: str | None = None, rounds: tuple[int, int] = (8, 20)
) -> Verdict:
    """The conversation in `transcript`, without markdown and stage directions, or the reason why there is none.

    `question` and `answer` are the single turn that it was rewritten from: without them, what it copied or lost is not
    looked for. `rounds` are bounds, both included. Never raises.
    """
    turns = parse(transcript)
    if not turns:
        return Verdict(False, _without_turns(transcript), None)
    if any(not turn["content"] for turn in turns):
        return Verdict(False, "empty_turn", None)
    shaped = shape.shape(turns, merge=False, trim=False)
    if isinstance(shaped, str):
        return Verdict(False, shaped, None)
    messages = shaped.messages
    for repair in residue.REPAIRS.values():
        messages = repair(messages)
    searched = _SEARCHED(messages)
    reason = next((found for rule in _rules(searched, question, answer, rounds) if (found := rule(searched))), None)
    return Verdict(reason is None, reason, None if reason else messages)


def _without_turns(transcript: str) -> str:
    said: Messages = [{"role": "user", "content": ""}, {"role": "assistant", "content": transcript.strip()}]
    return residue.RULES["refusal"](said) or "no_transcript"


def _rules(
    messages: Messages, question: str | None, answer: str | None, rounds: tuple[int, int]
) -> Iterator[shape.Rule]:
    """In the order in which they are asked: the first reason is the one that is given."""
    yield shape.empty_turn
    yield from _RESIDUE
    if question:
        yield checks.unknown_placeholder(question + (answer or ""))
    yield checks.role_label
    if answer:
        yield residue.copied_answer(answer)
    if question:
        yield checks.copied_question(question)
    yield _LISTS
    yield checks.cut_off
    yield shape.degenerate_turn
    yield shape.repeated_turns
    yield shape.one_sided
    yield checks.echoed_turn
    chinese = checks.is_chinese(question or "".join(turn["content"] for turn in messages))
    yield checks.wrong_language(chinese)
    yield checks.turn_too_long(chinese)
    yield shape.rounds(*rounds)
    if question:
        yield _of(question, facts.facts_lost)
        yield _of(question, facts.facts_changed)


def _of(question: str, rule: Callable[[str, Messages], str | None]) -> shape.Rule:
    return lambda messages: rule(question, messages)


_SEARCHED = text.each_turn(text.half_width_punctuation)
"""What the rules look at. The messages that are given back keep their writing: the build repairs text."""
_LISTS = residue.list_style(share=0.0, least=1)
_RESIDUE = (*text.RULES.values(), *residue.RULES.values())
