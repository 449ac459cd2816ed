"""What a build did, source by source: counts and content hashes, from which its last line and the card are written."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dataset_builder.corpus import SINGLE_TURN, UNLABELLED
from dataset_builder.figures import Figures
from dataset_builder.splits import SPLITS

NAMED = 3
"""Sources that a corpus is called by; of more, their number."""
LEAST_GROUPS = 3
"""Of a topic that is divided (splits.assign_splits): one for each split."""


@dataclass
class SourceReport:
    """What became of the rows of one source: `read` is `kept` and `crisis` and all of `rejected`."""

    read: int = 0
    kept: int = 0
    crisis: int = 0  # in a set of their own
    traditional: int = 0  # written in traditional characters, kept in simplified ones
    rejected: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)  # conversations that a repair changed
    personal_data: Counter[str] = field(default_factory=Counter)  # pieces that were replaced by a placeholder
    paper_filter: Counter[str] = field(default_factory=Counter)  # kept rows that the paper's literal filter would drop
    licenses: Counter[str] = field(default_factory=Counter)

    def add_cleaned(self, counts: dict[str, Any]) -> None:
        """Add the summary of a cleaned shard."""
        rows = counts["rows"]
        self.read += rows.get("read", 0)
        self.kept += rows.get("kept", 0)
        self.crisis += rows.get("crisis", 0)
        self.traditional += rows.get("traditional", 0)
        for name in ("rejected", "repaired", "personal_data"):
            getattr(self, name).update(counts[name])

    def add_dealt(self, counts: dict[str, Any]) -> None:
        """Add the summary of a shard that was dealt out; take off what only the whole corpus could tell of."""
        self.kept -= sum(counts["rejected"].values())
        for name in ("rejected", "paper_filter", "licenses"):
            getattr(self, name).update(counts[name])

    def as_dict(self) -> dict[str, Any]:
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()}


@dataclass
class Report:
    """What a build read, kept and rejected; the card is written from it."""

    sources: dict[str, SourceReport]
    settings: dict[str, Any]
    dated: str  # the day on which the newest source was last changed
    sample: bool  # whether this is the corpus that the project ships, and nothing else
    rows: Counter[str] = field(default_factory=Counter)
    """Rows of the corpus by the source that each names: what a licence is asked for."""
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Rows by partition (a topic, `unlabelled` or `single-turn`) and split; only those that have rows."""
    hashes: dict[str, str] = field(default_factory=dict)
    """Content hash by partition: it changes whenever a row, or its split, does."""
    topics_by: Counter[str] = field(default_factory=Counter)
    """Rows by who named their topic: the source, a labeller, or nobody."""
    groups: int = 0
    """Of rows that are alike, or of one question; no split divides one."""
    reviewed: int = 0
    """Conversations that reviewers decided on."""
    reviewed_elsewhere: int = 0
    """Those of them that no source has."""
    leakage: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Sources of rows that may not be passed on: why, and how many."""
    crisis_set: int = 0
    """Different conversations in the crisis set; `crisis` counts the same one once for each source that has it."""
    figures: Figures | None = None
    """Of the conversations; None where every row is a single turn."""

    @property
    def name(self) -> str:
        names = list(self.sources)
        return ", ".join(names) if len(names) <= NAMED else f"{len(names)} sources"

    @property
    def read(self) -> int:
        return sum(source.read for source in self.sources.values())

    @property
    def kept(self) -> int:
        return sum(source.kept for source in self.sources.values())

    @property
    def crisis(self) -> int:
        return sum(source.crisis for source in self.sources.values())

    @property
    def rejected(self) -> Counter[str]:
        return sum((source.rejected for source in self.sources.values()), Counter())

    @property
    def licenses(self) -> Counter[str]:
        return sum((source.licenses for source in self.sources.values()), Counter())

    @property
    def conversations(self) -> dict[str, dict[str, int]]:
        """The partitions of the `default` config, with their sizes: all but the single turns, if there is more."""
        several = {partition: sizes for partition, sizes in self.sizes.items() if partition != SINGLE_TURN}
        return several or self.sizes

    @property
    def totals(self) -> dict[str, int]:
        """Rows of the `default` config by split; only those that have rows."""
        sizes = self.conversations.values()
        return {split: rows for split in SPLITS if (rows := sum(s.get(split, 0) for s in sizes))}

    def splits_line(self) -> str:
        """Rows of the splits of `default`, and of the single turns beside them."""
        conversations = ", ".join(f"{split} {rows}" for split, rows in self.totals.items())
        beside = self.sizes.get(SINGLE_TURN) if self.conversations is not self.sizes else None
        return conversations + (f"; single turns {sum(beside.values())}" if beside else "")

    def line(self) -> str:
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.rejected.most_common())
        crisis = f", crisis {self.crisis}" if self.crisis else ""
        return f"read {self.read}, kept {self.kept}{crisis}, rejected {self.rejected.total()}" + (
            reasons and f" ({reasons})"
        )

    def notes(self, out: Path, work: Path, decisions: Path | None = None) -> Iterator[str]:
        """What whoever built the corpus should look at next."""
        yield f"how it reads, beside two public corpora: {out / 'README.md'}, {out / 'report'}"
        if rejected := self.rejected.total():
            yield f"the {rejected} rejected dialogues and why: {work / 'rejected.jsonl'}"
        if self.crisis:
            yield f"{self.crisis_set} conversations in a crisis, never published with the corpus: {out}-crisis"
        if missing := self.reviewed_elsewhere:
            which = "of another" if missing == self.reviewed else "of another, or of what it was before"
            yield f"{missing} of {self.reviewed} reviewed conversations are not in this corpus: {decisions} is {which}"
        if set(self.sizes) == {UNLABELLED}:
            yield f"no row has one of the 12 topics, so the corpus has the 'default' config only: {self._label_them()}"
        for split in SPLITS:
            if split not in self.totals:
                yield self._without(split, out)

    def _label_them(self) -> str:
        if self.settings["topics"]["labeller"] == "endpoint":
            return f"name `topic` in the rows, or lower topics.threshold={self.settings['topics']['threshold']}"
        endpoint = "--set topics.labeller=endpoint --set topics.base_url=… --set topics.model=…"
        return f"name `topic` in the rows, or use {endpoint}"

    def _without(self, split: str, out: Path) -> str:
        """Why the corpus has no such split."""
        if not self.settings["splits"]["held_out"]:
            return f"no {split} split: splits.held_out is 0"
        if self.groups < LEAST_GROUPS * len(self.conversations) <= self.kept:  # so there are rows, and yet no groups
            groups = f"{self.groups} group{'s' * (self.groups > 1)} (alike, or of one question)"
            where = out / "report" / "rows.parquet"
            return (
                f"no {split} split: the {self.kept} rows are {groups}, and a topic needs {LEAST_GROUPS}; see {where}"
            )
        return f"too few questions for a {split} split"

    def as_dict(self) -> dict[str, Any]:
        # Not asdict of the whole: it takes a Counter apart.
        totals = {"read": self.read, "kept": self.kept, "crisis": self.crisis, "rejected": dict(self.rejected)}
        sources = {name: source.as_dict() for name, source in self.sources.items()}
        settings = {stage: dict(values) for stage, values in self.settings.items()}
        settings["topics"].pop("base_url")  # perhaps of a network that is nobody's business
        return (
            totals
            | vars(self)
            | {
                "sources": sources,
                "settings": settings,
                "figures": self.figures and asdict(self.figures),
            }
        )
