"""The first rows of a split, from as many of its files as that takes."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_hub.errors import HubError
from local_hub.pages.row_reader import MAX_READ
from local_hub.pages.sources import format_of
from local_hub.store import Repo
from local_hub.tree import File

_READER = Path(__file__).with_name("row_reader.py")
_MAX_FILES = 5  # a process each
_SECONDS = 20
_AT_ONCE = threading.BoundedSemaphore(2)  # a reader of Parquet takes 100 MB and a core

_WAITING = threading.BoundedSemaphore(6)


@dataclass
class Rows:
    columns: list[str] = field(default_factory=list)
    cells: list[list[Any]] = field(default_factory=list)
    total: int | None = None  # rows of the files, where they tell
    problems: list[str] = field(default_factory=list)  # a line for each file that could not be shown


def first_rows(repo: Repo, files: list[File], count: int) -> Rows:
    """Rows of the same columns as the first file's; a broken file is a line in `problems`."""
    found = Rows()
    for file in files[:_MAX_FILES]:
        answer = _read(repo, file, count - len(found.cells))
        if "error" in answer:
            found.problems.append(f"{file.path}: {answer['error']}")
            continue
        if not found.columns:
            found.columns, found.total = answer["columns"], answer["total"]
        where = [answer["columns"].index(name) if name in answer["columns"] else None for name in found.columns]
        found.cells += [[None if at is None else row[at] for at in where] for row in answer["rows"]]
        if len(found.cells) >= count:
            break
    if len(files) > 1:
        found.total = None  # of the first file only
    return found


def _read(repo: Repo, file: File, count: int) -> dict[str, Any]:
    kind = format_of(file.path)
    if kind is None:
        return {"error": "files of this kind are not shown"}
    data = b""
    if file.pointer:
        stored = repo.large_file(file.pointer.sha256)
        if stored is None:
            return {"error": "the large file is missing from this store; upload it again"}
        source = str(stored)
    else:
        source, data = "-", repo.git[file.oid].data
        if kind != "parquet":
            data = data[:MAX_READ]
    command = [sys.executable, "-P", str(_READER), kind, str(count), source]
    busy = HubError(503, "too many people look at rows just now; try again in a moment")
    if not _WAITING.acquire(blocking=False):  # each who waits takes a thread, of which the server has 40
        raise busy
    try:
        if not _AT_ONCE.acquire(timeout=_SECONDS):
            raise busy
    finally:
        _WAITING.release()
    try:
        finished = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS)
        answer: dict[str, Any] = json.loads(finished.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"its first rows took longer than {_SECONDS} s to read"}
    except ValueError:  # the reader died before it could answer
        return {"error": "it could not be read; it is damaged, or takes too much memory"}
    finally:
        _AT_ONCE.release()
    return answer
