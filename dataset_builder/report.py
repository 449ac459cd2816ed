"""What a build did: counts and content hashes, from which its last line and the dataset card are written."""

from collections import Counter
from dataclasses import dataclass, field

from dataset_builder.splits import SPLITS


@dataclass
class Report:
    """What a build read, kept and rejected; the card is written from it."""

    source: str
    read: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    characters: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Rows by partition (a topic, or `unlabelled`) and split; only those that have rows."""
    hashes: dict[str, str] = field(default_factory=dict)
    """Content hash by partition: it changes whenever a row, or its split, does."""

    @property
    def totals(self) -> dict[str, int]:
        """Rows by split over all partitions; only those that have rows."""
        return {split: rows for split in SPLITS if (rows := sum(s.get(split, 0) for s in self.sizes.values()))}

    def line(self) -> str:
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.rejected.most_common())
        return f"read {self.read}, kept {self.kept}, rejected {self.rejected.total()}" + (reasons and f" ({reasons})")
