"""Which files make up the configs and splits of a dataset: as its card says, else as their names suggest.

The rules are those of `datasets`, as far as they are simple.
"""

import re
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

FORMATS = {
    "parquet": "parquet",
    "jsonl": "json",
    "ndjson": "json",
    "json": "json",
    "csv": "csv",
    "tsv": "tsv",
    "txt": "text",
}
_MAX_CONFIGS = 1000
_MAX_LOOKED_AT = 200_000  # paths, for the configs that name a folder only
_MAX_PATTERNS = 100  # with wildcards, of one split
_KEYWORDS = {
    "train": "train|training",
    "validation": "validation|valid|val|dev",
    "test": "test|testing|eval|evaluation",
}
_SPLIT = {split: re.compile(rf"(?:^|[-._ /0-9])(?:{words})(?:[-._ /0-9]|$)") for split, words in _KEYWORDS.items()}
_NOT_DATA = ("README.md", "dataset_infos.json", "dataset_info.json", "requirements.txt", "LICENSE.txt")


@dataclass(frozen=True)
class Config:
    name: str
    splits: dict[str, list[str]]  # patterns of each split's files; none until the files are looked at
    default: bool = False
    folder: str = ""

    def files(self, split: str, paths: list[str]) -> list[str]:
        patterns = [_joined(self.folder, pattern) for pattern in self.splits.get(split, [])]
        exact = set(patterns)
        parts = [pattern.split("/") for pattern in patterns if set(pattern) & set("*?[")][:_MAX_PATTERNS]
        return [path for path in paths if path in exact or any(_matches(path.split("/"), some) for some in parts)]


def format_of(path: str) -> str | None:
    return FORMATS.get(path.rpartition(".")[2].lower())


def configs(about: dict[str, Any], paths: list[str]) -> list[Config]:
    """The configs of the card; without any, one named `default` of all data files."""
    declared = about.get("configs")
    entries = declared if isinstance(declared, list) else []
    by_folder: dict[str, dict[str, list[str]]] = {}
    found = [_declared(entry, paths, by_folder) for entry in entries[:_MAX_CONFIGS] if isinstance(entry, dict)]
    if not found and (splits := _inferred(paths)):
        found = [Config("default", splits)]
    return found


def _declared(entry: dict[str, Any], paths: list[str], by_folder: dict[str, dict[str, list[str]]]) -> Config:
    folder = str(entry.get("data_dir") or "")
    splits: dict[str, list[str]] = {}
    match entry.get("data_files"):
        case str() | list() as listed:
            for item in [listed] if isinstance(listed, str) else listed:
                if isinstance(item, str):
                    splits.setdefault("train", []).append(item)
                elif isinstance(item, dict):
                    splits.setdefault(str(item.get("split", "train")), []).extend(_strings(item.get("path")))
        case dict() as by_split:
            splits = {str(split): _strings(patterns) for split, patterns in by_split.items()}
        case _:
            below = _joined(folder, "")
            if below not in by_folder:  # a pass over all files
                small = len(by_folder) * len(paths) <= _MAX_LOOKED_AT
                by_folder[below] = _inferred([path for path in paths if path.startswith(below)]) if small else {}
            splits = by_folder[below]
            folder = ""
    return Config(str(entry.get("config_name") or "default"), splits, entry.get("default") is True, folder)


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _joined(folder: str, pattern: str) -> str:
    folder = folder.strip("/").removeprefix("./")
    pattern = pattern.removeprefix("./")
    return f"{folder}/{pattern}" if folder and folder != "." else pattern


def _inferred(paths: list[str]) -> dict[str, list[str]]:
    """Splits by names such as train-00000.parquet or test/a.csv; all is `train` where no name tells."""
    data = [
        path
        for path in paths
        if format_of(path)
        and path not in _NOT_DATA
        and not any(part.startswith((".", "__")) for part in path.split("/"))
    ]
    if not data:
        return {}
    common = Counter(format_of(path) for path in data).most_common(1)[0][0]
    data = [path for path in data if format_of(path) == common]
    splits = {split: [path for path in data if word.search(path)] for split, word in _SPLIT.items()}
    return {split: files for split, files in splits.items() if files} or {"train": data}


def _matches(path: list[str], pattern: list[str]) -> bool:
    """Part by part, where `**` stands for any number of folders. fnmatch takes no time that grows without bound."""
    reached = {0}  # how many parts of the path may be used up
    for part in pattern:
        if part == "**":
            reached = set(range(min(reached), len(path) + 1))
        else:
            reached = {used + 1 for used in reached if used < len(path) and fnmatchcase(path[used], part)}
        if not reached:
            return False
    return len(path) in reached
