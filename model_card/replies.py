"""The replies of one system on disk, a line each: appended as they come, so that starting again is resuming."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def resume(path: Path, fingerprint: str) -> set[str]:
    """The ids that `path` already answers under `fingerprint`; anything else in it is removed.

    What is removed: a torn last line, and the replies of another model, sampling or set of questions.
    """
    if not path.exists():
        return set()
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    kept = [(line, record) for line in lines if (record := _parse(line)) and record.get("fingerprint") == fingerprint]
    if len(kept) < len(lines):
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(b"".join(line for line, _ in kept))
        beside.replace(path)
    return {record["id"] for _, record in kept}


def append(path: Path, records: Iterable[Record]) -> None:
    """In one write, on the disk before this returns."""
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    with path.open("ab", buffering=0) as file:
        file.write(lines.encode("utf-8", "replace"))
        os.fsync(file.fileno())


def read(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def _parse(line: bytes) -> Record | None:
    """None for a line that was cut short."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("id"), str) else None
