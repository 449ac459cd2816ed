"""The word lists of safety/personal_words.yaml, read once."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("personal_words.yaml")


@dataclass(frozen=True, slots=True)
class Words:
    surnames: frozenset[str]
    rare_surnames: frozenset[str]
    compound_surnames: frozenset[str]
    given: frozenset[str]
    not_given: frozenset[str]
    not_names: frozenset[str]
    after_names: frozenset[str]
    regions: frozenset[str]  # provinces, cities and districts, without 省, 市, 区
    schools: frozenset[str]
    employers: frozenset[str]
    kinds: frozenset[str]
    generic: frozenset[str]


@cache
def words() -> Words:
    import yaml  # 40 ms: on first use

    raw = yaml.load(FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    characters = {name: frozenset("".join(raw[name].split())) for name in ("surnames", "rare_surnames", "given")}
    lists = {name: frozenset(raw[name].split()) for name in raw.keys() - characters.keys() - {"provinces", "cities"}}
    return Words(**characters, **lists, regions=frozenset(f"{raw['provinces']} {raw['cities']}".split()))
