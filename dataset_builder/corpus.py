"""The loading script: SoulChatCorpus as a `datasets` builder with a config per topic.

datasets 5 runs no loading scripts from a repository, so this is a producer: `build` has it write the Parquet shards,
and what is published is those shards with the same configs in the card's YAML.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import datasets

from dataset_builder.records import UNKNOWN
from dataset_builder.splits import SPLITS
from dataset_builder.topics import TOPICS

UNLABELLED = "unlabelled"
"""The partition of rows without a topic: part of the `default` config, and of no other."""
SINGLE_TURN = "single-turn"
"""The partition of rows of two messages, a question and its answer: a config of its own, in no other."""

FEATURES = datasets.Features(
    {
        "id": datasets.Value("string"),
        "topic": datasets.Value("string"),
        "messages": datasets.List({"role": datasets.Value("string"), "content": datasets.Value("string")}),
        "question_id": datasets.Value("string"),
        "source": datasets.Value("string"),
        "license": datasets.Value("string"),
        "rewriter": datasets.Value("string"),
    }
)


class SoulChatCorpus(datasets.GeneratorBasedBuilder):  # type: ignore[misc]  # datasets has no types
    """Reads `<data_dir>/<config>/<split>.jsonl`; a config has the splits that have a file."""

    BUILDER_CONFIGS: ClassVar = [
        *(datasets.BuilderConfig(name=topic, description=label) for topic, label in TOPICS.items()),
        datasets.BuilderConfig(name=UNLABELLED, description="rows without a topic"),
        datasets.BuilderConfig(name=SINGLE_TURN, description="questions, each with one long answer"),
    ]

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(features=FEATURES)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        folder = Path(self.config.data_dir) / self.config.name
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"path": folder / f"{split}.jsonl"})
            for split in SPLITS
            if (folder / f"{split}.jsonl").exists()
        ]

    def _generate_examples(self, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        with path.open(encoding="utf-8") as lines:
            for index, line in enumerate(lines):
                yield index, json.loads(line)


def partition_folder(partition: str) -> str:
    """Where the shards of a partition lie in the corpus: the `default` config is all of `data/topics`."""
    return f"data/{SINGLE_TURN}" if partition == SINGLE_TURN else f"data/topics/{partition}"


def shards(folder: Path) -> list[Path]:
    """The Parquet files of a built corpus."""
    return sorted(folder.glob("data/**/*.parquet"))


def corpus_files(folder: Path) -> dict[str, Path]:
    """What the dataset repo holds, by path in the repo: card, report and shards, and no file left by a library."""
    report = [*folder.glob("report/*.json"), *folder.glob("report/*.png")]
    return {str(path.relative_to(folder)): path for path in [folder / "README.md", *sorted(report), *shards(folder)]}


def unlicensed_sources(folder: Path) -> list[str]:
    """The sources of the rows whose licence is unknown: they are not ours to publish."""
    from pyarrow import parquet

    found = set()
    for shard in shards(folder):
        for row in parquet.read_table(shard, columns=["source", "license"]).to_pylist():
            if row["license"] == UNKNOWN:
                found.add(row["source"])
    return sorted(found)
