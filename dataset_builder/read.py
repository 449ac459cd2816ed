"""Reads counselling dialogues as records: the project's own sample, `{id, messages}` JSON Lines, or CPsyCounD."""

import gzip
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from dataset_builder import cpsycound
from dataset_builder.records import Record, Rejection, record_from
from dataset_builder.topics import TOPICS

SAMPLE = Path(__file__).parent / "sample"
SAMPLE_ORIGIN = {"source": "soulchat-sample", "license": "cc-by-4.0", "rewriter": "language-model"}


class SourceError(ValueError):
    """A source that cannot be read; the message names the file, the line and the fix."""


def read(source: str | Path, reader: str = "messages") -> Iterator[Record | Rejection]:
    """Every dialogue of `source` ("sample", or a path that one of `READERS` understands), kept or rejected, in order.

    The sample gives a conversation, and its single-turn question and answer as a record of two messages, in turn.

    A dialogue that was already read, word for word, is rejected as `duplicate`: of all rows, an id of 18 characters
    stays in memory.

    Raises:
        SourceError: where the file is missing or damaged, a line of it is no JSON object, or there is no such reader.
    """
    if reader not in READERS:
        raise SourceError(f"no reader for the source {reader!r}; there is one for: {', '.join(READERS)}")
    rows = _sample_rows() if str(source) == "sample" else READERS[reader](Path(source))
    stem = reader if reader != "messages" else Path(source).name.split(".")[0]
    seen: set[str] = set()
    for line, row in rows:
        result = record_from(row, source=stem, line=line)
        if isinstance(result, Record):
            if result.id in seen:
                result = Rejection(str(row.get("id", result.id)), "duplicate")
            else:
                seen.add(result.id)
        yield result


def _sample_rows() -> Iterator[tuple[int, dict[str, Any]]]:
    for topic in TOPICS:
        for line, row in _rows(SAMPLE / f"{topic}.jsonl"):
            yield line, row | SAMPLE_ORIGIN
            turns = [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]
            yield line, row | SAMPLE_ORIGIN | {"messages": turns}


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if not path.is_file():
        raise SourceError(
            f"no corpus at {str(path)!r}: give a .jsonl or .jsonl.gz file of {{id, messages}} rows, or 'sample'"
        )
    with _open(path) as file:
        try:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield line, _row(text, path, line)
        except (EOFError, gzip.BadGzipFile, UnicodeDecodeError) as error:
            raise SourceError(f"{path} cannot be read to its end ({error}); fetch or compress it again") from None


def _cases(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        yield from enumerate(cpsycound.rows(path), 1)
    except (OSError, EOFError, tarfile.TarError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{str(path)!r} cannot be read as CPsyCounD ({error}); give its folder of case_<n>.txt files, or a .tar.gz"
        ) from None


READERS: dict[str, Callable[[Path], Iterator[tuple[int, dict[str, Any]]]]] = {"messages": _rows, "cpsycound": _cases}
"""Upstream format to what reads it."""


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _row(text: str, path: Path, line: int) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(f"{path}:{line} is not JSON ({error.msg}, column {error.colno}); mend or drop it") from None
    if not isinstance(row, dict):
        raise SourceError(f"{path}:{line} holds a JSON {type(row).__name__}, not an object with id and messages")
    return row
