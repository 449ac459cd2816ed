"""The dataset card: the configs that make `load_dataset` work, and what a reader needs to know of the rows."""

import hashlib
from collections import Counter
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import yaml

from dataset_builder import comparison, reading, situations
from dataset_builder.corpus import SINGLE_TURN, UNLABELLED, partition_folder
from dataset_builder.dataset_info import dataset_info
from dataset_builder.licences import provenance_table
from dataset_builder.report import Report
from dataset_builder.splits import SPLITS
from dataset_builder.topics import TOPICS

TEMPLATE = Path(__file__).parent / "card_template.md"
CRISIS_TEMPLATE = Path(__file__).parent / "crisis_card_template.md"
ANSWERED = "questions, each with one long answer"
GATE = {
    "extra_gated_heading": "申请使用 Request access",
    "extra_gated_prompt": (
        "本数据集涉及心理困扰。使用者须承诺：仅用于研究；不用于诊断或治疗；"
        "面向公众的系统必须另设危机识别与人工转介；不尝试识别任何个人；仅在各行许可允许时再分发。\n\n"
        "These conversations are about mental distress. By asking for access you agree: research use only; no "
        "diagnosis or treatment; anything that talks to people has crisis screening and referral to humans beside it; "
        "no attempt to identify anybody; passing rows on only as their licences allow."
    ),
    "extra_gated_fields": {
        "姓名 Name": "text",
        "机构 Affiliation": "text",
        "用途 Purpose": "text",
        "我同意以上条款 I agree to these terms": "checkbox",
    },
}
"""What a person is asked who wants access, where the repo is gated; without effect where it is not."""
LOCAL_NAME = "soulchat"
"""What `load_dataset` calls the corpus in the project's root; `card_for` names the published repo instead."""


def write_card(path: Path, report: Report, written: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
    """Write the card of `report`, with configs for exactly the topics and splits that have rows.

    `written` has rows, arrow_bytes and disk_bytes of each partition's splits.
    """
    topics = [topic for topic in TOPICS if topic in report.sizes]
    text = _render(
        TEMPLATE,
        card_data=_yaml(_card_data(report, written)),
        sample=report.sample,
        source=report.name,
        conversations=sum(report.totals.values()),
        single_turns=SINGLE_TURN in report.sizes,
        repo_id=LOCAL_NAME,
        topics=topics,
        sizes=_size_rows(report),
        figures=report.figures and comparison.table("this corpus", report.figures, bars=report.sample),
        measured_of=comparison.sources(),
        situations=situations.situations_line() if report.sample else "",
        scores=reading.scores_table() if report.sample else "",
        expressions=reading.expressions_line() if report.sample else "",
        summary=report.line()[0].upper() + report.line()[1:],
        sources={_one_line(name): source for name, source in report.sources.items()},
        rejected=report.rejected.most_common(),
        repaired=_added(report, "repaired"),
        personal_data=_added(report, "personal_data"),
        paper_filter=_added(report, "paper_filter"),
        kept=report.kept,
        crisis=report.crisis_set,
        word_cloud=(path.parent / "report" / "word_cloud.png").exists(),
        provenance=provenance_table(Counter({_one_line(name): rows for name, rows in report.rows.items()})),
        notices=_notices(report),
        topics_by=report.topics_by.most_common(),
        leakage=report.leakage,
        settings=report.settings["clean"],
        threshold=report.settings["duplicates"]["threshold"],
    )
    path.write_text(text, encoding="utf-8")


def write_crisis_card(
    path: Path, report: Report, written: Mapping[str, Mapping[str, Any]], tiers: Mapping[str, int]
) -> None:
    """Write the card of the conversations in which somebody may be in danger: gated, and not part of the corpus."""
    rows = sum(split["rows"] for split in written.values())
    data = {
        "language": ["zh"],
        "license": "other",
        "pretty_name": "SoulChatCorpus: conversations in a crisis",
        "size_categories": [_size_category(rows)],
        "tags": ["counselling", "mental-health", "crisis", "not-for-all-audiences"],
        **GATE,
        "configs": [_config("default", "data", written, f"{rows} conversations in a crisis") | {"default": True}],
        "dataset_info": dataset_info({"default": dict(written)}),
    }
    text = _render(CRISIS_TEMPLATE, card_data=_yaml(data), rows=rows, tiers=tiers, source=report.name)
    path.write_text(text, encoding="utf-8")


def _render(template: Path, **values: Any) -> str:
    from jinja2 import Template

    text: str = Template(template.read_text(encoding="utf-8"), trim_blocks=False, keep_trailing_newline=True).render(
        **values
    )
    return text


def _yaml(data: Any) -> str:
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False).rstrip()


def _notices(report: Report) -> list[str]:
    """Why rows of some sources may not be passed on."""
    return [f"{rows} rows of {_one_line(source)}: {reason}" for source, (reason, rows) in report.refused.items()]


def _one_line(text: str) -> str:
    """As a cell of a table can hold it."""
    return " ".join(text.split()).replace("|", "\\|")


def _added(report: Report, name: str) -> list[tuple[str, int]]:
    """A counter of the sources, added up, most frequent first."""
    total: Counter[str] = sum((getattr(source, name) for source in report.sources.values()), Counter())
    return total.most_common()


def card_for(card: str, repo_id: str) -> str:
    """The built card as `repo_id` publishes it: the example loads from the Hub."""
    for before in ('load_dataset("', '"hf_hub_url": "'):
        card = card.replace(f'{before}{LOCAL_NAME}"', f'{before}{repo_id}"')
    return card


def declared_configs(report: Report) -> list[dict[str, Any]]:
    """The card's `configs:`. A split without rows is left out: declaring it would break `load_dataset`.

    `load_dataset` caches a local folder by this YAML alone, so each config's description holds its content hash: a
    rebuilt corpus is never served stale.
    """
    whole = partition_folder("*" if set(report.sizes) != {SINGLE_TURN} else SINGLE_TURN)
    of_all = "".join(report.hashes[partition] for partition in report.conversations)
    hashes = f"all conversations {hashlib.sha256(of_all.encode()).hexdigest()[:16]}"
    configs = [_config("default", whole, report.totals, hashes) | {"default": True}]
    for partition, label in {**TOPICS, SINGLE_TURN: ANSWERED}.items():
        if sizes := report.sizes.get(partition):
            configs.append(
                _config(partition, partition_folder(partition), sizes, f"{label} {report.hashes[partition]}")
            )
    return configs


def _config(name: str, folder: str, splits: Container[str], description: str) -> dict[str, Any]:
    files = [{"split": split, "path": f"{folder}/{split}-*.parquet"} for split in SPLITS if split in splits]
    return {"config_name": name, "description": description, "data_files": files}


def _card_data(report: Report, written: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, Any]:
    sample = report.sample
    default = _default_sizes(report, written)
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
        **GATE,
        "configs": declared_configs(report),
        "dataset_info": dataset_info(
            {
                name: default if name == "default" else written[name]
                for name in (config["config_name"] for config in declared_configs(report))
            }
        ),
    }


def _default_sizes(
    report: Report, written: Mapping[str, Mapping[str, Mapping[str, int]]]
) -> dict[str, dict[str, int]]:
    """Rows and bytes of the `default` config's splits."""
    total: dict[str, Counter[str]] = {split: Counter() for split in report.totals}
    for partition in report.conversations:
        for split, sizes in written[partition].items():
            total[split].update(sizes)
    return {split: dict(sizes) for split, sizes in total.items()}


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
