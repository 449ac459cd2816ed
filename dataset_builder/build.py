"""Builds the corpus folder that `load_dataset` reads: shards by topic and split, a report, and the card over both."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dataset_builder.card import write_card
from dataset_builder.comparison import peers
from dataset_builder.corpus import SINGLE_TURN, UNLABELLED, SoulChatCorpus, partition_folder
from dataset_builder.figures import measure
from dataset_builder.plots import draw
from dataset_builder.records import Record, Rejection
from dataset_builder.report import Report
from dataset_builder.splits import SPLITS, assign_splits


class NothingKept(ValueError):
    """A source without a single valid dialogue."""


def build(results: Iterable[Record | Rejection], *, source: str, out: Path, work: Path) -> Report:
    """Write the corpus of `results` to the folder `out`, replacing it only once the new one is whole.

    `work` is scratch space of this build, emptied first; the rejects are left in `work/rejected.jsonl`.

    Raises:
        NothingKept: where no dialogue is valid; `out` is then left as it was.
    """
    shutil.rmtree(work, ignore_errors=True)
    partitions, staging = work / "partitions", work / "staging"
    partitions.mkdir(parents=True)
    report = Report(source)
    _store(results, work, report)
    if not report.kept:
        raise NothingKept(f"no valid dialogue in {source}: {report.line()}")
    _distribute(work / "records.jsonl", partitions, report)
    for partition in report.sizes:
        _write_shards(partition, partitions, staging / partition_folder(partition), work / "cache")
    report.figures = measure(_stored(work / "records.jsonl"))
    _write_report(staging / "report", report)
    write_card(staging / "README.md", report)
    _swap(staging, out)
    shutil.rmtree(work / "cache", ignore_errors=True)
    return report


def _store(results: Iterable[Record | Rejection], work: Path, report: Report) -> None:
    """One pass over the source: records and rejects to disk, counts to the report."""
    with (
        (work / "records.jsonl").open("w", encoding="utf-8") as records,
        (work / "rejected.jsonl").open("w", encoding="utf-8") as rejects,
    ):
        for result in results:
            report.read += 1
            if isinstance(result, Rejection):
                report.rejected[result.reason] += 1
                print(_json({"id": result.id, "reason": result.reason}), file=rejects)
                continue
            report.kept += 1
            report.licenses[result.license] += 1
            print(_json(result.as_dict()), file=records)


def _stored(records: Path) -> Iterator[Record]:
    with records.open(encoding="utf-8") as lines:
        for line in lines:
            yield Record(**json.loads(line))


def _distribute(records: Path, partitions: Path, report: Report) -> None:
    """Sort records into `<partition>/<split>.jsonl`. Of all rows, question ids and splits stay in memory."""
    splits = assign_splits((record.question_id, record.topic) for record in _stored(records))
    files: dict[tuple[str, str], Any] = {}
    digests: dict[str, Any] = {}
    sizes: Counter[tuple[str, str]] = Counter()
    try:
        with records.open(encoding="utf-8") as lines:
            for line in lines:
                record = Record(**json.loads(line))
                partition = SINGLE_TURN if record.single_turn else record.topic or UNLABELLED
                place = partition, splits[record.question_id]
                if place not in files:
                    (partitions / partition).mkdir(exist_ok=True)
                    files[place] = (partitions / partition / f"{place[1]}.jsonl").open("w", encoding="utf-8")
                files[place].write(line)
                digests.setdefault(partition, hashlib.sha256()).update(f"{place[1]} {line}".encode())
                sizes[place] += 1
    finally:
        for file in files.values():
            file.close()
    for partition in sorted(digests):
        report.sizes[partition] = {s: sizes[partition, s] for s in SPLITS if sizes[partition, s]}
        report.hashes[partition] = digests[partition].hexdigest()[:16]


def _write_shards(partition: str, partitions: Path, out: Path, cache: Path) -> None:
    """The builder's Parquet shards, named as Hub datasets name them: `<split>-00000-of-00001.parquet`."""
    prepared = cache / "prepared" / partition
    builder = SoulChatCorpus(config_name=partition, data_dir=str(partitions.resolve()), cache_dir=str(cache))
    builder.download_and_prepare(str(prepared.resolve()), file_format="parquet")
    out.mkdir(parents=True)
    for split in builder.info.splits:
        shards = sorted(prepared.glob(f"*-{split}*.parquet"))
        for index, shard in enumerate(shards):
            shard.rename(out / f"{split}-{index:05d}-of-{len(shards):05d}.parquet")


def _write_report(folder: Path, report: Report) -> None:
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
    if report.figures:
        draw(folder, [(report.name, report.figures), *((peer.name, peer.figures) for peer in peers())])


def _swap(staging: Path, out: Path) -> None:
    """Put `staging` in the place of `out`; killed in between, the next build finds neither in its way."""
    out.parent.mkdir(parents=True, exist_ok=True)
    old = staging.with_name("replaced")
    if out.exists():
        out.rename(old)
    staging.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
