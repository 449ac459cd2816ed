"""A one-layer model with a tokenizer of its own, and a corpus in Parquet: what training and the builder leave."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from training.prompt import CHAT_TEMPLATE

TROUBLES = [
    "睡不好觉",
    "和室友吵架了",
    "考试没有考好",
    "工作压力很大",
    "总是很焦虑",
    "觉得很孤单",
    "不敢拒绝别人",
    "和父母说不上话",
]
TOPICS = ["emotion", "relationship", "growth", "career"]


def conversation(number: int) -> dict:
    trouble = TROUBLES[number % len(TROUBLES)]
    return {
        "id": f"c{number:04d}",
        "topic": TOPICS[number % len(TOPICS)],
        "messages": [
            {"role": "user", "content": f"这是第{number}次了，我最近{trouble}。"},
            {"role": "assistant", "content": f"听起来{trouble}让你很难受，能多说一点吗？"},
            {"role": "user", "content": f"已经{number + 2}天了，不知道该怎么办。"},
            {"role": "assistant", "content": "谢谢你愿意告诉我。这几天里，有没有稍微好一些的时候？"},
        ],
        "question_id": f"q{number:04d}",
        "source": "test",
        "license": "cc0-1.0",
        "rewriter": "human",
    }


def write_corpus(folder: Path, train: int, test: int) -> Path:
    from datasets import Dataset

    folder.mkdir(parents=True)
    rows = [conversation(number) for number in range(train + test)]
    Dataset.from_list(rows[:train]).to_parquet(folder / "train.parquet")
    Dataset.from_list(rows[train:]).to_parquet(folder / "test.parquet")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  description: corpus of the tests\n  data_files:\n"
        "  - split: train\n    path: train.parquet\n  - split: test\n    path: test.parquet\n---\n",
        encoding="utf-8",
    )
    return folder


def write_model(folder: Path, seed: int = 1) -> Path:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    lines = [turn["content"] for number in range(16) for turn in conversation(number)["messages"]]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<eos>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(lines, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<eos>", pad_token="<pad>", chat_template=CHAT_TEMPLATE
    )
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=512,
        eos_token_id=0,
        pad_token_id=1,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    run = {
        "recipe": "nano",
        "base_model": None,
        "parameters": 20480,
        "steps": 12,
        "tokens": 34567,
        "supervised_tokens": 12345,
        "seconds": 61.5,
        "tokens_per_second": 562.1,
        "losses": {"first": 7.41, "last": 5.32, "validation": None},
        "versions": {"torch": "2.13.0"},
        "corpus": {
            "name": "soulchat",
            "fingerprint": "0123456789abcdef",
            "conversations": {"train": 12, "validation": 12},
            "tokens": {"train": 5602, "validation": 5709},
        },
        "seed": 7,
        "world_size": 2,
        "deepspeed": None,
    }
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """80 conversations to train on, 12 to test on, cached where nothing of this machine lies."""
    import datasets

    folder = tmp_path_factory.mktemp("corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")
        yield write_corpus(folder / "soulchat", train=80, test=12)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed by a test; one that changes it copies it."""
    import torch

    torch.set_num_threads(1)  # on a busy machine two threads wait for each other: a tiny model is ten times slower
    return write_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="session")
def new_model() -> Callable[..., Path]:
    """Another one: `new_model(folder, seed=…)`."""
    return write_model
