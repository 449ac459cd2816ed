"""The first rows of a data file, read in a process of its own: `python row_reader.py FORMAT COUNT PATH|-`.

A data file is somebody's input. A few bytes of Parquet can stand for gigabytes, and a decoder can be made to crash;
here that ends this process, which has its memory and its time rationed, and not the server.
Writes one JSON object: {"columns", "rows", "total"} with cells ready to show, or {"error"}.
"""

import csv
import io
import json
import math
import resource
import sys
from itertools import islice
from typing import Any, BinaryIO

MAX_READ = 8 << 20  # bytes of the file
MAX_CELL = 500  # characters
_MAX_COLUMNS = 60
_MAX_BATCH = 64 << 20  # bytes of the first rows, decoded
_MAX_TURNS, _MAX_TURN = 12, 300
_MEMORY, _SECONDS = 3 << 30, 10  # of address space, where pyarrow alone maps more than it uses; of processor time


class Unreadable(ValueError):
    """The message is the line that the page shows."""


class Bounded:
    """A file that may be read up to `MAX_READ` bytes, in the form that pyarrow takes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = MAX_READ
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        if size > self._left or size < 0:
            raise Unreadable(f"its first rows take more than {MAX_READ >> 20} MB to read; download it instead")
        self._left -= size
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self.closed = True


def read(stream: BinaryIO, kind: str, count: int) -> dict[str, Any]:
    total = None
    match kind:
        case "parquet":
            rows, total = _parquet(stream, count)
        case "json":
            rows = _json(stream, count)
        case "csv" | "tsv":
            rows = _csv(stream, count, "\t" if kind == "tsv" else ",")
        case "text":
            rows = [{"text": line} for line in islice(_text(stream).splitlines(), count)]
        case _:
            raise Unreadable(f"{kind} is no format that is shown here")
    columns = list(dict.fromkeys(column for row in rows for column in row))[:_MAX_COLUMNS]
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    return {"columns": [_cut(column, 100) for column in columns], "rows": cells, "total": total}


def _parquet(stream: BinaryIO, count: int) -> tuple[list[dict[str, Any]], int]:
    import pyarrow as pa  # takes 0.2 s, which the other formats need not wait for
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(pa.PythonFile(Bounded(stream), mode="r"), buffer_size=64 << 10)
        names = source.schema_arrow.names[:_MAX_COLUMNS]
        groups = list(range(min(1, source.num_row_groups)))
        batches = source.iter_batches(count, row_groups=groups, columns=names, use_threads=False)
        rows = []
        for batch in islice(batches, 1):
            if batch.nbytes > _MAX_BATCH:  # as Python's objects, it would take ten times that
                raise MemoryError
            rows = batch.to_pylist()
        return rows, source.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, (Unreadable, MemoryError)):
            raise
        raise Unreadable(f"it is not readable as Parquet: {_cut(str(error), 200)}") from None


def _text(stream: BinaryIO) -> str:
    """The beginning of a text; without its last line where that is cut off."""
    data = stream.read(MAX_READ)
    if len(data) == MAX_READ:
        data = data[: data.rfind(b"\n") + 1]
    return data.decode("utf-8-sig", "replace")


def _json(stream: BinaryIO, count: int) -> list[dict[str, Any]]:
    """JSON lines, or one list of objects."""
    text = _text(stream)
    try:
        if text.lstrip()[:1] == "[":
            rows = json.loads(text)
        else:
            lines = (line for line in io.StringIO(text) if line.strip())
            rows = [json.loads(line) for line in islice(lines, count)]
    except (ValueError, RecursionError) as error:
        try:
            rows = [json.loads(text)]  # one object over several lines
        except (ValueError, RecursionError):
            raise Unreadable(f"it is not readable as JSON: {_cut(str(error), 200)}") from None
    return [row if isinstance(row, dict) else {"value": row} for row in rows[:count]]


def _csv(stream: BinaryIO, count: int, separator: str) -> list[dict[str, Any]]:
    try:
        lines = csv.reader(io.StringIO(_text(stream), newline=""), delimiter=separator)
        columns = next(lines, [])
        return [dict(zip(columns, line, strict=False)) for line in islice(lines, count) if line]
    except csv.Error as error:
        raise Unreadable(f"it is not readable as CSV: {error}") from None


def cell(value: Any) -> Any:
    """What a cell shows: None, a number or text as {"text"}, or a conversation as {"turns", "more"}."""
    match value:
        case None:
            return None
        case str():
            return {"text": _cut(value, MAX_CELL)}
        case bytes():
            return {"text": f"{len(value):,} bytes", "is": "bytes"}
        case bool():
            return {"text": str(value).lower(), "is": "number"}
        case int() | float():
            return {"text": _cut(str(value), MAX_CELL), "is": "number"}
        case [dict(), *_] if all(isinstance(turn, dict) and {"role", "content"} <= turn.keys() for turn in value):
            turns = [
                [_cut(_plain(turn["role"]), 40), _cut(_plain(turn["content"]), _MAX_TURN)]
                for turn in value[:_MAX_TURNS]
            ]
            return {"turns": turns, "more": max(0, len(value) - _MAX_TURNS)}
        case _:
            return {"text": _cut(_plain(value), MAX_CELL), "is": "nested"}


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_other)
    return str(value)


def _other(value: object) -> str:
    return f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"


def main(kind: str, count: str, path: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with io.BytesIO(sys.stdin.buffer.read()) if path == "-" else open(path, "rb") as stream:
            answer = read(stream, kind, int(count))
        text = json.dumps(answer)
    except Unreadable as error:
        text = json.dumps({"error": str(error)})
    except (MemoryError, RecursionError):
        text = json.dumps({"error": "its first rows take too much memory to show"})
    except OSError as error:
        text = json.dumps({"error": error.strerror or "it could not be opened"})
    sys.stdout.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
