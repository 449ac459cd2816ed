"""The corpus as packed rows of token ids: loaded as any user would, encoded once, cached by content."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.config import ConfigError
from training.encode import Encoded, encode_rounds
from training.packing import collate, pack
from training.prompt import first_round_kept, format_prompt


def load_corpus(corpus: str) -> Any:
    """The `default` config of a built corpus (a folder, or a Hub repo id) as a `DatasetDict`.

    Raises:
        ConfigError: where there is no such corpus, or it has no train split.
    """
    from datasets import load_dataset

    folder = Path(corpus)
    if not folder.is_dir() and not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", corpus):
        raise ConfigError(f"no corpus at {corpus!r}; build one with `make data`, or name a Hub repo as namespace/name")
    if folder.is_dir() and not (folder / "README.md").is_file():
        raise ConfigError(f"{corpus!r} is no built corpus (it has no README.md); build one with `make data`")
    splits = load_dataset(corpus)
    if "train" not in splits:
        raise ConfigError(f"the corpus {corpus!r} has no train split")
    return splits


def fingerprint(splits: Any) -> str:
    """A hash of every row's id by split; ids are content-derived, so it changes when the corpus does."""
    digest = hashlib.sha256()
    for name in sorted(splits):
        digest.update(f"{name}:{','.join(splits[name]['id'])};".encode())
    return digest.hexdigest()[:16]


def formatted(split: Any) -> Iterator[str]:
    """The conversations of a split as the model reads them, for the tokenizer to learn from."""
    for row in split:
        yield format_prompt(row["messages"])


@dataclass(frozen=True)
class PackedRows:
    """A split as rows of up to a window of tokens; a row is fetched from disk when a step asks for it."""

    encoded: Any  # a Dataset with columns ids and labels
    rows: list[list[int]]  # the conversations of each row
    pad: int
    lengths: list[int]  # tokens of each conversation
    dropped: int  # conversations whose newest round alone is longer than the window

    @property
    def tokens(self) -> int:
        return sum(self.lengths)

    def row_tokens(self, row: int) -> int:
        """The real tokens of a row: its padding is not counted."""
        return sum(self.lengths[conversation] for conversation in self.rows[row])

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: Sequence[int]) -> dict[str, Any]:
        """The tensors of the rows at `indices`, as `training.packing.collate` lays them out."""
        rows = []
        for index in indices:
            fetched = self.encoded[self.rows[index]]
            rows.append(list(zip(fetched["ids"], fetched["labels"], strict=True)))
        batch: dict[str, Any] = collate(rows, self.pad)
        return batch


def pack_split(split: Any, tokenizer: Any, window: int) -> PackedRows:
    """Encode a split in one batched pass, drop oldest rounds beyond `window`, and pack what is left.

    The encoded rows are cached by the split's content, the tokenizer's and the window.
    """
    from datasets import Features, List, Value

    key = f"{','.join(split['id'])}|{tokenizer.backend_tokenizer.to_str()}|{window}|2"  # 2: the layout of the cache

    def encode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        fitted = [_fit(rounds, window) for rounds in encode_rounds(tokenizer, batch["messages"])]
        kept = [row for row in fitted if row is not None]
        return {
            "ids": [row.ids for row in kept],
            "labels": [row.labels for row in kept],
            "length": [len(row.ids) for row in kept],
        }

    encoded = split.map(
        encode,
        batched=True,
        remove_columns=split.column_names,
        features=Features({"ids": List(Value("int32")), "labels": List(Value("int32")), "length": Value("int32")}),
        new_fingerprint=hashlib.sha256(key.encode()).hexdigest()[:32],
        desc="encoding",
    )
    lengths = encoded["length"][:]
    return PackedRows(
        encoded=encoded,
        rows=pack(lengths, window),
        pad=tokenizer.pad_token_id,
        lengths=lengths,
        dropped=len(split) - len(encoded),
    )


def _fit(rounds: Sequence[Encoded], window: int) -> Encoded | None:
    """The newest rounds that fit the window as one sequence; None where not even the newest does."""
    if len(rounds[-1].ids) > window:
        return None
    kept = rounds[first_round_kept([len(part.ids) for part in rounds], window) :]
    return sum(kept[1:], start=kept[0])
