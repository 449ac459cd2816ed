"""The floor that any model must beat: the reply that somebody else got to the most similar message.

Similarity is the cosine of TF-IDF over characters and pairs of characters. Written out here because it is 40 lines of
numpy, and scikit-learn would be a dependency for this alone.
"""

import random
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from model_card.questions import checked_messages
from training.generate import Sampling
from training.prompt import Message


class Nearest:
    """Replies with the reply to the nearest of `turns`, (user message, reply); of equally near ones, the first."""

    def __init__(self, turns: Sequence[tuple[str, str]]) -> None:
        self.turns = turns
        self.columns: dict[str, int] = {}
        rows, columns, counts = array("q"), array("q"), array("d")
        for row, (message, _) in enumerate(turns):
            grams = _grams(message)
            rows.extend([row] * len(grams))
            columns.extend(self.columns.setdefault(gram, len(self.columns)) for gram in grams)
            counts.extend(grams.values())
        by_column = np.argsort(np.array(columns), kind="stable")
        self.rows, column = np.array(rows)[by_column], np.array(columns)[by_column]
        frequency = np.bincount(column, minlength=len(self.columns))
        self.weight = np.log(len(turns) / frequency) + 1
        weighted = np.array(counts)[by_column] * self.weight[column]
        norm = np.sqrt(np.bincount(self.rows, weighted**2, minlength=len(turns)))
        self.values = weighted / norm[self.rows]
        self.starts = np.concatenate([[0], np.cumsum(frequency)])  # where a column's rows begin

    def replies(self, conversations: Sequence[Sequence[Message]], sampling: Sampling) -> list[str]:
        """Deterministic: `sampling` is not used, and the history only as far as the newest message."""
        return [self._reply(messages[-1]["content"]) for messages in conversations]

    def _reply(self, message: str) -> str:
        similarity = np.zeros(len(self.turns))  # but for the message's own length, which changes no order
        for gram, count in _grams(message).items():
            if (column := self.columns.get(gram)) is not None:
                of_column = slice(self.starts[column], self.starts[column + 1])
                similarity[self.rows[of_column]] += count * self.weight[column] * self.values[of_column]
        return self.turns[int(similarity.argmax())][1]


def sample_turns(rows: Iterable[Mapping[str, Any]], limit: int, seed: int) -> list[tuple[str, str]]:
    """At most `limit` (user message, reply) of the rows, each as likely as any other, in one pass (a reservoir)."""
    chance = random.Random(seed)
    kept: list[tuple[str, str]] = []
    read = 0
    for row in rows:
        messages = checked_messages(row)
        for user, counsellor in zip(messages[::2], messages[1::2], strict=False):  # the user may speak last
            read += 1
            turn = (user["content"], counsellor["content"])
            if len(kept) < limit:
                kept.append(turn)
            elif (place := chance.randrange(read)) < limit:
                kept[place] = turn
    return kept


def _grams(text: str) -> Counter[str]:
    text = "".join(text.split())
    return Counter([*text, *(text[start : start + 2] for start in range(len(text) - 1))])
