"""The reading of the sample: each conversation's CEHS scores with a reason, a language model's opinion and no more."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

READING = Path(__file__).parent / "sample" / "reading.jsonl"
DIMENSIONS = {"content": 2, "empathy": 2, "helpfulness": 2, "safety": 1}
"""The paper's CEHS (table 2), each with its highest score; the lowest is 0."""
EXPRESSIONS = {
    "倾听": "listening",
    "提问": "asking",
    "安慰": "comfort",
    "理解": "understanding",
    "信任": "trust",
    "认可": "acknowledgment",
    "真诚": "sincerity",
    "情感支持": "emotional support",
}
"""The paper's expressions of empathy (figure 2 and section 3.1), and what they are called in the card."""


@dataclass(frozen=True)
class Reading:
    """What a reader thought of one conversation."""

    question_id: str
    id: str  # of the conversation as it was read: it changes with every character
    content: int
    empathy: int
    helpfulness: int
    safety: int
    reason: str
    expressions: dict[str, int]  # an expression that is there, and the index in `messages` of a turn that shows it


def reading() -> list[Reading]:
    """The committed scores, one for each conversation of the sample."""
    return [Reading(**json.loads(line)) for line in READING.read_text(encoding="utf-8").splitlines()]


def scores_table() -> str:
    """How often each score was given, as Markdown."""
    rows = ["| dimension | 0 | 1 | 2 |", "| --- | --- | --- | --- |"]
    for dimension, highest in DIMENSIONS.items():
        given = Counter(getattr(read, dimension) for read in reading())
        cells = [str(given[score]) if score <= highest else "–" for score in range(3)]
        rows.append(f"| {dimension} | {' | '.join(cells)} |")
    return "\n".join(rows)


def expressions_line() -> str:
    """In how many conversations the reader found each of the paper's expressions of empathy."""
    found = Counter(expression for read in reading() for expression in read.expressions)
    return ", ".join(f"{name} ({english}) {found[name]}" for name, english in EXPRESSIONS.items())
