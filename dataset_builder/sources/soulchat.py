"""SoulChatCorpus as published: one JSON array of {id, topic, messages: [{role: user | assistant, content}]}."""

from collections.abc import Iterator
from pathlib import Path

from dataset_builder.records import Rejection
from dataset_builder.sources import messages
from dataset_builder.sources.row import Row


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of the file of 0.9 GB, plain or gzip, of which a piece at a time is in memory."""
    yield from messages.rows(path)
