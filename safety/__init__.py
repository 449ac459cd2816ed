"""What must never be missed: crisis language, what to say then, and whom to call.

Imports the standard library only (PyYAML and OpenCC on first use), so that the Space can carry this folder unchanged
and a data job can import it in milliseconds.
"""

from safety.cards import crisis_card, safe_reply
from safety.helplines import Hotline, hotlines, stale
from safety.replies import screen_reply
from safety.screening import TIERS, Screening, Tier, screen

__all__ = [
    "TIERS",
    "Hotline",
    "Screening",
    "Tier",
    "crisis_card",
    "hotlines",
    "safe_reply",
    "screen",
    "screen_reply",
    "stale",
]
