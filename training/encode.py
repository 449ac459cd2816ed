"""Conversations to token ids and labels, segment by segment, in one batched pass of the tokenizer.

Segments are tokenised on their own, so no token crosses the cue or the end of a turn, and training sees exactly the
ids that generation asks for. What a person typed is never read as a special token (`split_special_tokens`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from training.prompt import Message, rounds

IGNORED = -100
"""The label of a token without loss (the value that torch's cross entropy skips)."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """`ids` and, per id, its label: itself where supervised, else `IGNORED`. Not shifted."""

    ids: list[int]
    labels: list[int]

    def __add__(self, other: "Encoded") -> "Encoded":
        return Encoded(self.ids + other.ids, self.labels + other.labels)


def encode_rounds(
    tokenizer: Any, conversations: Sequence[Sequence[Message]], *, cue: bool = False
) -> list[list[Encoded]]:
    """Per conversation, its rounds as ids and labels; every counsellor turn ends with the EOS id, supervised.

    Raises:
        PromptError: as `training.prompt.rounds` does.
        ValueError: where the tokenizer has no EOS token.
    """
    eos = tokenizer.eos_token
    if not eos:
        raise ValueError(f"the tokenizer {tokenizer.name_or_path!r} has no EOS token, and every turn ends with one")
    layouts = [rounds(messages, eos=eos, cue=cue) for messages in conversations]
    texts = [
        segment.text.removesuffix(eos) if segment.supervised else segment.text
        for layout in layouts
        for turns in layout
        for segment in turns
    ]
    if not texts:
        return []
    batch = iter(tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"])
    encoded = []
    for layout in layouts:
        per_round = []
        for turns in layout:
            ids: list[int] = []
            labels: list[int] = []
            for segment in turns:
                part = next(batch) + ([tokenizer.eos_token_id] if segment.supervised else [])
                ids += part
                labels += part if segment.supervised else [IGNORED] * len(part)
            per_round.append(Encoded(ids, labels))
        encoded.append(per_round)
    return encoded


def token_counter(tokenizer: Any) -> Callable[[str], int]:
    """`count` for `training.prompt.truncate`: the tokens of one segment, its end-of-turn token included."""
    eos = tokenizer.eos_token

    def count(text: str) -> int:
        ended = text.endswith(eos)
        ids = tokenizer(text.removesuffix(eos), add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return len(ids) + ended

    return count
