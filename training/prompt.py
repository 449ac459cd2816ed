"""The one prompt: how a conversation becomes the text that SoulChat reads, and back.

The layout is the paper's (section 2.2, and figure 7 for the full-width colon):

    用户：…
    心理咨询师：…<eos>
    用户：…
    心理咨询师：

Training, evaluation and the Space all format through this module. It uses the standard library only, and the Jinja
`CHAT_TEMPLATE` stored in the published tokenizer renders the same string, character for character.

Our one departure from the paper's string is the `eos` after every counsellor turn: without it a plain `generate` goes
on to write the user's next turn.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict

USER_LABEL = "用户："
COUNSELLOR_LABEL = "心理咨询师："
CUE = COUNSELLOR_LABEL
"""What a prompt ends with, so that the model's next token is the counsellor's first."""

STOP_STRINGS = ("\n" + USER_LABEL, "\n" + COUNSELLOR_LABEL)
"""A reply is over where one of these begins, for models that were not trained to end their turns."""

CUT_MARK = "…"
"""Stands where the start of an over-long newest turn was cut, and for an end-of-turn token that somebody typed."""

# What a person typed must never read as a turn's beginning. Quoting keeps their meaning and their words; the quote
# also makes a second pass find nothing. The half-width colon is quoted too: no parser of ours takes it for a label,
# but a language model may.
_FORGED_LABELS = tuple((name + colon, f"“{name}”{colon}") for name in ("心理咨询师", "用户") for colon in ("：", ":"))

_TURN = re.compile(r"(?:\A|\n)(用户|心理咨询师)：")
_ROLES = ("user", "assistant")


class Message(TypedDict):
    role: str
    content: str


class PromptError(ValueError):
    """A conversation that cannot be formatted, or a text that is no conversation."""


class RoundTooLong(PromptError):
    """The newest round alone does not fit the window, and cutting it would cut the counsellor's reply."""


class Segment(NamedTuple):
    """A stretch of the prompt that is tokenised on its own: no token crosses the cue or the end of a turn."""

    text: str
    supervised: bool
    """Whether the loss counts it: a counsellor's words and the `eos` that ends them."""


def neutralise(content: str, *, eos: str = "") -> str:
    """`content` stripped, with role labels quoted and `eos` replaced, so that nothing typed can forge a turn.

    Idempotent, and made of `replace` and `strip` alone, so that `CHAT_TEMPLATE` does exactly the same.
    """
    if eos:
        content = content.replace(eos, CUT_MARK)
    for label, quoted in _FORGED_LABELS:
        content = content.replace(label, quoted)
    return content.strip()


def rounds(messages: Sequence[Message], *, eos: str = "", cue: bool = False) -> list[list[Segment]]:
    """The prompt's segments, one list a round (a user turn and the reply to it); joined, they are the prompt.

    Raises:
        PromptError: unless roles alternate between user and assistant, the user first; or with `cue`, where the
            newest turn is not the user's.
    """
    _check(messages, cue=cue)
    result: list[list[Segment]] = []
    for index, message in enumerate(messages):
        content = neutralise(message["content"], eos=eos)
        newest = index == len(messages) - 1
        if message["role"] == "user":
            answered = cue or not newest
            result.append([Segment(USER_LABEL + content + ("\n" + CUE if answered else ""), False)])
        else:
            result[-1].append(Segment(content + eos, True))
            if not newest:
                result[-1].append(Segment("\n", False))
    return result


def format_prompt(messages: Sequence[Message], *, eos: str = "", cue: bool = False) -> str:
    """The conversation as the model reads it; with `cue`, ready for the counsellor's next reply.

    Raises:
        PromptError: as `rounds` does.
    """
    return "".join(segment.text for turns in rounds(messages, eos=eos, cue=cue) for segment in turns)


def parse(text: str, *, eos: str = "") -> list[Message]:
    """The conversation that `text` formats: the inverse of `format_prompt` for non-empty turns.

    A cue at the end, with nothing after it, is no turn.

    Raises:
        PromptError: where `text` does not start with a user turn, or roles do not alternate.
    """
    before, *turns = _TURN.split(text)
    if before or not turns:
        raise PromptError(f"a conversation starts with {USER_LABEL!r}, this text with {text[:20]!r}")
    names, contents = turns[::2], turns[1::2]
    if names[-1] + "：" == CUE and contents[-1] == "":
        names, contents = names[:-1], contents[:-1]
    messages: list[Message] = [
        {"role": "user", "content": content}
        if name + "：" == USER_LABEL
        else {"role": "assistant", "content": content.removesuffix(eos)}
        for name, content in zip(names, contents, strict=True)
    ]
    _check(messages)
    return messages


def first_round_kept(lengths: Sequence[int], limit: int) -> int:
    """The index of the oldest round that still fits when whole oldest rounds are dropped; the newest always stays."""
    kept, total = len(lengths) - 1, lengths[-1]
    while kept > 0 and total + lengths[kept - 1] <= limit:
        kept -= 1
        total += lengths[kept]
    return kept


def truncate(messages: Sequence[Message], limit: int, count: Callable[[str], int], *, eos: str = "") -> list[Message]:
    """Drop whole oldest rounds until the prompt fits in `limit` tokens; the newest turn and the cue always stay.

    `count` gives the tokens of one segment. A newest user turn longer than the window loses its start, which
    `CUT_MARK` then stands for.

    Raises:
        RoundTooLong: where the conversation ends with the counsellor and the newest round alone exceeds `limit`:
            a training row that is to be dropped, with this as its reason.
        PromptError: as `rounds` does; or where `limit` does not even hold the labels and the cue.
    """
    asked = bool(messages) and messages[-1]["role"] == "user"
    lengths = [sum(count(s.text) for s in turns) for turns in rounds(messages, eos=eos, cue=asked)]
    kept = list(messages[2 * first_round_kept(lengths, limit) :])
    if lengths[-1] <= limit:
        return kept
    if not asked:
        raise RoundTooLong(f"the newest round has {lengths[-1]} tokens, the window {limit}")
    return [{"role": "user", "content": _cut_start(kept[-1]["content"], limit, count, eos=eos)}]


def reply_so_far(text: str, *, finished: bool = True) -> str:
    """What of a model's raw output is its reply: all before a stop string; nothing that may yet become one.

    While the output is not `finished`, an ending that could be the beginning of a stop string is held back, so that
    a reader of the stream never sees half a label.
    """
    ends = [at for stop in STOP_STRINGS if (at := text.find(stop)) >= 0]
    if ends:
        return text[: min(ends)].strip()
    held = 0
    if not finished:
        held = max(n for stop in STOP_STRINGS for n in range(len(stop)) if text.endswith(stop[:n]))
    return text[: len(text) - held].strip()


def _check(messages: Sequence[Message], *, cue: bool = False) -> None:
    if not messages:
        raise PromptError("the conversation is empty; it starts with a message of role 'user'")
    for index, message in enumerate(messages):
        role, expected = message["role"], _ROLES[index % 2]
        if role not in _ROLES:
            raise PromptError(f"message {index} has role {role!r}; only 'user' and 'assistant' can be formatted")
        if role != expected:
            raise PromptError(f"message {index} has role {role!r}, not {expected!r}: turns alternate, the user first")
    if cue and messages[-1]["role"] != "user":
        raise PromptError("the counsellor spoke last; a reply can only be asked for after a message of role 'user'")


def _cut_start(content: str, limit: int, count: Callable[[str], int], *, eos: str) -> str:
    """The longest end of `content`, marked, whose round fits in `limit` tokens."""
    content = neutralise(content, eos=eos)

    def fits(start: int) -> bool:
        cut: list[Message] = [{"role": "user", "content": CUT_MARK + content[start:]}]
        return sum(count(segment.text) for segment in rounds(cut, eos=eos, cue=True)[0]) <= limit

    low, high = 1, len(content)  # fits(low - 1) is false; the answer, if any, is the smallest start that fits
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    while low < len(content) and not fits(low):  # token counts of substrings are only nearly monotonic
        low += 1
    if not fits(low):
        raise PromptError(f"a window of {limit} tokens does not hold the labels and the cue; raise it")
    return CUT_MARK + content[low:]


def _jinja_string(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _chat_template() -> str:
    """The formatter above as Jinja, statement for statement. Blocks trim their white space: none leaks out."""
    quote = "".join(
        f"{{%- set content = content | replace({_jinja_string(a)}, {_jinja_string(b)}) -%}}" for a, b in _FORGED_LABELS
    )
    return (
        "{%- set eos = eos_token | default('', true) -%}"
        "{%- if not messages -%}{{ raise_exception('the conversation is empty') }}{%- endif -%}"
        "{%- for message in messages -%}"
        "{%- if message['role'] not in ['user', 'assistant'] -%}"
        "{{ raise_exception('only user and assistant can be formatted, not ' ~ message['role']) }}{%- endif -%}"
        "{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}"
        "{{ raise_exception('turns alternate, the user first') }}{%- endif -%}"
        "{%- set content = message['content'] -%}"
        f"{{%- if eos -%}}{{%- set content = content | replace(eos, {_jinja_string(CUT_MARK)}) -%}}{{%- endif -%}}"
        f"{quote}"
        "{%- set content = content | trim -%}"
        "{%- if message['role'] == 'user' -%}"
        f"{{{{- {_jinja_string(USER_LABEL)} ~ content -}}}}"
        f"{{%- if add_generation_prompt or not loop.last -%}}{{{{- {_jinja_string(chr(10) + CUE)} -}}}}{{%- endif -%}}"
        "{%- else -%}"
        "{%- if loop.last and add_generation_prompt -%}"
        "{{ raise_exception('the counsellor spoke last; a reply follows a user message') }}{%- endif -%}"
        "{%- generation -%}{{- content ~ eos -}}{%- endgeneration -%}"
        "{%- if not loop.last -%}{{- '\\n' -}}{%- endif -%}"
        "{%- endif -%}"
        "{%- endfor -%}"
    )


CHAT_TEMPLATE = _chat_template()
"""`format_prompt` for `tokenizer.chat_template`, with `{% generation %}` around what is supervised."""
