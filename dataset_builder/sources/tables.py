"""CSV and Parquet tables of dialogues, read row by row or batch by batch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.sources.archives import natural
from dataset_builder.sources.columns import ABOUT, UNDERSTOOD, dialogue_column, layout, row_from
from dataset_builder.sources.csv_records import records
from dataset_builder.sources.files import stem
from dataset_builder.sources.messages import about
from dataset_builder.sources.row import Row, SourceError, brief, row_id

MAX_TURNS = 10_000
"""Rows of one dialogue in a table with a row per turn; more of them are one id for all dialogues."""

BATCH = 256  # Parquet rows in memory

Cells = Iterator[tuple[int, dict[str, Any] | str]]  # a table's rows, or what is wrong with one, with their places


def csv_rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a .csv or .tsv file, plain or gzip, in UTF-8 or GB 18030, with a header.

    It holds a column messages (JSON), or question and answer, or a row per turn: dialogue_id (or id), role, content,
    where rows of the same id that follow one another are a dialogue. A damaged table row is a Rejection, bad_row or
    not_utf8; the dialogue in the midst of which it stands is another, lost_turn.

    Raises:
        SourceError: where the columns are others, or the file is missing or cut; after all rows before the damage.
    """
    table = records(path)
    _, header = next(table, (0, ""))
    columns = [name.strip() for name in header] if isinstance(header, list) else []
    if len(set(columns)) < len(columns) or layout(columns) is None:
        raise _not_understood(path, columns)
    yield from _rows(
        ((at, dict(zip(columns, row, strict=True)) if isinstance(row, list) else row) for at, row in table),
        columns,
        stem(path),
    )


def parquet_rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a Parquet file, or of all `**/*.parquet` of a folder, by name.

    It has the columns of `csv_rows`; messages are a list of {role, content}, a {role: list, content: list}, or JSON.

    Raises:
        SourceError: where the columns are others or a file is missing or damaged; after all rows of the other files.
    """
    shards = [path]
    if path.is_dir():
        shards = sorted(path.rglob("*.parquet"), key=lambda shard: natural(shard.relative_to(path).as_posix()))
    if not shards or not shards[0].is_file():
        raise SourceError(f"no Parquet at {str(path)!r}: give a .parquet file, or a folder that holds some")
    errors = []
    for shard in shards:
        try:
            yield from _shard(shard)
        except SourceError as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else SourceError(f"{errors[0]} (and {len(errors) - 1} more such files)")


def _shard(path: Path) -> Iterator[Row | Rejection]:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            if layout(columns) is None:
                raise _not_understood(path, columns)
            wanted = {*ABOUT, "messages", "question", "role", "content", dialogue_column(columns)}
            batches = file.iter_batches(BATCH, columns=[name for name in columns if name in wanted])
            yield from _rows(enumerate(_cells(batches), 1), columns, stem(path))
    except SourceError:
        raise
    except Exception as error:  # pyarrow raises nearly anything on damaged files
        raise SourceError(f"{path} cannot be read as Parquet ({brief(error)}); fetch it again") from None


def _cells(batches: Iterator[Any]) -> Iterator[dict[str, Any] | str]:
    for batch in batches:
        for at in range(batch.num_rows):
            try:
                yield batch.slice(at, 1).to_pylist()[0]
            except UnicodeDecodeError:
                yield "not_utf8"


def _rows(cells: Cells, columns: list[str], name: str) -> Iterator[Row | Rejection]:
    if layout(columns) == "turns":
        yield from _dialogues(cells, str(dialogue_column(columns)), name)
        return
    for at, row in cells:
        yield Rejection(f"{name}:{at}", row) if isinstance(row, str) else row_from(row, f"{name}:{at}")


def _dialogues(cells: Cells, key: str, name: str) -> Iterator[Row | Rejection]:
    dialogue, damage, lost = Row(id="", messages=[]), "", False
    for at, row in cells:
        identity = "" if isinstance(row, str) else row_id(row[key], "")
        if isinstance(row, str) or not identity:
            yield Rejection(f"{name}:{at}", row if isinstance(row, str) else "no_dialogue_id")
            lost = True
            continue
        if identity != dialogue["id"]:
            yield from _whole(dialogue, damage)
            dialogue, damage = Row(id=identity, messages=[]), ""
            about(row, dialogue)
        elif lost:
            damage = "lost_turn"
        lost = False
        if len(dialogue["messages"]) < MAX_TURNS:
            dialogue["messages"].append({"role": row["role"], "content": row["content"]})
        else:
            damage = "too_large"
    yield from _whole(dialogue, damage)


def _whole(dialogue: Row, damage: str) -> Iterator[Row | Rejection]:
    if dialogue["messages"]:
        yield Rejection(dialogue["id"], damage) if damage else dialogue


def _not_understood(path: Path, columns: list[str]) -> SourceError:
    found = brief(ValueError(", ".join(columns))) or "none"
    return SourceError(f"{path} has the columns {found}; what can be read is {UNDERSTOOD}")
