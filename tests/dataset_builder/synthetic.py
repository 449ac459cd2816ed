"""Any number of dialogues that look real to the pipeline, grown from the sample: its sentences, drawn anew."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

from dataset_builder.inputs import SAMPLE
from dataset_builder.topics import TOPICS

_SENTENCE = re.compile(r"[^。！？\n]+[。！？]?")
LABELLED = 0.7
"""The share of dialogues that name their topic."""


def dialogues(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """`count` rows of 4 to 10 rounds. Each turn has at least two sentences, so that turns seldom recur by chance."""
    users, counsellors = _sentences()
    draw = random.Random(seed)
    topics = list(TOPICS)
    for number in range(count):
        messages = []
        for _ in range(draw.randint(4, 10)):
            messages.append({"role": "user", "content": "".join(draw.choices(users, k=draw.randint(2, 4)))})
            messages.append({"role": "assistant", "content": "".join(draw.choices(counsellors, k=draw.randint(2, 3)))})
        row: dict[str, Any] = {"id": f"s{seed}-{number}", "messages": messages}
        if draw.random() < LABELLED:
            row["topic"] = draw.choice(topics)
        yield row


def _sentences() -> tuple[list[str], list[str]]:
    found: dict[str, dict[str, None]] = {"user": {}, "assistant": {}}
    for topic in TOPICS:
        for line in (SAMPLE / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines():
            for message in json.loads(line)["messages"]:
                for sentence in _SENTENCE.findall(message["content"]):
                    if len(sentence) > 6:
                        found[message["role"]][sentence.rstrip("。！？") + "。"] = None
    return list(found["user"]), list(found["assistant"])
