"""The numbers to call, from one dated file."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

FILE = Path(__file__).with_name("hotlines.yaml")
VERIFIED_FOR = timedelta(days=365)


@dataclass(frozen=True)
class Hotline:
    number: str
    name_zh: str
    name_en: str
    hours: str
    region: str
    line: Literal["first", "emergency", "youth", "second"]
    source: str
    last_verified: date


@cache
def hotlines() -> tuple[Hotline, ...]:
    """All numbers, in the order in which they are shown."""
    import yaml  # 40 ms: on first use, as OpenCC

    return tuple(Hotline(**entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8")))


def stale(today: date, entries: Iterable[Hotline] | None = None) -> list[Hotline]:
    """The entries (by default all) that nobody has compared with their source for a year before `today`."""
    return [entry for entry in entries or hotlines() if today - entry.last_verified > VERIFIED_FOR]
