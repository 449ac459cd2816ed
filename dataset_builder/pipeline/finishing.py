"""From finished stages to the corpus folder: shards, index of rows, report, pictures, card; in place by a rename."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dataset_builder.card import declared_configs, write_card, write_crisis_card
from dataset_builder.comparison import peers
from dataset_builder.corpus import CRISIS, partition_folder, refused_sources
from dataset_builder.croissant import croissant
from dataset_builder.figures import measure
from dataset_builder.pipeline.stage import Stage
from dataset_builder.records import Record
from dataset_builder.report import Report
from dataset_builder.shards import write_shards
from dataset_builder.splits import SPLITS

MADE = {"README.md", "croissant.json", "data", "report", ".gitattributes", ".cache"}
"""What lies in the folder of a corpus; the last two are a Hub's and its client's."""
REJECTED = "rejected.jsonl"
REVIEWED = "reviewed.jsonl"
"""What reviewers decided and what became of it, in the scratch folder: it names them, and is not published."""
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
    _gather((each for pair in zip(made.cleaned, made.dealt, strict=True) for each in pair), work / REJECTED)
    _gather(made.cleaned, work / REVIEWED)
    staging = _staging(out)
    (staging / "report").mkdir(parents=True)
    written = {summary["partition"]: summary for summary in made.written.summaries()}
    for task, (partition, summary) in enumerate(written.items()):
        report.sizes[partition] = {s: summary["splits"][s]["rows"] for s in SPLITS if s in summary["splits"]}
        report.hashes[partition] = summary["hash"]
        # Copied, not linked: what somebody does to the corpus must not reach what a later start takes for done.
        shutil.copytree(made.written.output(task) / "data", staging / partition_folder(partition))
    _write_rows(made.dealt, staging / "report" / ROWS, report)
    report.figures = measure(_records(made.dealt))
    crisis = _write_crisis(made.cleaned, crisis_folder(out), work, report)
    report.refused = refused_sources(staging)
    _write_report(staging / "report", report, _words(made.dealt))
    write_card(staging / "README.md", report, {partition: each["splits"] for partition, each in written.items()})
    _write_croissant(staging, report)
    swap(staging, out)
    if crisis:
        swap(crisis, crisis_folder(out))
    elif crisis_folder(out).exists():  # of an earlier corpus; this one has none
        shutil.rmtree(crisis_folder(out))


def crisis_folder(out: Path) -> Path:
    """Where the conversations in a crisis go that were taken out of the corpus at `out`."""
    return out.with_name(f"{out.name}-{CRISIS}")


def is_corpus(folder: Path) -> bool:
    """Whether a build has made all of `folder`, so that the next one may replace it."""
    if not (folder / "README.md").is_file() or not (folder / "data").is_dir():
        return False
    return {path.name for path in folder.iterdir()} <= MADE


def _staging(out: Path) -> Path:
    """An empty folder beside `out`, on the same disk, since a rename crosses none."""
    staging = out.with_name(f".{out.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def swap(staging: Path, out: Path) -> None:
    """Put `staging` in the place of `out`; killed in between, the next build finds neither in its way."""
    out.parent.mkdir(parents=True, exist_ok=True)
    old = out.with_name(f".{out.name}.old")
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


def _gather(folders: Iterable[Path], path: Path) -> None:
    """One file of those of the same name in `folders`."""
    with path.open("wb") as gathered:
        for folder in folders:
            if (folder / path.name).is_file():
                with (folder / path.name).open("rb") as part:
                    shutil.copyfileobj(part, gathered)


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


def _write_crisis(cleaned: Iterable[Path], out: Path, work: Path, report: Report) -> Path | None:
    """The conversations in which somebody may be in danger, as a dataset of their own; None where there are none."""
    lines = work / "crisis-lines" / CRISIS
    shutil.rmtree(lines.parent, ignore_errors=True)
    lines.mkdir(parents=True)
    seen: set[str] = set()
    tiers: Counter[str] = Counter()
    with (lines / "train.jsonl").open("w", encoding="utf-8") as kept:
        for shard in cleaned:
            with (shard / "crisis.jsonl").open(encoding="utf-8") as rows:
                for row in map(json.loads, rows):
                    if row["record"]["id"] not in seen:
                        seen.add(row["record"]["id"])
                        tiers[row["tier"]] += 1
                        kept.write(json.dumps(row["record"], ensure_ascii=False) + "\n")
    report.crisis_set = len(seen)
    if not seen:
        return None
    staging = _staging(out)
    written = write_shards(CRISIS, lines.parent, staging / "data", work / "crisis-cache")
    write_crisis_card(staging / "README.md", report, {split: asdict(s) for split, s in written.items()}, tiers)
    return staging
