"""What must never be missed: crisis language, what to say then, whom to call; and personal data.

Imports the standard library only (PyYAML, OpenCC, phonenumbers and python-stdnum on first use), so that the Space can
carry this folder unchanged and a data job can import it in milliseconds.
"""

from safety.cards import crisis_card, safe_reply
from safety.helplines import Hotline, hotlines, stale
from safety.personal_data import Found, find_personal_data, redact
from safety.replies import screen_reply
from safety.screening import TIERS, Screening, Tier, screen

__all__ = [
    "TIERS",
    "Found",
    "Hotline",
    "Screening",
    "Tier",
    "crisis_card",
    "find_personal_data",
    "hotlines",
    "redact",
    "safe_reply",
    "screen",
    "screen_reply",
    "stale",
]
