"""What may be passed on: each source's licence, what a public Hub must not get, and what its authors took back."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

FILE = Path(__file__).with_name("licences.yaml")
TAKEDOWN = Path(__file__).with_name("takedown.txt")

_UNKNOWN = {"", "none", "unknown", "other"}
"""Licences of a row that allow nothing: `other` points to a text that nobody here has read."""
_TAKEN = re.compile(r"(?P<record>[cq]-[0-9a-f]+)|(?P<source>[^\s:]+):(?P<id>\S(?:.*\S)?)")


class LedgerError(ValueError):
    """A ledger or a takedown list that cannot be trusted; the message names the file, the entry and the fix."""


@dataclass(frozen=True)
class Licence:
    """What a source allows, and where that was read; licences.yaml says what each field means."""

    licence: str  # a Hugging Face licence id
    redistributable: bool
    derived_from: tuple[str, ...]
    also: tuple[str, ...]
    read_in: str
    note: str


@cache
def ledger() -> Mapping[str, Licence]:
    """Every source's licence, by the name of its reader."""
    return read_ledger(FILE)


def read_ledger(file: Path) -> Mapping[str, Licence]:
    """The entries of a ledger, checked against each other.

    Raises:
        LedgerError: for a missing, unknown or ill-typed key, a source that does not exist, a name that two entries
            claim, or an entry said to be redistributable although it derives from one that is not.
    """
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(raw, dict):
        raise LedgerError(f"{file} holds a {type(raw).__name__}; it maps source names to licences")
    entries = {str(name): _entry(str(name), value, file) for name, value in raw.items()}
    for name, entry in entries.items():
        for origin in entry.derived_from:
            if origin not in entries:
                raise LedgerError(f"{file}: {name} derives from {origin!r}, which has no entry; add one or mend it")
            if entry.redistributable and not entries[origin].redistributable:
                raise LedgerError(
                    f"{file}: {name} is said to be redistributable, but derives from {origin}, which is not"
                )
    _names(entries, file)
    return MappingProxyType(entries)


def licence_of(source: str) -> Licence | None:
    """The entry that `source` names, in any spelling the ledger knows; None for a format that is no source."""
    name = _index().get(_key(source))
    return ledger()[name] if name else None


def refused(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, int]]:
    """The sources of which rows may not go to a public Hub: why, and how many rows.

    A row is refused where its `source` may not be redistributed, or its `source`, `rewriter` or `derived_from` names,
    as a word in any spelling, one that may not, or its own `license` is unknown. Rows are looked at one by one; only
    the counts are kept.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        reason = _reason(row)
        if reason:
            found[str(row.get("source") or "unknown")][reason] += 1
    return {
        source: ("; ".join(reason for reason, _ in reasons.most_common()), reasons.total())
        for source, reasons in found.items()
    }


def provenance_table(counts: Mapping[str, int]) -> str:
    """Rows by source, most first, with what the ledger says of each: a Markdown table for the dataset card."""
    lines = ["| source | rows | licence | redistributable | read in |", "| --- | ---: | --- | --- | --- |"]
    for source, rows in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        entry = licence_of(source)
        known = (entry.licence, "yes" if entry.redistributable else "no", entry.read_in) if entry else None
        cells = (source, f"{rows:,}", *(known or ("as each row says", "as each row says", "the rows")))
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines)


def takedown(path: Path = TAKEDOWN) -> frozenset[str]:
    """The ids in a takedown list: `c-…`, `q-…` or `<source>:<upstream id>` a line; `#` starts a comment.

    Raises:
        LedgerError: for a line that is no id: a request that is misread is a text that stays.
    """
    ids = set()
    for number, line in enumerate(_text(path).splitlines(), 1):
        entry = re.sub(r"(^|\s)#.*", "", line).strip()
        if not entry:
            continue
        match = _TAKEN.fullmatch(entry)
        if not match:
            raise LedgerError(f"{path}:{number}: {entry!r} is no id; write c-…, q-… or <source>:<upstream id>")
        ids.add(entry if match["record"] else f"{_canonical(match['source'])}:{match['id']}")
    return frozenset(ids)


def is_taken_down(row_id: str, source: str, question_id: str | None, ids: frozenset[str]) -> bool:
    """Whether `ids` names this row: by its own id (upstream's, or the record's) or by the question it came from."""
    if not ids:
        return False
    name = _canonical(source)
    own = {row_id, f"{name}:{row_id}"}
    asked = {question_id, f"{name}:{question_id}"} if question_id else set()
    return not ids.isdisjoint(own | asked)


def _entry(name: str, value: Any, file: Path) -> Licence:
    if not isinstance(value, dict):
        raise LedgerError(f"{file}: {name} is a {type(value).__name__}; it needs the keys {_keys()}")
    if wrong := sorted(value.keys() ^ _keys(), key=str):
        raise LedgerError(f"{file}: {name} has missing or unknown keys: {wrong}; it needs exactly {sorted(_keys())}")
    for key in ("licence", "read_in", "note"):
        if not isinstance(value[key], str) or not value[key].strip():
            raise LedgerError(f"{file}: {name}.{key}={value[key]!r} is no text; say it in words")
    if not isinstance(value["redistributable"], bool):
        raise LedgerError(f"{file}: {name}.redistributable={value['redistributable']!r}; write true or false")
    for key in ("derived_from", "also"):
        if not isinstance(value[key], list) or not all(isinstance(item, str) for item in value[key]):
            raise LedgerError(f"{file}: {name}.{key}={value[key]!r} is no list of names; write [] for none")
    lists = {key: tuple(value[key]) for key in ("derived_from", "also")}
    return Licence(**value | lists)


def _keys() -> set[str]:
    return {field.name for field in fields(Licence)}


def _key(text: str) -> str:
    """`text` so that spellings compare: PsyQA, ＰｓｙＱＡ and psyqa; smile_plain and SMILE plain."""
    return re.sub(r"[\s_-]+", "-", unicodedata.normalize("NFKC", text).casefold().strip())


def _names(entries: Mapping[str, Licence], file: Path) -> dict[str, str]:
    """Every spelling to the entry that it means."""
    names: dict[str, str] = {}
    for name, entry in entries.items():
        for spelling in (name, *entry.also):
            if names.setdefault(_key(spelling), name) != name:
                raise LedgerError(f"{file}: {spelling!r} means {names[_key(spelling)]} and {name}; keep one")
    return names


@cache
def _index() -> dict[str, str]:
    return _names(ledger(), FILE)


@cache
def _words() -> re.Pattern[str]:
    """Spellings to look for inside a longer text, the longest first.

    Names that may be passed on are among them, so that `smile` is not found in `smile-plain`. The bare name `soulchat`
    is not: it is the project's and its models' too.
    """
    entries = ledger().items()
    words = {_key(word) for _, entry in entries for word in entry.also}
    words |= {_key(name) for name, entry in entries if entry.redistributable}
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![a-z])")


def _canonical(source: str) -> str:
    return _index().get(_key(source), source)


def _reason(row: Mapping[str, Any]) -> str | None:
    source = str(row.get("source") or "")
    entry = licence_of(source)
    if entry and not entry.redistributable:
        return f"{_canonical(source)} may not be redistributed: {entry.note}"
    derived = row.get("derived_from") or ()
    origins = [derived] if isinstance(derived, str) else [str(origin) for origin in derived]
    texts = [*([] if entry else [source]), str(row.get("rewriter") or ""), *origins]
    for banned in (*map(_banned, texts), *(_canonical(origin) for origin in origins)):
        if banned in ledger() and not ledger()[banned].redistributable:
            return f"made from {banned}, which may not be redistributed"
    if str(row.get("license") or "").strip().lower() in _UNKNOWN:
        return "its licence is unknown; name it in each row's `license`"
    return None


def _banned(text: str) -> str:
    """The first source that `text` names and that may not be redistributed; empty where there is none."""
    names = (_index()[word] for word in _words().findall(_key(text)))
    return next((name for name in names if not ledger()[name].redistributable), "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"{path} cannot be read ({error}); a takedown list is a UTF-8 text file") from None
