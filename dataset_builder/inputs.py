"""What a build reads: `sample`, paths in any upstream format, folders of them, and datasets of a Hub."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dataset_builder.records import Rejection
from dataset_builder.sources import READERS, Row, SourceError
from dataset_builder.topics import TOPICS

SAMPLE = Path(__file__).parent / "sample"
SAMPLE_ORIGIN = {"source": "soulchat-sample", "license": "cc-by-4.0", "rewriter": "language-model"}
NAMED_BY_FILE = ("messages", "sharegpt", "alpaca", "csv", "parquet")
"""Formats that anyone uses: their rows are of a source that is called as the file is, unless a row names its own."""

_HUB = re.compile(r"hf:(?P<repo>[\w-][\w.-]*/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class Input:
    """One upstream file or folder and the reader that understands it."""

    reader: str  # a key of READERS, or "sample"
    path: Path
    name: str  # the source of its rows, where they name none

    def rows(self) -> Iterator[Row | Rejection]:
        """Every dialogue, as its source has it."""
        return _sample_rows() if self.reader == "sample" else READERS[self.reader](self.path)

    def changed(self) -> str:
        """The UTC day on which the newest of its files was last changed, ISO 8601; SOURCE_DATE_EPOCH overrules it."""
        newest = float(os.environ.get("SOURCE_DATE_EPOCH") or max(file.stat().st_mtime for file in self._files()))
        return datetime.fromtimestamp(newest, UTC).date().isoformat()

    def _files(self) -> list[Path]:
        found = sorted(path for path in self.path.rglob("*") if path.is_file()) if self.path.is_dir() else []
        return found or [self.path]

    def fingerprint(self) -> str:
        """Changes when the files do: of their names, sizes and times, as hashing a gigabyte at every start is slow."""
        digest = hashlib.sha256(f"{self.reader}\0{self.name}".encode())
        for file in self._files():
            stat = file.stat()
            digest.update(f"\0{file.relative_to(self.path)}\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
        return digest.hexdigest()


def inputs(corpora: Sequence[str]) -> list[Input]:
    """What the words of CORPUS name: `sample`, `FORMAT:PATH`, `hf:NAMESPACE/NAME[@REVISION]`, or a PATH.

    A path without a format is recognised by its content; of a folder of corpora, everything that is recognised.

    Raises:
        SourceError: where a word names nothing, or nothing in it is recognised.
    """
    found = [each for corpus in corpora for each in _named(corpus)]
    if not found:
        raise SourceError("no corpus is named; give 'sample', a path, FORMAT:PATH or hf:NAMESPACE/NAME")
    return list(dict.fromkeys(found))


def _named(corpus: str) -> list[Input]:
    if corpus == "sample":
        return [Input("sample", SAMPLE, SAMPLE_ORIGIN["source"])]
    if corpus.startswith("hf:"):
        return _from_hub(corpus)
    reader, separator, path = corpus.partition(":")
    if separator and reader in READERS:
        return [_input(reader, _existing(Path(path)))]
    if separator and not Path(corpus).exists():
        raise SourceError(f"no reader for the source {reader!r}; there is one for: {', '.join(READERS)}")
    return _recognised(_existing(Path(corpus)))


def _recognised(path: Path) -> list[Input]:
    from dataset_builder.sources.recognise import recognise, sources_in

    if reader := recognise(path):
        return [_input(reader, path)]
    if path.is_dir() and (found := sources_in(path)):
        return [_input(reader, each) for reader, each in found]
    raise SourceError(
        f"{str(path)!r} is in no format that is recognised; name it, as in messages:{path}. There are: "
        f"{', '.join(READERS)}"
    )


def _from_hub(corpus: str) -> list[Input]:
    match = _HUB.fullmatch(corpus)
    if not match:
        raise SourceError(f"{corpus!r} is not hf:NAMESPACE/NAME or hf:NAMESPACE/NAME@REVISION")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    patterns = ["*.parquet", "*.jsonl", "*.jsonl.gz", "*.json", "*.json.gz", "*.csv", "*.tsv", "*.txt", "*.tar.gz"]
    try:
        folder = Path(
            snapshot_download(match["repo"], repo_type="dataset", revision=match["revision"], allow_patterns=patterns)
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SourceError(
            f"{corpus} cannot be fetched ({reason}); check the name, the token and HF_ENDPOINT"
        ) from None
    name = match["repo"].split("/")[1]
    # A corpus that this project published: its report is Parquet too, and no rows.
    if any((folder / "data").rglob("*.parquet")):
        return [Input("parquet", folder / "data", name)]
    return [Input(each.reader, each.path, name) for each in _recognised(folder)]


def _input(reader: str, path: Path) -> Input:
    return Input(reader, path, path.name.split(".")[0] if reader in NAMED_BY_FILE else reader)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise SourceError(f"no corpus at {str(path)!r}: give a file or folder that exists, or 'sample'")
    return path


def _sample_rows() -> Iterator[Row]:
    """The sample's conversations, and the question and answer of each as a record of two messages, in turn."""
    for topic in TOPICS:
        for line in (SAMPLE / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line) | SAMPLE_ORIGIN
            turns = [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]
            yield row | {"id": row["question_id"]}
            yield row | {"id": f"{row['question_id']}-answer", "messages": turns, "answer": None}
