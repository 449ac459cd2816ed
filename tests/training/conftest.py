"""A tokenizer and corpora small enough to train on in seconds."""

import json

import pytest

from training.prompt import format_prompt
from training.tokenizer import train_tokenizer

OPENINGS = ["我最近总是睡不着", "我和妈妈又吵架了", "工作太累了，不想去上班", "她不理我了", "考试没考好"]
REPLIES = ["这件事压在你心里多久了？", "那一刻你是什么感觉？", "你已经撑了很久。", "想多说一点吗？"]


def dialogue(index, rounds=3):
    messages = []
    for turn in range(rounds):
        messages.append({"role": "user", "content": f"{OPENINGS[(index + turn) % 5]}，第{index}天{turn}次。"})
        messages.append({"role": "assistant", "content": REPLIES[(index * 3 + turn) % 4]})
    return messages


@pytest.fixture(scope="session")
def dialogues():
    return [dialogue(index, 1 + index % 4) for index in range(40)]


@pytest.fixture(scope="session")
def tokenizer(dialogues):
    return train_tokenizer(map(format_prompt, dialogues), vocab_size=400, window=128)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A built corpus of 200 conversations, with all three splits."""
    from tests.dataset_builder.building import build_into

    folder = tmp_path_factory.mktemp("corpus")
    source = folder / "dialogues.jsonl"
    rows = ({"id": i, "messages": dialogue(i)} for i in range(200))
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    build_into(folder, f"messages:{source}")
    return folder / "soulchat"
