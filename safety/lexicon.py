"""The lexicon file, checked and compiled: one alternation per tier, a named group per reason."""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

FILE = Path(__file__).with_name("lexicon.yaml")

_GAP = re.compile(r"<(\d{1,2})>")
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|\{\d*,\}")
_CLASS = re.compile(r"\[[^\]]*\]")


class LexiconError(ValueError):
    """The lexicon file has a pattern that does not compile, or that could be slow."""


@dataclass(frozen=True)
class Lexicon:
    variants: "Spellings"
    spelled: "Spellings"  # in Latin letters, at least in part
    benign: re.Pattern[str]
    denied: re.Pattern[str]
    hidden: re.Pattern[str]
    tiers: Mapping[str, re.Pattern[str]]  # most urgent first
    reply: re.Pattern[str]


@dataclass(frozen=True)
class Spellings:
    """Ways to write a word, and the word: one group of `pattern` per entry of `words`."""

    pattern: re.Pattern[str]
    words: tuple[str, ...]

    def respell(self, text: str) -> str:
        return self.pattern.sub(lambda match: self.words[cast(int, match.lastindex) - 1], text)


@cache
def lexicon() -> Lexicon:
    """The lexicon that the package ships; compiled on the first call, 0.1 to 0.2 s."""
    import yaml  # 40 ms: on first use, as OpenCC

    raw = yaml.load(FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return Lexicon(
        variants=_spellings(raw["variants"]),
        spelled=_spellings({_in_latin(word, latin): word for word, latin in raw["spelled"].items()}),
        benign=_alternation(raw["benign"]),
        denied=_alternation(raw["denied"]),
        hidden=_alternation(raw["hidden"]),
        tiers={tier: _by_reason(reasons) for tier, reasons in raw["tiers"].items()},
        reply=_by_reason(raw["reply"]),
    )


def expand(pattern: str) -> str:
    """The regular expression that a lexicon pattern stands for; it holds no capturing group.

    Raises:
        LexiconError: where it repeats without a bound, captures, or does not compile.
    """
    if _UNBOUNDED.search(_CLASS.sub("", pattern)):
        raise LexiconError(f"pattern {pattern!r} repeats without a bound; write {{0,n}} or <n>")
    expanded = _GAP.sub(r"[^。!?;\\n]{0,\1}?", pattern)
    try:
        compiled = re.compile(expanded)
    except re.error as error:
        raise LexiconError(f"pattern {pattern!r} does not compile: {error}") from error
    if compiled.groups:
        raise LexiconError(f"pattern {pattern!r} has a capturing group; write (?:…)")
    return expanded


def _alternation(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(expand, patterns)))


def _by_reason(reasons: Mapping[str, Iterable[str]]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>{'|'.join(map(expand, patterns))})" for name, patterns in reasons.items()))


def _spellings(words: Mapping[str, str]) -> Spellings:
    return Spellings(re.compile("|".join(f"({expand(way)})" for way in words)), tuple(words.values()))


def _in_latin(word: str, spelling: list[str]) -> str:
    """Every way to write `word` with at least one character in Latin letters, spaces between them allowed."""
    choices = zip(word, spelling, strict=True)
    mixed = [ways for ways in itertools.product(*choices) if any(part.isascii() for part in ways)]
    return "|".join(f"(?<![a-z]){' ?'.join(ways)}(?![a-z])" for ways in mixed)
