"""The published Parquet: what the loading script wrote, row by row the same, in the layout that readers want.

Every choice below is for somebody: no `huggingface` key in the schema, for it names the feature type `List`, on which
datasets 3.6 fails wherever the card's `dataset_info` does not overrule it (`load_dataset("parquet", …)`); small row
groups, for whoever streams; pages cut by content, for Xet, which then stores an edited corpus as its difference only;
a page index and statistics of the short columns, for DuckDB and Polars, which read by topic or source.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_builder.corpus import SoulChatCorpus
from dataset_builder.splits import SPLITS

ROW_GROUP = 1_000
"""Rows of a row group, the least that a reader decodes before it has a row.

Of 90,000 dialogues on a local Hub (`tests/compat/streaming.py`), a stream has its first row after 0.12 s; with 10,000
rows a group after 1.0 s, with one group after 2.1 s and the whole file. Groups of 100 rows make it 7% larger.
"""
SHARD_BYTES = 250_000_000
"""The size at which the next row group opens a new file."""
LAYOUT = {
    "compression": "zstd",
    "compression_level": 3,  # 6,740 real dialogues: 6.8 MB; level 1 8.6, snappy 11.2; as fast
    # Of text that never repeats, a dictionary is a second copy; these repeat.
    "use_dictionary": ["topic", "messages.list.element.role", "source", "license", "rewriter"],
    "write_statistics": ["id", "topic", "question_id", "source", "license", "rewriter"],
    "write_page_index": True,
    # datasets' own bounds. A row deleted near the start of 6,740: 27% of the bytes are new, of 3% more; without, 80%.
    # Bounds of 32 to 128 KiB make that 14%, of a file that is 17% larger.
    "use_content_defined_chunking": {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0},
}


@dataclass(frozen=True, slots=True)
class SplitShards:
    """The files of one split of one partition."""

    rows: int
    arrow_bytes: int  # in memory, which is what `datasets` calls num_bytes
    disk_bytes: int
    files: list[Path]


def write_shards(partition: str, partitions: Path, out: Path, cache: Path) -> dict[str, SplitShards]:
    """Publish `partitions/<partition>/<split>*.jsonl` as `out/<split>-00000-of-00001.parquet`; files by split.

    The loading script writes Parquet into `cache`, which is rewritten a row group at a time. `out` appears whole or
    not at all: where it exists already, from before a kill, it is measured and left. Equal rows give equal bytes.
    """
    if out.exists():
        return measure_shards(out)
    prepared, unfinished = cache / "prepared" / partition, out.with_name(f".{out.name}.unfinished")
    for stale in (prepared, unfinished):
        shutil.rmtree(stale, ignore_errors=True)
    unfinished.mkdir(parents=True)
    builder = SoulChatCorpus(
        config_name=partition,
        data_dir=str(partitions.resolve()),
        cache_dir=str(cache),
        writer_batch_size=ROW_GROUP,
    )
    # One file per split, so that only its last row group is short.
    builder.download_and_prepare(str(prepared.resolve()), file_format="parquet", max_shard_size=1 << 50)
    for split in builder.info.splits:
        (source,) = prepared.glob(f"*-{split}*.parquet")
        _rewrite(source, unfinished, split)
    shutil.rmtree(prepared)
    unfinished.rename(out)
    return measure_shards(out)


def measure_shards(folder: Path) -> dict[str, SplitShards]:
    """What lies in a partition's published `folder`, by split in the order of `SPLITS`; reads every row group once."""
    from pyarrow import parquet

    found = {}
    for split in SPLITS:
        if files := sorted(folder.glob(f"{split}-*.parquet")):
            footers = [parquet.read_metadata(file) for file in files]
            found[split] = SplitShards(
                rows=sum(footer.num_rows for footer in footers),
                arrow_bytes=sum(group.nbytes for file in files for group in _row_groups(file)),
                disk_bytes=sum(file.stat().st_size for file in files),
                files=files,
            )
    return found


def _rewrite(source: Path, out: Path, split: str) -> None:
    """`source` as shards of `split` in `out`; one row group is in memory at a time."""
    from pyarrow import parquet

    parts: list[Path] = []
    writer: Any = None
    for group in _row_groups(source):
        table = group.replace_schema_metadata(None)
        if writer is None:
            parts.append(out / f"{split}-{len(parts):05d}")
            writer = parquet.ParquetWriter(parts[-1], table.schema, **LAYOUT)
        writer.write_table(table, row_group_size=ROW_GROUP)
        if parts[-1].stat().st_size >= SHARD_BYTES:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()
    for part in parts:
        part.rename(f"{part}-of-{len(parts):05d}.parquet")


def _row_groups(file: Path) -> Iterator[Any]:
    from pyarrow import parquet

    with parquet.ParquetFile(file) as opened:
        for index in range(opened.num_row_groups):
            yield opened.read_row_group(index)
