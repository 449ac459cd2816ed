"""croissant.json: `mlcroissant` finds nothing to remark, and reads every row of every config from the folder."""

import hashlib
import json
import logging

import mlcroissant
import pytest

from dataset_builder.croissant import LICENSES, croissant
from dataset_builder.shards import write_shards

TOPICS = ("family", "emotion")


def row(topic, split, number):
    return {
        "id": f"c-{topic}-{split}-{number}",
        "topic": None if topic == "unlabelled" else topic,
        "messages": [{"role": "user", "content": "我很累。"}, {"role": "assistant", "content": f"累了{number}天？"}],
        "question_id": f"q-{number}",
        "source": "made",
        "license": "cc-by-4.0",
        "rewriter": "human",
    }


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The folder of a small corpus, croissant.json in it, and its rows by config."""
    work = tmp_path_factory.mktemp("croissant")
    rows = {}
    for topic in (*TOPICS, "unlabelled", "single-turn"):
        (work / "lines" / topic).mkdir(parents=True)
        for split, count in (("train", 3), ("test", 1)):
            made = [row(topic, split, number) for number in range(count)]
            rows[topic] = rows.get(topic, []) + [(split, each) for each in made]
            text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in made)
            (work / "lines" / topic / f"{split}.jsonl").write_text(text, encoding="utf-8")
        place = f"data/{topic}" if topic == "single-turn" else f"data/topics/{topic}"
        write_shards(topic, work / "lines", work / "corpus" / place, work / "cache")
    rows["default"] = [each for topic in (*TOPICS, "unlabelled") for each in rows[topic]]
    configs = ["default", *TOPICS, "single-turn"]
    about = croissant(
        work / "corpus",
        configs,
        name="soulchat",
        description="Made up.",
        licenses=["cc-by-4.0"],
        published="2026-11-25",
        version="1.0.0",
    )
    (work / "corpus" / "croissant.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
    return work / "corpus", {config: rows[config] for config in configs}


def test_it_validates_without_a_remark(described, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(jsonld=described[0] / "croissant.json")
    assert not dataset.metadata.issues.errors and not dataset.metadata.issues.warnings
    assert not caplog.records
    assert dataset.metadata.license == [LICENSES["cc-by-4.0"]]
    assert dataset.metadata.cite_as.startswith("@inproceedings{chen-etal-2023")


@pytest.mark.parametrize("config", ["default", *TOPICS, "single-turn"])
def test_every_row_is_read_with_its_split(described, config):
    folder, rows = described
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")

    def text(value):
        return value if value is None else value.decode()

    read = []
    for record in dataset.records(config):
        found = {name.removeprefix(f"{config}/"): value for name, value in record.items()}
        messages = [
            {part.rsplit("/", 1)[1]: text(said) for part, said in message.items()} for message in found.pop("messages")
        ]
        split = text(found.pop("split"))
        read.append((split, {name: text(value) for name, value in found.items()} | {"messages": messages}))
    assert sorted(read, key=str_id) == sorted(rows[config], key=str_id)


def str_id(pair):
    return pair[1]["id"]


def test_every_shard_is_named_with_its_hash(described):
    folder, _ = described
    about = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    named = {each["contentUrl"]: each["sha256"] for each in about["distribution"] if each["@type"] == "cr:FileObject"}
    shards = sorted(folder.glob("data/**/*.parquet"))
    assert sorted(named) == [path.relative_to(folder).as_posix() for path in shards]
    assert all(named[str(p.relative_to(folder))] == hashlib.sha256(p.read_bytes()).hexdigest() for p in shards)


def test_a_corpus_of_single_turns_alone_is_its_own_default(tmp_path):
    (tmp_path / "data" / "single-turn").mkdir(parents=True)
    (tmp_path / "data" / "single-turn" / "train-00000-of-00001.parquet").write_bytes(b"x")
    about = croissant(
        tmp_path, ["default"], name="n", description="d", licenses=[], published="2026-11-25", version="1.0.0"
    )
    (files,) = [each for each in about["distribution"] if each["@type"] == "cr:FileSet"]
    assert files["includes"] == "data/single-turn/*.parquet"
