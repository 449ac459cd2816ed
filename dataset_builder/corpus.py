"""The loading script: SoulChatCorpus as a `datasets` builder with a config per topic.

datasets 5 runs no loading scripts from a repository, so this is a producer: `build` has it write the Parquet shards,
and what is published is those shards with the same configs in the card's YAML.
"""

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import datasets

from dataset_builder.licences import refused
from dataset_builder.splits import SPLITS
from dataset_builder.topics import TOPICS

UNLABELLED = "unlabelled"
"""The partition of rows without a topic: part of the `default` config, and of no other."""
CRISIS = "crisis"
"""Conversations in which somebody may be in danger: a dataset of their own, that is not published with the corpus."""
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
    """Reads `<data_dir>/<config>/<split>*.jsonl` in the order of names; a config has the splits that have a file."""

    BUILDER_CONFIGS: ClassVar = [
        *(datasets.BuilderConfig(name=topic, description=label) for topic, label in TOPICS.items()),
        datasets.BuilderConfig(name=UNLABELLED, description="rows without a topic"),
        datasets.BuilderConfig(name=SINGLE_TURN, description="questions, each with one long answer"),
        datasets.BuilderConfig(name=CRISIS, description="conversations in which somebody may be in danger"),
    ]

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(features=FEATURES)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        folder = Path(self.config.data_dir) / self.config.name
        files = {split: sorted(folder.glob(f"{split}*.jsonl")) for split in SPLITS}
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"paths": paths}) for split, paths in files.items() if paths
        ]

    def _generate_examples(self, paths: Iterable[Path]) -> Iterator[tuple[int, dict[str, Any]]]:
        key = itertools.count()
        for path in paths:
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    yield next(key), json.loads(line)


def partition_folder(partition: str) -> str:
    """Where the shards of a partition lie in the corpus: the `default` config is all of `data/topics`."""
    return f"data/{SINGLE_TURN}" if partition == SINGLE_TURN else f"data/topics/{partition}"


def shards(folder: Path) -> list[Path]:
    """The Parquet files of a built corpus."""
    return sorted(folder.glob("data/**/*.parquet"))


def corpus_files(folder: Path) -> dict[str, Path]:
    """What the dataset repo holds, by path in the repo: card, report and shards, and no file left by a library."""
    report = [path for ending in ("json", "png", "parquet") for path in folder.glob(f"report/*.{ending}")]
    files = [folder / "README.md", *folder.glob("croissant.json"), *sorted(report), *shards(folder)]
    return {str(path.relative_to(folder)): path for path in files}


def refused_sources(folder: Path) -> dict[str, tuple[str, int]]:
    """The sources of which rows of a built corpus may not go to a public Hub: why, and how many rows."""
    return refused(_provenance(folder))


def _provenance(folder: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import parquet

    for shard in shards(folder):
        with parquet.ParquetFile(shard) as file:
            for batch in file.iter_batches(columns=["source", "license", "rewriter"]):
                yield from batch.to_pylist()
