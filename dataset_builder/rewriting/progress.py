"""What a run has done so far: a line for a person, the distributions of its report, and a state that outlives it."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from dataset_builder.records import Messages
from dataset_builder.rewriting.answers import Spent
from dataset_builder.rewriting.cost import Price, price_of
from dataset_builder.rewriting.distribution import WINDOW, Distribution, Recent

MINUTE = 60
"""Seconds that requests and tokens a minute look back on; the time left looks back on WINDOW."""
ENOUGH = 100
"""Rows from which the cost of all is told: answers to rows that are not done yet are paid for too."""
REASONS = 3
"""Reasons that the line names; the report has all."""


class Progress:
    """Counts rows as they finish and answers as they come; nothing here grows with the rows.

    `total` is the number of rows of the run, `state` what an earlier run's `state()` gave, `clock` seconds from any
    start. What was paid is not counted here but given, by model, as the answers on disk tell it.
    """

    def __init__(
        self,
        total: int,
        state: Mapping[str, Any] | None = None,
        *,
        prices: Mapping[str, Price] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        kept = state or {}
        self.total, self.accepted = total, int(kept.get("accepted", 0))
        self.lost_requests, self.lost_cost = int(kept.get("lost", 0)), float(kept.get("lost_cost", 0.0))
        self.reasons = Counter[str](kept.get("reasons", {}))
        self.retries = Counter[str](kept.get("retries", {}))
        self.corrected = Counter[str](kept.get("corrected", {}))
        shapes = kept.get("distributions", {})
        self._shapes = {name: Distribution(shapes.get(name)) for name in _DISTRIBUTIONS}
        self._before = float(kept.get("seconds", 0.0))
        self._prices, self._clock, self._started = prices or {}, clock, clock()
        self._recent = Recent(self._started)
        self.known = self.done

    @property
    def done(self) -> int:
        """Rows that are finished, whichever way."""
        return self.accepted + self.reasons.total()

    def answered(self, prompt_tokens: int, completion_tokens: int, seconds: float) -> None:
        """An answer came that was paid for now, after `seconds` from the first try on."""
        self._recent.add(self._clock(), 1, prompt_tokens + completion_tokens)
        self._shapes["latency_seconds"].add(seconds)
        self._shapes["prompt_tokens"].add(prompt_tokens)
        self._shapes["completion_tokens"].add(completion_tokens)

    def retried(self, kind: str) -> None:
        """A try failed in a way that may pass: 429, 500, timeout, connection."""
        self.retries[kind] += 1

    def lost(self, cost: float) -> None:
        """A request was sent whose answer did not arrive, and may be billed: at `cost` dollars, at the most."""
        self.lost_requests += 1
        self.lost_cost += cost

    def ready(self) -> None:
        """What becomes of one more row is known; it is `finished` once its turn to be written has come."""
        self.known += 1
        self._recent.add(self._clock(), rows=1)

    def sent_back(self, reason: str) -> None:
        """A first transcript goes back to the model, for this reason."""
        self.corrected[reason] += 1

    def finished(self, reason: str | None, messages: Messages | None = None) -> None:
        """A row is done: accepted with its `messages`, or rejected for a `reason`."""
        if reason is not None:
            self.reasons[reason] += 1
            return
        self.accepted += 1
        turns = messages or []
        self._shapes["rounds"].add(len(turns) // 2)
        for turn in turns:
            self._shapes[f"{turn['role']}_characters"].add(len(turn["content"]))

    def line(self, spent: Mapping[str, Spent] | None = None) -> str:
        """One line for a person; `spent` is by model, of all runs of these rows."""
        now = self._clock()
        requests, tokens, _ = self._recent.per_second(now, MINUTE)
        parts = [
            f"{self.done:,} of {self.total:,} rows ({self._percent()})",
            f"{self.accepted:,} accepted",
            f"{self.reasons.total():,} rejected{self._worst()}",
            f"{requests * 60:,.0f} requests/min",
            f"{short(tokens * 60)} tokens/min",
            self._money(spent or {}),
            self._left(now),
        ]
        return ", ".join(part for part in parts if part)

    def report(self, spent: Mapping[str, Spent] | None = None) -> dict[str, Any]:
        """The figures of report.json: counts, distributions, and what each model took."""
        seconds = self._before + self._clock() - self._started
        return {
            "rows": {
                "total": self.total,
                "done": self.done,
                "accepted": self.accepted,
                "rejected": self.reasons.total(),
            },
            "reasons": _by_count(self.reasons),
            "sent_back": _by_count(self.corrected),
            "retries": _by_count(self.retries),
            "lost": {"requests": self.lost_requests, "cost_at_most": self.lost_cost},
            "seconds": seconds,
            "rows_per_second": self.done / seconds if seconds else 0.0,
            **{name: shape.summary() for name, shape in self._shapes.items()},
            "models": {model: self._model(model, each) for model, each in sorted((spent or {}).items())},
            "cost": cost_of(spent or {}, self._prices),
        }

    def state(self) -> dict[str, Any]:
        """What a later run begins from, as JSON."""
        return {
            "accepted": self.accepted,
            "reasons": dict(self.reasons),
            "retries": dict(self.retries),
            "lost": self.lost_requests,
            "lost_cost": self.lost_cost,
            "corrected": dict(self.corrected),
            "seconds": self._before + self._clock() - self._started,
            "distributions": {name: shape.state() for name, shape in self._shapes.items()},
        }

    def _model(self, model: str, spent: Spent) -> dict[str, Any]:
        return {
            "answers": spent.answers,
            "prompt_tokens": spent.prompt_tokens,
            "completion_tokens": spent.completion_tokens,
            "cost": cost_of({model: spent}, self._prices),
        }

    def _percent(self) -> str:
        return f"{100 * self.done / self.total:.1f} %" if self.total else "none to do"

    def _worst(self) -> str:
        if not self.reasons:
            return ""
        named = self.reasons.most_common(REASONS)
        others = self.reasons.total() - sum(count for _, count in named)
        text = ", ".join(f"{reason} {count:,}" for reason, count in named)
        return f" ({text}, others {others:,})" if others else f" ({text})"

    def _money(self, spent: Mapping[str, Spent]) -> str:
        cost = cost_of(spent, self._prices)
        if cost is None:
            return "cost unknown"
        if not cost or self.known < min(self.total, ENOUGH):
            return dollars(cost)
        return f"{dollars(cost)} of about {dollars(cost * self.total / self.known)}"

    def _left(self, now: float) -> str:
        rate = self._recent.per_second(now, WINDOW)[2]
        if self.known >= self.total:
            return ""
        return f"{duration((self.total - self.known) / rate)} left" if rate else "time left unknown"


_DISTRIBUTIONS = (
    "rounds",
    "user_characters",
    "assistant_characters",
    "latency_seconds",
    "prompt_tokens",
    "completion_tokens",
)


def cost_of(spent: Mapping[str, Spent], given: Mapping[str, Price] | None = None) -> float | None:
    """Dollars for what models took; None as soon as one that took something has no price."""
    cost = 0.0
    for model, each in spent.items():
        price = price_of(model, given)
        if price is None and each.prompt_tokens + each.completion_tokens:
            return None
        cost += price.cost(each.prompt_tokens, each.completion_tokens) if price else 0.0
    return cost


def short(number: float) -> str:
    """A number in three digits: 950, 9.5k, 1.2M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit * 0.9995:
            scaled = number / limit
            return f"{scaled:.1f}{unit}" if scaled < 99.95 else f"{scaled:.0f}{unit}"
    return f"{number:.0f}"


def dollars(cost: float) -> str:
    """Cents where there are dollars, and four digits where there are only cents."""
    return f"${cost:,.2f}" if cost >= 1 or not cost else f"${cost:.4f}"


def duration(seconds: float) -> str:
    """A time as a person says it: 40 s, 12 min, 3 h 20 min, 2 d 4 h."""
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
