"""How urgent a conversation is: none, distress, ideation or imminent, and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from safety.lexicon import lexicon
from safety.normalise import letters_only, normalise

Tier = Literal["none", "distress", "ideation", "imminent"]
_LATIN = re.compile("[a-z]")

TIERS: tuple[Tier, ...] = get_args(Tier)
"""Least urgent first."""


@dataclass(frozen=True)
class Screening:
    tier: Tier
    reasons: tuple[str, ...]
    """Ids of the lexicon, most urgent first; what was said is not repeated."""

    def at_least(self, tier: Tier) -> bool:
        return TIERS.index(self.tier) >= TIERS.index(tier)


def screen(text_or_messages: str | Sequence[Mapping[str, str]]) -> Screening:
    """The highest tier that anything the user said reaches, in a text or in a conversation's user turns.

    Nothing decays: what was said twenty turns ago counts as if it was said now, a later "I am fine" takes nothing
    back, and only a new conversation starts at none. A word that is spread over several turns is put together.
    Turns of other roles are not read.
    """
    if isinstance(text_or_messages, str):
        turns = [text_or_messages]
    else:
        turns = [message["content"] for message in text_or_messages if message["role"] == "user"]
    found: dict[str, Tier] = {}
    normalised = [_respell(normalise(turn)) for turn in turns]
    for turn in normalised:
        found |= _reasons(turn) | found
    joined = letters_only(_blank_benign("".join(normalised)))
    if lexicon().hidden.search(joined):
        found.setdefault("hidden_word", "ideation")
    reasons = sorted(found, key=lambda reason: -TIERS.index(found[reason]))
    return Screening(found[reasons[0]] if reasons else "none", tuple(reasons))


def _respell(text: str) -> str:
    """`text` with every variant spelling replaced by the word that is meant."""
    text = lexicon().variants.respell(text)
    return lexicon().spelled.respell(text) if _LATIN.search(text) else text


def _blank_benign(text: str) -> str:
    """`text` with look-alikes and denials blanked; a blank joins nothing, since it ends a clause."""
    return lexicon().benign.sub("、", lexicon().denied.sub("、", text))


def _reasons(text: str) -> dict[str, Tier]:
    found: dict[str, Tier] = {"denied": "distress"} if lexicon().denied.search(text) else {}
    text = _blank_benign(text)
    for tier, pattern in lexicon().tiers.items():
        for match in pattern.finditer(text):
            found.setdefault(cast(str, match.lastgroup), cast(Tier, tier))
    return found
