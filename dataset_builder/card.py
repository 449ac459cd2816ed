"""The dataset card: the configs that make `load_dataset` work, and what a reader needs to know of the rows."""

from collections.abc import Container
from pathlib import Path
from typing import Any

import yaml

from dataset_builder import comparison, reading, situations
from dataset_builder.corpus import SINGLE_TURN, UNLABELLED, partition_folder
from dataset_builder.report import Report
from dataset_builder.splits import SPLITS
from dataset_builder.topics import TOPICS

TEMPLATE = Path(__file__).parent / "card_template.md"
ANSWERED = "questions, each with one long answer"
LOCAL_NAME = "soulchat"
"""What `load_dataset` calls the corpus in the project's root; `card_for` names the published repo instead."""


def write_card(path: Path, report: Report) -> None:
    """Write the card of `report`, with configs for exactly the topics and splits that have rows."""
    from jinja2 import Template

    sample = report.source == "sample"
    topics = [topic for topic in TOPICS if topic in report.sizes]
    text = Template(TEMPLATE.read_text(encoding="utf-8"), trim_blocks=False, keep_trailing_newline=True).render(
        card_data=yaml.safe_dump(_card_data(report), allow_unicode=True, sort_keys=False).rstrip(),
        sample=sample,
        source=report.name,
        conversations=sum(report.totals.values()),
        single_turns=SINGLE_TURN in report.sizes,
        repo_id=LOCAL_NAME,
        topics=topics,
        sizes=_size_rows(report),
        figures=report.figures and comparison.table("this corpus", report.figures, bars=sample),
        measured_of=comparison.sources(),
        situations=situations.situations_line() if sample else "",
        scores=reading.scores_table() if sample else "",
        expressions=reading.expressions_line() if sample else "",
        summary=report.line()[0].upper() + report.line()[1:],
        rejected=report.rejected.most_common(),
        licenses=", ".join(f"{name} {count}" for name, count in report.licenses.most_common()),
    )
    path.write_text(text, encoding="utf-8")


def card_for(card: str, repo_id: str) -> str:
    """The built card as `repo_id` publishes it: the example loads from the Hub."""
    return card.replace(f'load_dataset("{LOCAL_NAME}"', f'load_dataset("{repo_id}"')


def declared_configs(report: Report) -> list[dict[str, Any]]:
    """The card's `configs:`. A split without rows is left out: declaring it would break `load_dataset`.

    `load_dataset` caches a local folder by this YAML alone, so each config's description holds its content hash: a
    rebuilt corpus is never served stale.
    """
    whole = partition_folder("*" if set(report.sizes) != {SINGLE_TURN} else SINGLE_TURN)
    hashes = "-".join(report.hashes[partition] for partition in report.conversations)
    configs = [_config("default", whole, report.totals, hashes) | {"default": True}]
    for partition, label in {**TOPICS, SINGLE_TURN: "questions, each with one long answer"}.items():
        if sizes := report.sizes.get(partition):
            configs.append(
                _config(partition, partition_folder(partition), sizes, f"{label} {report.hashes[partition]}")
            )
    return configs


def _config(name: str, folder: str, splits: Container[str], description: str) -> dict[str, Any]:
    files = [{"split": split, "path": f"{folder}/{split}-*.parquet"} for split in SPLITS if split in splits]
    return {"config_name": name, "description": description, "data_files": files}


def _card_data(report: Report) -> dict[str, Any]:
    sample = report.source == "sample"
    licenses = [name for name in report.licenses if name != "unknown"]
    return {
        "language": ["zh"],
        "license": licenses[0] if len(report.licenses) == 1 and licenses else "other",
        "pretty_name": "SoulChatCorpus" + (" (sample)" if sample else ""),
        "size_categories": [_size_category(report.kept)],
        "task_categories": ["text-generation"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "source_datasets": ["original"] if sample else ["extended"],
        "tags": ["counselling", "empathy", "mental-health", "multi-turn", "soulchat"],
        "configs": declared_configs(report),
    }


def _size_rows(report: Report) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [_size_row("default", "all conversations", report.totals)]
    others = {UNLABELLED: "no topic, in `default` only", SINGLE_TURN: f"{ANSWERED}; not in `default`"}
    for topic, label in {**TOPICS, **others}.items():
        if topic in report.sizes:
            rows.append(_size_row(topic, label, report.sizes[topic]))
    return rows


def _size_row(config: str, label: str, sizes: dict[str, int]) -> dict[str, Any]:
    return {"config": config, "label": label, **{split: sizes.get(split, 0) for split in SPLITS}}


def _size_category(rows: int) -> str:
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")
