"""What is counted of numbers and of seconds, in memory that does not grow with them."""

import math
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

STEP = 1.05
"""Ratio of neighbouring bins of a distribution: a percentile is right to 2.5 %."""
PERCENTILES = (5, 25, 50, 75, 95, 99)
EXACT = 20
"""Whole numbers up to this one have a bin each."""
WINDOW = 300
"""Seconds that are looked back on at most."""

_FIRST = -1_000_000
"""The bin of 0; far below those of logarithms."""


class Distribution:
    """Counts of positive numbers in bins of `STEP`, small whole numbers apart: the memory of a few hundred bins."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self._bins = Counter[int]({int(place): count for place, count in state.get("bins", {}).items()})
        self.count, self.total = int(state.get("count", 0)), float(state.get("total", 0.0))
        self._least, self._most = float(state.get("min", math.inf)), float(state.get("max", 0.0))

    def add(self, value: float) -> None:
        self._bins[_bin(value)] += 1
        self.count += 1
        self.total += value
        self._least, self._most = min(self._least, value), max(self._most, value)

    def percentile(self, share: float) -> float:
        """The value that `share` (0 to 100) of the numbers do not exceed; 0 where there are none."""
        wanted, seen = max(1.0, self.count * share / 100), 0
        for place in sorted(self._bins, key=_middle):
            seen += self._bins[place]
            if seen >= wanted:
                return min(max(_middle(place), self._least), self._most)
        return 0.0

    def summary(self) -> dict[str, float]:
        """Count, mean, extremes and percentiles, as a report has them; {"count": 0} where there are none."""
        if not self.count:
            return {"count": 0}
        figures = {"count": self.count, "mean": self.total / self.count, "min": self._least, "max": self._most}
        return figures | {f"p{share}": self.percentile(share) for share in PERCENTILES}

    def state(self) -> dict[str, Any]:
        if not self.count:
            return {}
        bins = {str(place): count for place, count in sorted(self._bins.items())}
        return {"bins": bins, "count": self.count, "total": self.total, "min": self._least, "max": self._most}


def _bin(value: float) -> int:
    """The bin of `value`: one of its own for a small whole number, else by its logarithm."""
    if value == int(value) and 0 <= value <= EXACT:
        return _FIRST + int(value)
    return math.floor(math.log(max(value, 1e-6)) / math.log(STEP))


def _middle(place: int) -> float:
    return float(place - _FIRST) if place <= _FIRST + EXACT else STEP ** (place + 0.5)


class Recent:
    """What happened in each of the last `WINDOW` seconds: requests, tokens, rows."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._seconds: deque[list[float]] = deque()

    def add(self, now: float, requests: int = 0, tokens: int = 0, rows: int = 0) -> None:
        second = math.floor(now)
        if not self._seconds or self._seconds[-1][0] < second:
            self._seconds.append([second, 0, 0, 0])
            while self._seconds[0][0] <= second - WINDOW:
                self._seconds.popleft()
        latest = self._seconds[-1]
        latest[1] += requests
        latest[2] += tokens
        latest[3] += rows

    def per_second(self, now: float, back: float) -> tuple[float, float, float]:
        """Requests, tokens and rows a second over the last `back` seconds, or since the start where that is less."""
        length = max(1.0, min(back, now - self._start))
        kept = [each for each in self._seconds if each[0] + 1 > now - back]
        return tuple(sum(each[place] for each in kept) / length for place in (1, 2, 3))  # type: ignore[return-value]
