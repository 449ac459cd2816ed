"""A corpus's figures beside those of public corpora: measured the same way, kept as results with their revisions."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from dataset_builder.figures import DISTINCT_WORDS, MEASURED, Figures

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Measured:
    """A corpus, which state of it was measured, and its figures."""

    name: str
    revision: str
    read: int
    kept: int
    figures: Figures

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True)
class Bar:
    """What the sample must reach; `words` say it to people."""

    words: str
    low: float = float("-inf")
    high: float = float("inf")
    below: float = float("inf")

    def holds(self, figure: float) -> bool:
        return self.low <= figure <= self.high and figure < self.below


def peers() -> list[Measured]:
    """The public corpora that were measured: SMILECHAT v2 and CPsyCounD."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(PEERS.glob("*.json"), reverse=True)]
    return [Measured(**row | {"figures": Figures(**row["figures"])}) for row in read]


@dataclass(frozen=True)
class _Row:
    label: str
    value: Callable[[Figures], float | None]
    show: Callable[[float], str]
    bar: Bar | None = None


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _count(number: float) -> str:
    return f"{number:,.0f}"


ROWS = {
    "conversations": _Row("conversations measured", lambda f: f.conversations, _count),
    "counsellor_turns": _Row("counsellor turns", lambda f: f.counsellor_turns, _count),
    "rounds_min": _Row("rounds, fewest", lambda f: f.rounds_min, _count, Bar("at least 8", low=8)),
    "rounds_median": _Row("rounds, median", lambda f: f.rounds_median, lambda rounds: f"{rounds:g}"),
    "rounds_max": _Row("rounds, most", lambda f: f.rounds_max, _count, Bar("at most 16", high=16)),
    "nearest": _Row(
        "most alike two conversations (Jaccard of character 5-grams)",
        lambda f: f.nearest,
        lambda jaccard: f"{jaccard:.3f}",
        Bar("below 0.05", below=0.05),
    ),
    "top_opener": _Row(
        "most frequent first 4 characters of a turn", lambda f: f.top_opener, _percent, Bar("below 4 %", below=0.04)
    ),
    "questions": _Row(
        "turns with a question", lambda f: f.questions, _percent, Bar("40 % to 65 %", low=0.40, high=0.65)
    ),
    "list_words": _Row("turns with list words", lambda f: f.list_words, _percent, Bar("below 1 %", below=0.01)),
    "advice": _Row("turns with advice", lambda f: f.advice, _percent, Bar("below 15 %", below=0.15)),
    "dependency": _Row(
        "turns with a phrase of promise or dependency", lambda f: f.dependency, _percent, Bar("0", high=0)
    ),
    "length_20_90": _Row(
        "turns of 20 to 90 characters", lambda f: f.length_20_90, _percent, Bar("at least 80 %", low=0.80)
    ),
    "distinct_2": _Row(
        f"distinct-2, in {DISTINCT_WORDS:,} words", lambda f: f.distinct_2, lambda share: f"{share:.3f}"
    ),
    "personal_data": _Row("pieces of personal data", lambda f: f.personal_data, _count, Bar("0", high=0)),
}
"""What is compared, in the order in which it is shown; turns are the counsellor's."""


def table(name: str, figures: Figures, *, bars: bool) -> str:
    """A Markdown table of `figures` beside each peer's, with what the sample must reach where `bars`."""
    others = peers()
    head = ["figure", name, *(peer.name for peer in others), *(["must be"] if bars else [])]
    lines = [head, ["---"] * len(head)]
    for row in ROWS.values():
        cells = [_cell(row, corpus) for corpus in (figures, *(peer.figures for peer in others))]
        lines.append([row.label, *cells, *([row.bar.words if row.bar else _beyond(row)] if bars else [])])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def sources() -> str:
    """Which states of the peers the table's figures are of, as one sentence."""
    read = "; ".join(f"{peer.name} {peer.revision}: {peer.kept:,} of {peer.read:,} dialogues kept" for peer in peers())
    return f"{read}; of each, at most {MEASURED:,} conversations of two rounds and more."


def misses(figures: Figures) -> list[str]:
    """What `figures` miss of the sample's bars, in words; distinct-2 must be above every peer's."""
    found = [
        f"{name} is {row.value(figures)}, must be {row.bar.words}"
        for name, row in ROWS.items()
        if row.bar and not row.bar.holds(_number(row.value(figures)))
    ]
    best = max(_number(peer.figures.distinct_2) for peer in peers())
    if not _number(figures.distinct_2) > best:
        found.append(f"distinct_2 is {figures.distinct_2}, must be above {best:.3f}")
    return found


def _cell(row: _Row, figures: Figures) -> str:
    value = row.value(figures)
    return "too small" if value is None else row.show(value)


def _beyond(row: _Row) -> str:
    return "above both" if row is ROWS["distinct_2"] else ""


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
