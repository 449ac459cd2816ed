"""The readers: one module per upstream format, each with one verb, `rows(path)`."""

from collections.abc import Callable, Iterator
from pathlib import Path

from dataset_builder.records import Rejection
from dataset_builder.sources import (
    alpaca,
    cpsycound,
    cpsycoune,
    efaqa,
    emollm,
    empathetic_dialogues,
    esconv,
    messages,
    mindchat,
    psyqa,
    sharegpt,
    smile,
    smilechat,
    soulchat,
    tables,
)
from dataset_builder.sources.row import Row, SourceError

__all__ = ["READERS", "Row", "SourceError"]

READERS: dict[str, Callable[[Path], Iterator[Row | Rejection]]] = {
    "soulchat": soulchat.rows,
    "smilechat-v1": smile.rows,
    "smilechat-v2": smilechat.rows,
    "smile-plain": smile.rows,
    "cpsycound": cpsycound.rows,
    "cpsycoune": cpsycoune.rows,
    "emollm": emollm.rows,
    "psyqa": psyqa.rows,
    "efaqa": efaqa.rows,
    "esconv": esconv.rows,
    "empathetic-dialogues": empathetic_dialogues.rows,
    "mindchat": mindchat.rows,
    "sharegpt": sharegpt.rows,
    "alpaca": alpaca.rows,
    "messages": messages.rows,
    "csv": tables.csv_rows,
    "parquet": tables.parquet_rows,
}
"""The name of an upstream format, as `python -m dataset_builder read` takes it, to what reads it."""
