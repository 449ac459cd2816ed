"""The YAML header of a README: read, checked, and kept from taking the server down.

A card is somebody's input. A few lines of YAML with aliases describe a value of gigabytes, so aliases are refused
before anything is built, and so is deep nesting.
"""

import re
from typing import Any

import yaml

_MAX_HEADER = 4 << 20  # characters; a dataset with many configs describes itself in hundreds of kilobytes
_MAX_DEPTH = 40
_MAX_EVENTS = 100_000  # 0.6 s to read
# libyaml, where PyYAML has it: 8 times faster.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_END = re.compile(r"^---[ \t]*$", re.MULTILINE)


class CardError(ValueError):
    """A header that is no mapping that we would keep; the message is for whoever wrote it."""


def split(text: str) -> tuple[str, str]:
    """The header's YAML, without its lines of ---, and the text below it; without a header, "" and everything."""
    first, _, rest = text.partition("\n")
    if first.rstrip() != "---":
        return "", text
    end = _END.search(rest)
    if end is None:
        raise CardError("the YAML header starts with --- and never ends; close it with a line of ---")
    return rest[: end.start()], rest[end.end() :].lstrip("\n")


def parse(header: str) -> dict[str, Any]:
    """The header as JSON could hold it: string keys, and dates as text. Raises CardError."""
    _check(header)
    try:
        loaded = yaml.load(header, Loader=_Loader)
    # PyYAML lets the last two through for a tag on text that does not fit it: `!!bool x`, `!!timestamp x`.
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError) as error:
        raise CardError(f"the YAML header does not parse: {error}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise CardError("the YAML header must be a mapping of keys to values")
    return {str(key): _plain(value) for key, value in loaded.items()}


def _check(header: str) -> None:
    if len(header) > _MAX_HEADER:
        raise CardError(f"the YAML header is above {_MAX_HEADER:,} characters; shorten it")
    depth = 0
    try:
        for number, event in enumerate(yaml.parse(header, Loader=_Loader)):
            if number == _MAX_EVENTS:
                raise CardError(f"the YAML header has more than {_MAX_EVENTS:,} parts; shorten it")
            if isinstance(event, yaml.AliasEvent):
                raise CardError(f"the YAML header uses the alias *{event.anchor}; write the value out instead")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise CardError(f"the YAML header is nested more than {_MAX_DEPTH} levels deep")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, CardError):
            raise
        raise CardError(f"the YAML header does not parse: {error}") from None


def _plain(value: object) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [_plain(item) for item in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        case int() if abs(value) >= 1 << 63 and not isinstance(value, bool):
            return f"{value:x}"  # too long for JSON readers, and for Python to print in decimal
        case str() | bool() | int() | float() | None:
            return value
        case _:
            return str(value)


def data(text: str) -> dict[str, Any]:
    """The header of a README, or nothing where it is absent or broken."""
    try:
        return parse(split(text)[0])
    except CardError:
        return {}


def body(text: str) -> str:
    """A README below its header; all of it where the header never ends."""
    try:
        return split(text)[1]
    except CardError:
        return text


def errors(text: str) -> list[str]:
    """What is wrong with a README's header; no header is fine."""
    try:
        parse(split(text)[0])
    except CardError as error:
        return [str(error)]
    return []


def tags(card: dict[str, Any]) -> list[str]:
    """A card's tags as the Hub lists and filters them."""

    def words(key: str) -> list[str]:
        value = card.get(key)
        return [str(item) for item in value] if isinstance(value, list) else [] if value is None else [str(value)]

    plain = words("tags") + words("library_name") + words("pipeline_tag") + words("language")
    return plain + [f"{key}:{word}" for key in ("license", "base_model", "datasets") for word in words(key)]
