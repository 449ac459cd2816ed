"""A conversation as text that a person can edit, and back; and why an edit cannot be taken."""

import re

from dataset_builder.cleaning import shape
from dataset_builder.config import load_config
from dataset_builder.records import Messages

HEADS = {"user": "【用户】", "assistant": "【咨询师】"}
"""Stands alone on a line above every turn."""

_ROLES = {head: role for role, head in HEADS.items()}
_HEAD = re.compile(rf"^[ \t]*({'|'.join(map(re.escape, _ROLES))})[ \t]*$", re.MULTILINE)


def as_text(messages: Messages) -> str:
    """`messages` for an editor: each turn below a line that says whose it is."""
    return "\n\n".join(f"{HEADS[turn['role']]}\n{turn['content']}" for turn in messages)


def edited(text: str, original: Messages) -> Messages | str:
    """The messages in an edited `text`; or the short name of what is wrong with them (texts.BAD_EDIT explains it)."""
    before, *parts = _HEAD.split(text.replace("\r\n", "\n"))
    if before.strip() or not parts:
        return "text_before_first_turn"
    turns = [
        {"role": _ROLES[head], "content": content.strip()}
        for head, content in zip(parts[::2], parts[1::2], strict=True)
    ]
    if turns == [{"role": turn["role"], "content": turn["content"].strip()} for turn in original]:
        return "unchanged"
    if not all(turn["content"] for turn in turns):
        return "empty_turn"
    shaped = shape.shape(turns, merge=False, trim=False)
    return shaped if isinstance(shaped, str) else broken(turns) or turns


def broken(messages: Messages) -> str | None:
    """The first of the build's own bounds that alternating `messages` break."""
    config = load_config().clean
    if any(len(turn["content"]) > config.longest_turn for turn in messages):
        return "turn_too_long"
    if reason := shape.rounds(max(2, config.min_rounds), config.max_rounds)(messages):
        return reason
    return next((reason for rule in shape.RULES.values() if (reason := rule(messages))), None)
