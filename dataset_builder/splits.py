"""Assigns questions to train, validation and test, so that no question is in two of them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

SPLITS = ("train", "validation", "test")
HELD_OUT = 0.05
"""The share of a topic's questions in validation, and again in test."""


def assign_splits(questions: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Question id to split, for `(question_id, topic)` pairs; a repeated id keeps its first topic.

    Within a topic, questions are ordered by a hash of their id and the first are held out, so that a corpus that
    grows keeps nearly all of its assignments. A topic of three questions or more has at least one in each split;
    a smaller one is all train.
    """
    topics = dict(reversed(list(questions)))
    by_topic: dict[str | None, list[str]] = defaultdict(list)
    for question, topic in topics.items():
        by_topic[topic].append(question)
    splits = {}
    for members in by_topic.values():
        members.sort(key=lambda question: hashlib.sha256(question.encode()).digest())
        held = max(1, round(len(members) * HELD_OUT)) if len(members) >= 3 else 0
        for index, question in enumerate(members):
            splits[question] = "test" if index < held else "validation" if index < 2 * held else "train"
    return splits
