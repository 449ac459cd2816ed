"""What every reader yields: a dialogue as its source has it, before any rule has looked at it."""

from typing import Any, NotRequired, TypedDict


class SourceError(ValueError):
    """A source that cannot be read; the message names the file, the place in it and the fix."""


def brief(error: Exception) -> str:
    """What a library says of a damaged file, in a line of at most 200 printable characters."""
    return "".join(letter if letter.isprintable() else " " for letter in str(error))[:200].strip()


class Row(TypedDict):
    """A dialogue of an upstream file, in that source's own words.

    `messages` are `{role, content}` with the source's role names, in order, nothing merged, trimmed or dropped: what
    is wrong with them is for `dataset_builder.cleaning` to repair or reject, and to count.
    """

    id: str  # as upstream has it; else its place in the file
    messages: Any  # a list of {role, content} where all is well; checked by dataset_builder.cleaning.shape
    topic: NotRequired[str | None]  # the source's own label, in its own wording
    question_id: NotRequired[str | None]  # of the single-turn question that it came from
    answer: NotRequired[str | None]  # the single-turn answer that it was rewritten from
    source: NotRequired[str]  # only where a row names its own (messages, csv, parquet)
    license: NotRequired[str]
    rewriter: NotRequired[str]
    derived_from: NotRequired[str]


def row_id(given: Any, otherwise: str) -> str:
    """Upstream's id as a string, where it is one or a number; else `otherwise`, its place."""
    if isinstance(given, str | int | float) and not isinstance(given, bool) and str(given).strip():
        return str(given)
    return otherwise
