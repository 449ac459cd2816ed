"""datasets: pushed in configs and shards, loaded whole and streamed, private, by revision and by pull request.

Traps 5 to 7 of the facts about the Hub's clients are here too.
"""

import os
import sys
import time

from datasets import (
    Dataset,
    DatasetDict,
    Features,
    IterableDataset,
    Sequence,
    Value,
    get_dataset_config_names,
    get_dataset_default_config_name,
    get_dataset_infos,
    get_dataset_split_names,
    load_dataset,
)
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import DatasetCard
from place import Place, run

CONFIGS = ("family", "career", "love")


def several_configs_are_pushed_and_loaded(at: Place) -> None:
    for config in CONFIGS:
        _rows(config).push_to_hub(at.repo, config_name=config)
    assert sorted(get_dataset_config_names(at.repo)) == sorted(CONFIGS)
    for config in CONFIGS:
        assert load_dataset(at.repo, config, split="train")[49] == {"id": f"{config}-49", "text": "你好"}


def several_shards_are_pushed_and_loaded(at: Place) -> None:
    _rows("all", 1_000).push_to_hub(at.repo, num_shards=7)
    shards = [path for path in at.files(repo_type="dataset") if path.endswith(".parquet")]
    assert len(shards) == 7
    assert load_dataset(at.repo, split="train")["id"] == [f"all-{n}" for n in range(1_000)]


def shards_by_size_are_pushed(at: Place) -> None:
    Dataset.from_dict({"noise": [at.noise(100_000, str(n)) for n in range(20)]}).push_to_hub(
        at.repo, max_shard_size="500KB"
    )
    assert sum(path.endswith(".parquet") for path in at.files(repo_type="dataset")) >= 4
    assert load_dataset(at.repo, split="train")[19]["noise"] == at.noise(100_000, "19")


def splits_are_pushed_together(at: Place) -> None:
    DatasetDict(train=_rows("train"), validation=_rows("validation", 5), test=_rows("test", 3)).push_to_hub(at.repo)
    assert get_dataset_split_names(at.repo) == ["train", "validation", "test"]
    loaded = load_dataset(at.repo)
    assert {name: part.num_rows for name, part in loaded.items()} == {"train": 50, "validation": 5, "test": 3}


def a_split_is_added_to_a_config(at: Place) -> None:
    _rows("train").push_to_hub(at.repo, config_name="family", split="train")
    _rows("test", 3).push_to_hub(at.repo, config_name="family", split="test")
    assert set(load_dataset(at.repo, "family")) == {"train", "test"}


def a_second_push_replaces_the_first(at: Place) -> None:
    _rows("old", 900).push_to_hub(at.repo, num_shards=3)
    _rows("new").push_to_hub(at.repo)
    assert load_dataset(at.repo, split="train")["id"] == [f"new-{n}" for n in range(50)]
    assert sum(path.endswith(".parquet") for path in at.files(repo_type="dataset")) == 1


def a_config_is_streamed(at: Place) -> None:
    _rows("family", 500).push_to_hub(at.repo, config_name="family", num_shards=3)
    stream = load_dataset(at.repo, "family", split="train", streaming=True)
    assert [row["id"] for row in stream.skip(100).take(3)] == ["family-100", "family-101", "family-102"]
    assert stream.num_shards == 3
    assert sum(1 for _ in stream) == 500


def a_stream_is_pushed(at: Place) -> None:
    rows = [{"id": f"s-{n}"} for n in range(30)]
    IterableDataset.from_generator(lambda: iter(rows), features=Features({"id": Value("string")})).push_to_hub(at.repo)
    assert load_dataset(at.repo, split="train")["id"][29] == "s-29"


def features_survive(at: Place) -> None:
    features = Features(
        {
            "label": Value("int8"),
            "turns": [{"role": Value("string"), "content": Value("string")}],
            "v": Sequence(Value("float32")),
        }
    )
    rows = {"label": [1], "turns": [[{"role": "client", "content": "我很难过"}]], "v": [[0.5, 1.5]]}
    Dataset.from_dict(rows, features=features).push_to_hub(at.repo)
    loaded = load_dataset(at.repo, split="train")
    assert loaded.features == features
    assert loaded[0] == {key: value[0] for key, value in rows.items()}


def private_is_loaded_with_the_token_alone(at: Place) -> None:
    _rows("secret").push_to_hub(at.repo, private=True)
    try:
        load_dataset(at.repo, token=False)
    except DatasetNotFoundError:
        assert load_dataset(at.repo, split="train").num_rows == 50
        return
    raise AssertionError


def a_revision_is_pushed_and_loaded(at: Place) -> None:
    _rows("main").push_to_hub(at.repo)
    _rows("next").push_to_hub(at.repo, revision="dev/next")
    assert load_dataset(at.repo, split="train", revision="dev/next")["id"][0] == "next-0"
    assert load_dataset(at.repo, split="train")["id"][0] == "main-0"


def a_tag_and_a_commit_are_loaded(at: Place) -> None:
    info = _rows("old").push_to_hub(at.repo)
    at.api.create_tag(at.repo, tag="v1", repo_type="dataset")
    _rows("new").push_to_hub(at.repo)
    for revision in ("v1", info.oid):
        assert load_dataset(at.repo, split="train", revision=revision)["id"][0] == "old-0"


def a_pull_request_is_pushed_and_loaded(at: Place) -> None:
    _rows("main").push_to_hub(at.repo)
    info = _rows("idea").push_to_hub(at.repo, create_pr=True)
    assert info.pr_revision == "refs/pr/1"
    assert load_dataset(at.repo, split="train", revision="refs/pr/1")["id"][0] == "idea-0"
    assert load_dataset(at.repo, split="train")["id"][0] == "main-0"


def an_uploaded_folder_with_configs_in_its_card(at: Place) -> None:
    for config in CONFIGS:
        _rows(config).to_parquet(at.work / "corpus" / config / "train-00000.parquet")
    lines = "\n".join(f"- config_name: {c}\n  data_files: {c}/*.parquet" for c in CONFIGS)
    at.folder({"README.md": f"---\nconfigs:\n{lines}\n  default: true\n---\n"}, "corpus")
    at.new(repo_type="dataset")
    at.api.upload_folder(repo_id=at.repo, repo_type="dataset", folder_path=at.work / "corpus")
    assert get_dataset_default_config_name(at.repo) == "love"
    assert load_dataset(at.repo, split="train")["id"][0] == "love-0"
    assert load_dataset(at.repo, "career", split="train")["id"][0] == "career-0"


def jsonl_and_csv_load_without_a_card(at: Place) -> None:
    at.new(repo_type="dataset")
    at.put("train.jsonl", '{"id": "一"}\n{"id": "二"}\n', repo_type="dataset")
    assert load_dataset(at.repo, split="train")["id"] == ["一", "二"]
    at.put("other/rows.csv", "id,n\na,1\n", repo_type="dataset")
    assert load_dataset(at.repo, data_files="other/rows.csv", split="train")[0] == {"id": "a", "n": 1}
    url = f"hf://datasets/{at.repo}/other/*.csv"
    assert load_dataset("csv", data_files=url, split="train")[0]["n"] == 1


def parquet_goes_and_comes_by_hf_address(at: Place) -> None:
    at.new(repo_type="dataset")
    address = f"hf://datasets/{at.repo}/direct/all.parquet"
    _rows("direct").to_parquet(address)
    assert Dataset.from_parquet(address)["id"][0] == "direct-0"
    _rows("disk").save_to_disk(f"hf://datasets/{at.repo}/disk")
    assert Dataset.load_from_disk(f"hf://datasets/{at.repo}/disk")["id"][49] == "disk-49"


def the_card_tells_configs_and_sizes(at: Place) -> None:
    _rows("family").push_to_hub(at.repo, config_name="family")
    card = DatasetCard.load(at.repo)
    assert card.data["configs"][0]["config_name"] == "family"
    assert card.data["dataset_info"]["splits"][0]["num_examples"] == 50
    assert get_dataset_infos(at.repo)["family"].splits["train"].num_examples == 50


def trap_5_a_lost_dataset_still_loads_from_the_cache_so_use_a_fresh_home(at: Place) -> None:
    _rows("cached").push_to_hub(at.repo)
    load = f"from datasets import load_dataset; print(load_dataset({at.repo!r}, split='train').num_rows)"
    assert run([sys.executable, "-c", load]).strip() == "50"
    at.api.delete_repo(at.repo, repo_type="dataset")
    assert run([sys.executable, "-c", load]).strip() == "50"
    try:
        run([sys.executable, "-c", load], HF_HOME=str(at.work / "fresh"))
    except AssertionError as error:
        assert "DatasetNotFoundError" in str(error)
        return
    raise AssertionError("a deleted dataset loaded in a fresh HF_HOME")


def trap_6_a_server_that_is_down_costs_a_load_its_retries(at: Place) -> None:
    load = "from datasets import load_dataset; load_dataset('local/absent')"
    start = time.monotonic()
    try:
        run([sys.executable, "-c", load], HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(at.work / "fresh"))
    except AssertionError as error:
        assert "ConnectionError" in str(error)
    assert time.monotonic() - start > 5  # hence `local_hub run`, which asks the server first


def trap_7_the_viewer_that_is_not_there_delays_no_load(at: Place) -> None:
    _rows("quick").push_to_hub(at.repo)
    start = time.monotonic()
    assert load_dataset(at.repo, split="train").num_rows == 50
    assert time.monotonic() - start < 20  # its own timeout is 100 s


def a_name_without_namespace_is_pushed_to_the_user_and_refused_on_load(at: Place) -> None:
    _rows("bare").push_to_hub(at.name)
    assert load_dataset(at.repo, split="train").num_rows == 50
    try:
        load_dataset(at.name)
    except DatasetNotFoundError:
        return
    raise AssertionError


def a_downloaded_folder_answers_to_its_bare_name(at: Place) -> None:
    _rows("family").push_to_hub(at.repo, config_name="family")
    at.api.snapshot_download(at.repo, repo_type="dataset", local_dir=at.work / "soulchat")
    os.chdir(at.work)
    assert load_dataset("soulchat", "family", split="train")["id"][0] == "family-0"


def _rows(name: str, count: int = 50) -> Dataset:
    return Dataset.from_dict({"id": [f"{name}-{n}" for n in range(count)], "text": ["你好"] * count})
