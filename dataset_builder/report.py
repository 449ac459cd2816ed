"""What a build did: counts and content hashes, from which its last line and the dataset card are written."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dataset_builder.corpus import SINGLE_TURN
from dataset_builder.figures import Figures
from dataset_builder.splits import SPLITS


@dataclass
class Report:
    """What a build read, kept and rejected; the card is written from it."""

    source: str
    read: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Rows by partition (a topic, `unlabelled` or `single-turn`) and split; only those that have rows."""
    hashes: dict[str, str] = field(default_factory=dict)
    """Content hash by partition: it changes whenever a row, or its split, does."""
    figures: Figures | None = None
    """Of the conversations; None where every row is a single turn."""

    @property
    def name(self) -> str:
        """Of the source, without the folders of the machine that it was read on."""
        return Path(self.source).name

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

    def line(self) -> str:
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.rejected.most_common())
        return f"read {self.read}, kept {self.kept}, rejected {self.rejected.total()}" + (reasons and f" ({reasons})")

    def as_dict(self) -> dict[str, Any]:
        # Not asdict of the whole: it takes a Counter apart.
        return vars(self) | {"source": self.name, "figures": self.figures and asdict(self.figures)}
