"""What the card declares of features and sizes is what `datasets` itself finds, and refuses to be wrong about."""

import json

import datasets
import pytest
import yaml

from dataset_builder.dataset_info import dataset_info, features

CARD = "---\n{}\n---\n"


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A function that declares what a folder of one shard holds, and loads it with a cache of its own."""
    from dataclasses import asdict

    from dataset_builder.shards import write_shards

    row = {
        "id": "c-1",
        "topic": None,
        "messages": [{"role": "user", "content": "我很累。"}, {"role": "assistant", "content": "累了多久了？"}],
        "question_id": "q-1",
        "source": "made",
        "license": "cc-by-4.0",
        "rewriter": "human",
    }
    lines = tmp_path / "lines" / "emotion"
    lines.mkdir(parents=True)
    (lines / "train.jsonl").write_text(json.dumps(row, ensure_ascii=False) * 1 + "\n", encoding="utf-8")
    folder = tmp_path / "corpus"
    written = write_shards("emotion", lines.parent, folder / "data", tmp_path / "cache")["train"]

    def load(**changed):
        info = dataset_info({"default": {"train": asdict(written) | changed}})
        files = [{"split": "train", "path": "data/train-*.parquet"}]
        card = {"configs": [{"config_name": "default", "data_files": files}], "dataset_info": info}
        (folder / "README.md").write_text(CARD.format(yaml.safe_dump(card, sort_keys=False)), encoding="utf-8")
        return info[0], datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "loaded"))

    return row, load


def test_messages_are_declared_in_the_form_that_old_readers_know():
    assert {
        "name": "messages",
        "list": [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}],
    } in (features())


def test_the_numbers_are_those_that_datasets_finds(corpus):
    row, load = corpus
    info, loaded = load()
    assert list(loaded) == [row]
    found = loaded.info.splits["train"]
    assert [{"name": "train", "num_bytes": found.num_bytes, "num_examples": 1}] == info["splits"]
    assert loaded.info.dataset_size == info["dataset_size"] and info["download_size"] > 1_000


def test_a_split_with_fewer_rows_than_declared_does_not_load(corpus):
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        corpus[1](rows=2)


def test_a_config_names_only_the_splits_that_it_has():
    sizes = {"rows": 2, "arrow_bytes": 20, "disk_bytes": 10}
    (only,) = dataset_info({"sex": {"test": sizes, "train": sizes}})
    assert [split["name"] for split in only["splits"]] == ["train", "test"]
    assert (only["config_name"], only["download_size"], only["dataset_size"]) == ("sex", 20, 40)
