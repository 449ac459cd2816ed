"""From finished stages to the corpus folder: shards, index of rows, report, pictures, card; in place by a rename."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dataset_builder.card import declared_configs, write_card, write_crisis_card
from dataset_builder.comparison import peers
from dataset_builder.corpus import CRISIS, partition_folder
from dataset_builder.croissant import croissant
from dataset_builder.figures import measure
from dataset_builder.pipeline.stage import Stage
from dataset_builder.records import Record
from dataset_builder.report import Report
from dataset_builder.shards import write_shards
from dataset_builder.splits import SPLITS

ROWS = "rows.parquet"
"""In the report: what is known of each row beside the row, one line per row of the corpus."""


@dataclass(frozen=True)
class Made:
    """What the stages of a build have left."""

    report: Report  # with all that was counted; `finish` adds what it finds in the whole
    cleaned: Sequence[Path]
    dealt: Sequence[Path]
    written: Stage


def finish(made: Made, *, out: Path, work: Path) -> None:
    """Put the finished corpus in the place of `out`, and its crisis conversations in `<out>-crisis`."""
    report = made.report
    _gather_rejects(made, work / "rejected.jsonl")
    staging = work / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "report").mkdir(parents=True)
    written = {summary["partition"]: summary for summary in made.written.summaries()}
    for task, (partition, summary) in enumerate(written.items()):
        report.sizes[partition] = {s: summary["splits"][s]["rows"] for s in SPLITS if s in summary["splits"]}
        report.hashes[partition] = summary["hash"]
        _link_tree(made.written.output(task) / "data", staging / partition_folder(partition))
    _write_rows(made.dealt, staging / "report" / ROWS, report)
    report.figures = measure(_records(made.dealt))
    _write_report(staging / "report", report, _words(made.dealt))
    write_card(staging / "README.md", report, {partition: each["splits"] for partition, each in written.items()})
    _write_croissant(staging, report)
    crisis = _write_crisis(made.cleaned, work, report)
    swap(staging, out)
    crisis_out = out.with_name(f"{out.name}-{CRISIS}")
    if crisis:
        swap(crisis, crisis_out)
    elif (crisis_out / "README.md").is_file():  # of an earlier corpus; this one has none
        shutil.rmtree(crisis_out)


def swap(staging: Path, out: Path) -> None:
    """Put `staging` in the place of `out`; killed in between, the next build finds neither in its way."""
    out.parent.mkdir(parents=True, exist_ok=True)
    old = staging.with_name("replaced")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    staging.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _records(scattered: Iterable[Path]) -> Iterator[Record]:
    for shard in scattered:
        for file in sorted(shard.glob("*/*.jsonl")):
            with file.open(encoding="utf-8") as lines:
                for line in lines:
                    yield Record(**json.loads(line))


def _gather_rejects(made: Made, path: Path) -> None:
    with path.open("wb") as gathered:
        for folder in (each for pair in zip(made.cleaned, made.dealt, strict=True) for each in pair):
            if (folder / "rejected.jsonl").is_file():
                with (folder / "rejected.jsonl").open("rb") as rejects:
                    shutil.copyfileobj(rejects, gathered)


def _link_tree(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for file in sorted(source.glob("*.parquet")):
        os.link(file, target / file.name)


def _write_rows(scattered: Iterable[Path], path: Path, report: Report) -> None:
    """The index of all rows, as one Parquet file, a shard at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("id", "split", "group", "source", "source_id", "topic_by")),
            ("topic_confidence", pa.float32()),
            ("traditional", pa.bool_()),
            ("repairs", pa.list_(pa.string())),
        ]
    )
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for shard in scattered:
            if not (shard / "rows.jsonl").is_file():
                continue
            with (shard / "rows.jsonl").open(encoding="utf-8") as lines:
                rows = [json.loads(line) for line in lines]
            report.rows.update(row["source"] for row in rows)
            report.topics_by.update(row["topic_by"] or "none" for row in rows)
            writer.write_table(pa.Table.from_pylist(rows, schema))


def _words(scattered: Iterable[Path]) -> Counter[str]:
    words: Counter[str] = Counter()
    for shard in scattered:
        words.update(json.loads((shard / "words.json").read_text(encoding="utf-8")))
    return words


def _write_report(folder: Path, report: Report, words: Counter[str]) -> None:
    from dataset_builder.plots import draw, draw_topics
    from dataset_builder.word_cloud import draw_word_cloud

    (folder / "report.json").write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "leakage.json").write_text(json.dumps(report.leakage, indent=1), encoding="utf-8")
    draw_topics(folder, {partition: sum(sizes.values()) for partition, sizes in report.sizes.items()})
    if report.figures:
        draw(folder, [(report.name, report.figures), *((peer.name, peer.figures) for peer in peers())])
    if words:
        draw_word_cloud(folder, words)


def _write_croissant(staging: Path, report: Report) -> None:
    described = croissant(
        staging,
        [config["config_name"] for config in declared_configs(report)],
        name="SoulChatCorpus",
        description=f"Multi-turn empathetic counselling conversations in Chinese, built from {report.name}.",
        licenses=sorted(report.licenses),
        published=report.dated,
        version="1.0.0",
    )
    text = json.dumps(described, ensure_ascii=False, indent=1) + "\n"
    (staging / "croissant.json").write_text(text, encoding="utf-8")


def _write_crisis(cleaned: Iterable[Path], work: Path, report: Report) -> Path | None:
    """The conversations in which somebody may be in danger, as a dataset of their own; None where there are none."""
    staging, lines = work / "staging-crisis", work / "crisis-lines" / CRISIS
    for folder in (staging, lines.parent):
        shutil.rmtree(folder, ignore_errors=True)
    lines.mkdir(parents=True)
    seen: set[str] = set()
    tiers: Counter[str] = Counter()
    with (lines / "train.jsonl").open("w", encoding="utf-8") as out:
        for shard in cleaned:
            with (shard / "crisis.jsonl").open(encoding="utf-8") as rows:
                for row in map(json.loads, rows):
                    if row["record"]["id"] not in seen:
                        seen.add(row["record"]["id"])
                        tiers[row["tier"]] += 1
                        out.write(json.dumps(row["record"], ensure_ascii=False) + "\n")
    if not seen:
        return None
    written = write_shards(CRISIS, lines.parent, staging / "data", work / "crisis-cache")
    write_crisis_card(staging / "README.md", report, {split: asdict(s) for split, s in written.items()}, tiers)
    return staging
