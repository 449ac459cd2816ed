"""What a model's card and its `.eval_results/` say of its evaluation, as rows of one table."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_hub import card

MAX_RESULTS = 500


@dataclass(frozen=True)
class Result:
    task: str
    dataset: str
    metric: str
    value: str
    source: str = ""
    link: str | None = None  # http or https


def from_card(about: dict[str, Any]) -> list[Result]:
    """The results in `model-index`; entries of another form are passed over."""
    return list(_from_index(about.get("model-index")))[:MAX_RESULTS]


def _from_index(models: object) -> Iterator[Result]:
    for model in _mappings(models):
        for result in _mappings(model.get("results")):
            task, dataset = _mapping(result.get("task")), _mapping(result.get("dataset"))
            about = [dataset.get("name") or dataset.get("type"), dataset.get("config"), dataset.get("split")]
            source = _mapping(result.get("source"))
            for metric in _mappings(result.get("metrics")):
                yield Result(
                    task=_text(task.get("name") or task.get("type")),
                    dataset=" · ".join(_text(part) for part in about if part),
                    metric=_text(metric.get("name") or metric.get("type")),
                    value=_text(metric.get("value")),
                    source=_text(source.get("name") or source.get("url")),
                    link=_address(source.get("url")),
                )


def from_file(text: str) -> list[Result]:
    """The entries of a file in `.eval_results/`, as huggingface_hub's EvalResultEntry has them."""
    try:
        entries = card.parse("entries:\n" + "".join(f"  {line}\n" for line in text.splitlines())).get("entries")
    except card.CardError:
        return []
    found = []
    for entry in _mappings(entries):
        dataset, source = _mapping(entry.get("dataset")), _mapping(entry.get("source"))
        found.append(
            Result(
                task=_text(dataset.get("task_id")),
                dataset=_text(dataset.get("id")),
                metric=_text(entry.get("notes")),
                value=_text(entry.get("value")),
                source=_text(source.get("name") or source.get("url")),
                link=_address(source.get("url")),
            )
        )
    return found[:MAX_RESULTS]


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"


def _address(value: object) -> str | None:
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None
