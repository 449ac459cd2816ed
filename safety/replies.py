"""What the demo itself must not say: methods, encouragement, posing as a person, promises, diagnoses, doses."""

import re
from typing import cast

from safety.helplines import hotlines
from safety.lexicon import lexicon
from safety.normalise import normalise

# Five digits or more in a row, as telephone numbers are written. A model invents hotlines; ours are rendered by code.
_NUMBER = re.compile(r"(?<![\d.])\d(?:[ -]?\d){4,14}(?![\d.])")
_YEARS = re.compile(r"(?:19|20)\d\d-(?:19|20)?\d\d")


def screen_reply(text: str) -> tuple[str, ...]:
    """Why `text` must not be shown to anyone: ids of the lexicon's `reply` part, or `unverified_number`; else empty.

    Meant to run on all of a reply so far, again as it grows.
    """
    normalised = normalise(text)
    found = {cast(str, match.lastgroup): None for match in lexicon().reply.finditer(normalised)}
    known = {_digits(entry.number) for entry in hotlines()}
    if any(_digits(n) not in known for n in _NUMBER.findall(_YEARS.sub("", normalised))):
        found["unverified_number"] = None
    return tuple(found)


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)
