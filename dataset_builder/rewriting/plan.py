"""What a run would do: how many questions, with which prompt, for about how much."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.rewriting.config import RewriteConfig
from dataset_builder.rewriting.cost import estimate
from dataset_builder.rewriting.prompts import prompt
from dataset_builder.rewriting.questions import Shard, questions


@dataclass(frozen=True)
class Plan:
    questions: int  # lines of the shard, those that will be rejected included
    unusable: int
    prompt: str
    prompt_characters: int  # of all first requests
    dollars: float | None  # one request a question; None where a model has no price

    def line(self) -> str:
        cost = "no price known for its cost" if self.dollars is None else f"about ${self.dollars:,.2f}"
        return f"{self.questions:,} questions ({self.unusable:,} unusable), prompt {self.prompt}, {cost}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plan(config: RewriteConfig, path: Path, shard: Shard) -> Plan:
    """Read the questions through, once, and estimate; a second request for a refused conversation is not counted."""
    asked, count, unusable, characters = prompt(config.prompt), 0, 0, 0
    for item in questions(path, shard):
        count += 1
        if isinstance(item, Rejection):
            unusable += 1
        else:
            characters += len(asked.render(item.question, item.answer))
    return Plan(count, unusable, asked.key, characters, estimate(config, count - unusable, characters))
