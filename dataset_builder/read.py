"""One source as records: what `python -m dataset_builder read` prints, and what figures are measured of."""

from collections.abc import Iterator
from pathlib import Path

from dataset_builder.clean import read_record
from dataset_builder.config import CleanConfig, load_config
from dataset_builder.inputs import inputs
from dataset_builder.records import Record, Rejection
from dataset_builder.sources import SourceError

__all__ = ["SourceError", "read"]


def read(
    source: str | Path, reader: str | None = None, config: CleanConfig | None = None
) -> Iterator[Record | Rejection]:
    """Every dialogue of `source`, kept or rejected, in order; a path in the format `reader`, or recognised without.

    The sample gives a conversation, and its single-turn question and answer as a record of two messages, in turn. What
    a dialogue's shape allows is repaired (dataset_builder.cleaning.shape); no other rule looks at it.

    A dialogue that was already read, word for word, is rejected as `duplicate`: of all rows, an id of 18 characters
    stays in memory.

    Raises:
        SourceError: where the file is missing or cannot be read on, or there is no such reader.
    """
    config = config or load_config().clean
    seen: set[str] = set()
    for each in inputs([f"{reader}:{source}" if reader else str(source)]):
        for row in each.rows():
            if isinstance(row, Rejection):
                yield row
                continue
            result = read_record(row, source=each.name, config=config)
            if isinstance(result, Record):
                if result.id in seen:
                    result = Rejection(str(row["id"]), "duplicate")
                else:
                    seen.add(result.id)
            yield result
