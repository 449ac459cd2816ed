"""Between cleaning and grouping: a topic for each row, from its source, or from a labeller where it names none."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dataset_builder.config import TopicConfig
from dataset_builder.labeller import Label, label


@dataclass(frozen=True)
class LabelTopics:
    """Task n writes labels.json of cleaned shard n: `{topic, confidence, by}` for each row, in order."""

    cleaned: tuple[Path, ...]
    config: TopicConfig
    answers: Path  # of an endpoint: what was paid for is not asked again, so one process at a time does the tasks

    def __call__(self, task: int, folder: Path) -> dict[str, Any]:
        with (self.cleaned[task] / "records.jsonl").open(encoding="utf-8") as lines:
            records = [json.loads(line)["record"] for line in lines]
        labels = [Label(record["topic"], 1.0, "source") for record in records]
        unknown = [index for index, record in enumerate(records) if record["topic"] is None]
        if unknown and self.config.labeller != "none":
            found = self._label([records[index]["messages"] for index in unknown])
            for index, its in zip(unknown, found, strict=True):
                labels[index] = its
        (folder / "labels.json").write_text(json.dumps([asdict(each) for each in labels]), encoding="utf-8")
        return {"by": Counter(each.by if each.topic else "none" for each in labels)}

    def needs(self, task: int) -> list[Path]:
        return [self.cleaned[task] / "records.jsonl"]

    def _label(self, conversations: list[Any]) -> list[Label]:
        config = self.config
        if config.labeller == "classifier":
            return label(conversations, threshold=config.threshold)
        from dataset_builder.labelling_endpoint import label_with_endpoint

        found = label_with_endpoint(
            conversations,
            base_url=config.base_url,
            model=config.model,
            concurrency=config.concurrency,
            cache=self.answers,
        )
        return [
            each if each.confidence >= config.threshold else Label(None, each.confidence, each.by) for each in found
        ]
