"""The dataset card: the configs that make `load_dataset` work, and what a reader needs to know of the rows."""

from pathlib import Path
from typing import Any

import yaml

from dataset_builder.corpus import UNLABELLED
from dataset_builder.report import Report
from dataset_builder.splits import SPLITS
from dataset_builder.topics import TOPICS

TEMPLATE = Path(__file__).parent / "card_template.md"
LOCAL_NAME = "soulchat"
"""What `load_dataset` calls the corpus in the project's root; `card_for` names the published repo instead."""


def write_card(path: Path, report: Report) -> None:
    """Write the card of `report`, with configs for exactly the topics and splits that have rows."""
    from jinja2 import Template

    topics = [topic for topic in TOPICS if topic in report.sizes]
    text = Template(TEMPLATE.read_text(encoding="utf-8"), trim_blocks=False, keep_trailing_newline=True).render(
        card_data=yaml.safe_dump(_card_data(report), allow_unicode=True, sort_keys=False).rstrip(),
        sample=report.source == "sample",
        source=Path(report.source).name,
        kept=report.kept,
        repo_id=LOCAL_NAME,
        topics=topics,
        sizes=_size_rows(report),
        rounds=f"{report.rounds / report.kept:.1f}",
        characters=round(report.characters / (2 * report.rounds)),
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
    configs = [_config("default", "*", set(report.totals), "-".join(report.hashes.values())) | {"default": True}]
    for topic, label in TOPICS.items():
        if topic in report.sizes:
            configs.append(_config(topic, topic, set(report.sizes[topic]), f"{label} {report.hashes[topic]}"))
    return configs


def _config(name: str, folder: str, splits: set[str], description: str) -> dict[str, Any]:
    files = [{"split": split, "path": f"data/{folder}/{split}-*.parquet"} for split in SPLITS if split in splits]
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
    rows: list[dict[str, Any]] = [_size_row("default", "all rows", report.totals)]
    for topic, label in {**TOPICS, UNLABELLED: "no topic, in `default` only"}.items():
        if topic in report.sizes:
            rows.append(_size_row(topic, label, report.sizes[topic]))
    return rows


def _size_row(config: str, label: str, sizes: dict[str, int]) -> dict[str, Any]:
    return {"config": config, "label": label, **{split: sizes.get(split, 0) for split in SPLITS}}


def _size_category(rows: int) -> str:
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")
