"""Which reader a file, folder or archive belongs to, by what its first rows hold."""

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources import cpsycound, labelled
from dataset_builder.sources.archives import first_members, is_archive, natural
from dataset_builder.sources.columns import layout
from dataset_builder.sources.csv_records import records
from dataset_builder.sources.files import chunks
from dataset_builder.sources.json_array import elements, is_json_lines, json_lines
from dataset_builder.sources.json_value import BadJson, parse
from dataset_builder.sources.row import SourceError

ROWS = 5  # good rows of a file that are looked at
ROWS_TRIED = 100  # of which so many may be damaged before them
UNITS = 40  # files of a folder or archive that are looked at
UNIT_SIZE = 1 << 20  # bytes: a larger file is a corpus, not one dialogue of it

UTTERANCES = {"conv_id", "utterance_idx", "context", "prompt", "speaker_idx", "utterance"}
"""Columns of EmpatheticDialogues."""

_UNIT = re.compile(r"case_[0-9]+\.txt|[^.].*\.json|(train|valid|test)\.csv")
_NUMBERED = re.compile(r"[0-9]+\.json")


def recognise(path: Path) -> str | None:
    """The key of READERS for a file, an archive, or a folder of files of one dialogue each; None where none fits.

    A folder of several corpora is none of these: `sources_in` lists what is in it. Of formats that hold the same, the
    names in the path decide: `plain` is smile-plain, else smilechat-v1; `mindchat` is mindchat, else alpaca. Lists of
    labelled strings in more than one folder are cpsycoune, whose folders are topics.
    """
    with contextlib.suppress(SourceError, OSError):
        if path.is_dir():
            return _folder(path)
        if is_archive(path):
            return _units(path, list(itertools.islice(first_members(path, _UNIT, lambda: chunks(path)), UNITS)))
        if path.is_file():
            return _file(path)
    return None


def sources_in(folder: Path) -> list[tuple[str, Path]]:
    """(reader, path) of every corpus in a folder, by path; hidden files and what is not recognised are left out."""
    found = list[tuple[str, Path]]()
    for path in sorted(folder.iterdir(), key=lambda path: natural(path.name)):
        if path.name.startswith("."):
            continue
        if reader := recognise(path):
            found.append((reader, path))
        elif path.is_dir() and not path.is_symlink():
            found += sources_in(path)
    return found


def _file(path: Path) -> str | None:
    endings = set(path.suffixes)
    if ".parquet" in endings:
        return "parquet" if layout(_parquet_columns(path)) else None
    if endings & {".csv", ".tsv"}:
        _, header = next(records(path), (0, ""))
        return _table([name.strip() for name in header]) if isinstance(header, list) else None
    if endings & {".json", ".jsonl", ".ndjson", ".utf8"}:
        return _json(path)
    if re.fullmatch(r"case_[0-9]+\.txt", path.name):
        return _units(path, [(path.name, b"".join(itertools.islice(chunks(path), 4)))])
    return None


def _table(columns: list[str]) -> str | None:
    if set(columns) >= UTTERANCES:
        return "empathetic-dialogues"
    return "csv" if layout(columns) else None


def _parquet_columns(path: Path) -> list[str]:
    from pyarrow import parquet

    try:
        return list(parquet.read_schema(path).names)
    except Exception:  # pyarrow raises nearly anything on damaged files
        return []


def _json(path: Path) -> str | None:
    lines = is_json_lines(path)
    items = itertools.islice(json_lines(path) if lines else elements(path), ROWS_TRIED)
    values = [item[1] for item in items if not isinstance(item, Rejection)][:ROWS]
    if not lines and (unit := _list_kind(values)):
        return _of_lists(path, unit, [path.name])
    kinds = (_object_kind(value, path, lines) for value in values if isinstance(value, dict))
    return next((kind for kind in kinds if kind), None)


def _object_kind(row: dict[str, Any], path: Path, lines: bool) -> str | None:
    keys = row.keys()
    if keys >= {"question", "description", "answers"}:
        return "psyqa"
    if "chats" in keys:
        return "efaqa"
    if keys >= {"dialog", "emotion_type"}:
        return "esconv"
    if "messages" in keys:
        return _messages_kind(row, lines)
    if "conversations" in keys:
        return "sharegpt"
    if "conversation" in keys and _has(row["conversation"], {"input"}):
        return "emollm"
    if keys >= {"instruction", "output"} or ("response" in keys and keys & {"query", "prompt"}):
        return "mindchat" if "mindchat" in "/".join(path.parts[-2:]).lower() else "alpaca"
    return None


def _messages_kind(row: dict[str, Any], lines: bool) -> str | None:
    messages = row["messages"]
    if not _has(messages, {"role"}):
        return None
    if messages[0]["role"] in ("client", "counselor"):
        return "smilechat-v2"
    is_soulchat = not lines and set(row) == {"id", "topic", "messages"} and isinstance(row["id"], int)
    return "soulchat" if is_soulchat else "messages"


def _has(value: Any, keys: set[str]) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and value[0].keys() >= keys


def _folder(path: Path) -> str | None:
    files = [file for file in path.iterdir() if not file.name.startswith(".")]
    files.sort(key=lambda file: natural(file.name))
    units = [file for file in files if _UNIT.fullmatch(file.name) and file.is_file()]
    if not units:  # perhaps a folder per topic
        folders = [file for file in files if file.is_dir()]
        units = [file for folder in folders for file in itertools.islice(_numbered(folder), 2)]
        if not units and _only_parquet(path):
            shards = sorted(path.rglob("*.parquet"))
            return "parquet" if layout(_parquet_columns(shards[0])) else None
    contents = list[tuple[str, bytes]]()
    for file in units[:UNITS]:
        with file.open("rb") as opened:
            contents.append((file.relative_to(path).as_posix(), opened.read(UNIT_SIZE + 1)))
    return _units(path, contents)


def _numbered(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.iterdir(), key=lambda file: natural(file.name)) if _is_unit(file))


def _is_unit(file: Path) -> bool:
    return bool(_NUMBERED.fullmatch(file.name)) and file.is_file()


def _only_parquet(folder: Path) -> bool:
    files = [file for file in folder.rglob("[!.]*") if file.is_file()]
    return bool(files) and all(file.suffix == ".parquet" for file in files)


def _units(path: Path, contents: list[tuple[str, bytes]]) -> str | None:
    """What most of the files hold, given by their names inside `path` and their first bytes."""
    kinds = Counter(_unit_kind(name, content) for name, content in contents)
    kind, count = kinds.most_common(1)[0] if kinds else (None, 0)
    if kind is None or 2 * count <= len(contents):
        return None
    return _of_lists(path, kind, [name for name, _ in contents])


def _unit_kind(name: str, content: bytes) -> str | None:
    base = PurePosixPath(name).name
    if base.endswith(".csv"):
        columns = content.split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip().split(",")
        return "empathetic-dialogues" if set(columns) >= UTTERANCES else None
    if base.endswith(".txt"):
        return "cpsycound" if cpsycound.is_labelled(content.decode("utf-8", "replace")) else None
    try:
        value = parse(content) if len(content) <= UNIT_SIZE else None
    except BadJson:
        return None
    return _list_kind(value) if isinstance(value, list) else None


def _list_kind(values: list[Any]) -> str | None:
    """Whether a list is a dialogue by itself: `labelled` strings, or the turns of smilechat-v2."""
    if values and labelled.is_labelled(values[0]):
        return "labelled"
    return "smilechat-v2" if _has(values, {"role", "content"}) else None


def _of_lists(path: Path, kind: str, names: list[str]) -> str | None:
    if kind != "labelled":
        return kind
    folders = {PurePosixPath(name).parent.name for name in names}
    around = "/".join([*path.parts[-2:], *folders]).lower()
    if len(folders) > 1:
        return None if "plain" in around or "smile" in around else "cpsycoune"
    return "smile-plain" if "plain" in around else "smilechat-v1"
