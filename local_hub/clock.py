"""Times as the Hub writes them, which is the only form that huggingface_hub reads."""

from datetime import UTC, datetime


def now() -> str:
    return _text(datetime.now(UTC))


def at(seconds: int) -> str:
    """A git time."""
    return _text(datetime.fromtimestamp(seconds, UTC))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
