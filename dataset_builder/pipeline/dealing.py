"""The fourth stage: a cleaned shard, dealt out to partitions and splits as it was decided for the whole corpus."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from dataset_builder.corpus import SINGLE_TURN, UNLABELLED
from dataset_builder.pipeline.cleaning import rejected
from dataset_builder.pipeline.grouping import REASONS, decisions, reason_counts
from dataset_builder.records import Rejection
from dataset_builder.splits import SPLITS
from dataset_builder.word_cloud import count_words

WORDS = 5_000
"""Of each shard, the most frequent words of the counsellor are kept: a word cloud shows some 200."""


@dataclass(frozen=True)
class Deal:
    """Task n writes `<partition>/<split>.jsonl`, rejected.jsonl, rows.jsonl and words.json of cleaned shard n."""

    cleaned: tuple[Path, ...]
    labelled: tuple[Path, ...]
    sources: tuple[str, ...]  # of each shard
    decided: Path

    def __call__(self, task: int, folder: Path) -> dict[str, Any]:
        reasons, splits, groups = decisions(self.decided)(task)
        labels = json.loads((self.labelled[task] / "labels.json").read_text(encoding="utf-8"))
        counts: Counter[str] = Counter()
        paper: Counter[str] = Counter()
        licenses: Counter[str] = Counter()
        words: Counter[str] = Counter()
        with ExitStack() as files:
            out = _Files(folder, files)
            for index, row in enumerate(self._rows(task)):
                if reason := REASONS[reasons[index]]:
                    rejection = Rejection(row["source_id"], reason)
                    out.write("rejected.jsonl", rejected(rejection, self.sources[task], row["record"]))
                    continue
                record, split = row["record"] | {"topic": labels[index]["topic"]}, SPLITS[splits[index]]
                place = partition_of(record)
                out.write(f"{place}/{split}.jsonl", record)
                out.write("rows.jsonl", _about(row, labels[index], split, int(groups[index])))
                counts[f"{place}/{split}"] += 1
                licenses[record["license"]] += 1
                if row["paper"]:
                    paper[row["paper"]] += 1
                if place != SINGLE_TURN:
                    words.update(count_words(m["content"] for m in record["messages"] if m["role"] == "assistant"))
        frequent = dict(words.most_common(WORDS))
        (folder / "words.json").write_text(json.dumps(frequent, ensure_ascii=False), encoding="utf-8")
        return {
            "source": self.sources[task],
            "sizes": counts,
            "rejected": reason_counts(reasons),
            "paper_filter": paper,
            "licenses": licenses,
        }

    def needs(self, task: int) -> list[Path]:
        return [
            self.cleaned[task] / "records.jsonl",
            self.labelled[task] / "labels.json",
            self.decided / "decisions.npz",
        ]

    def _rows(self, task: int) -> Iterator[dict[str, Any]]:
        with (self.cleaned[task] / "records.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def partition_of(record: dict[str, Any]) -> str:
    """The part of the corpus that a record belongs to: its topic, `unlabelled`, or `single-turn`."""
    return SINGLE_TURN if len(record["messages"]) == 2 else record["topic"] or UNLABELLED


def _about(row: dict[str, Any], label: dict[str, Any], split: str, group: int) -> dict[str, Any]:
    """What is published of a row beside the row: enough to make the splits again, and to have it taken down."""
    return {
        "id": row["record"]["id"],
        "split": split,
        "group": f"g-{group}",
        "source": row["record"]["source"],
        "source_id": row["source_id"],
        "topic_by": label["by"] if label["topic"] else None,
        "topic_confidence": round(label["confidence"], 4),
        "traditional": row["traditional"],
        "repairs": row["repairs"],
    }


class _Files:
    """Files that are opened when the first line goes to them."""

    def __init__(self, folder: Path, files: ExitStack) -> None:
        self._folder, self._files = folder, files
        self._open: dict[str, TextIO] = {}

    def write(self, name: str, value: dict[str, Any]) -> None:
        if name not in self._open:
            path = self._folder / name
            path.parent.mkdir(exist_ok=True)
            self._open[name] = self._files.enter_context(path.open("w", encoding="utf-8"))
        self._open[name].write(json.dumps(value, ensure_ascii=False) + "\n")
