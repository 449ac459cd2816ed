"""What a person sees of a run: one line while it goes on, and a report with distributions at its end."""

import time
from collections import Counter, deque
from collections.abc import Callable
from statistics import median
from typing import Any

from dataset_builder.records import Record, Rejection
from dataset_builder.rewriting.answers import Answer

MINUTE = 60.0


class Tally:
    """Counts of a run; nothing in it grows with the number of rows."""

    def __init__(self, total: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began = clock, clock()
        self._answers: deque[tuple[float, int]] = deque()  # of the last minute: when, and how many tokens
        self._tokens: Counter[str] = Counter()
        self._lengths: Counter[int] = Counter()
        self.total = total  # questions of this shard; 0 where nobody has counted them
        self.before = 0  # rows that earlier starts had written
        self.accepted = 0
        self.rejected: Counter[str] = Counter()
        self.rounds: Counter[int] = Counter()
        self.attempts: Counter[int] = Counter()
        self.requests = 0
        self.asking = 0  # requests in flight
        self.retried = 0
        self.spent = 0.0  # dollars, by all starts
        self._spent_before = 0.0

    def started(self, rows: int, spent: float) -> None:
        self.before, self.spent, self._spent_before = rows, spent, spent

    def answered(self, answer: Answer) -> None:
        now, tokens = self._clock(), answer.prompt_tokens + answer.completion_tokens
        self.requests += 1
        self._tokens.update({"prompt": answer.prompt_tokens, "completion": answer.completion_tokens})
        self._answers.append((now, tokens))
        while self._answers and self._answers[0][0] < now - MINUTE:
            self._answers.popleft()

    def finished(self, result: Record | Rejection, attempts: int) -> None:
        self.attempts[attempts] += 1
        if isinstance(result, Rejection):
            self.rejected[result.reason] += 1
            return
        self.accepted += 1
        self.rounds[len(result.messages) // 2] += 1
        self._lengths.update(len(m["content"]) // 10 * 10 for m in result.messages if m["role"] == "assistant")

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._clock() - self._began

    @property
    def done(self) -> int:
        return self.accepted + self.rejected.total()

    def line(self) -> str:
        """As in `rewrote 41,822 (rejected 613: too_few_rounds 402)  $18.42  612 req/min  …`."""
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.rejected.most_common(3))
        parts = [
            f"rewrote {self.accepted:,} (rejected {self.rejected.total():,}{': ' if reasons else ''}{reasons})",
            *([f"{self.before:,} from earlier"] if self.before else []),
            *([f"${self.spent:.2f}"] if self.spent else []),
            f"{self._per_minute(1):,.0f} req/min, {self._per_minute(0):,.0f} tokens/min",
            *([f"{self.retried:,} tried again"] if self.retried else []),
            *([self._left()] if self.total else []),
        ]
        return "  ".join(parts)

    def report(self) -> dict[str, Any]:
        """Counts and distributions, of this start alone but for `spent` and `rows`."""
        lengths = list(self._lengths.elements())
        return {
            "rows": self.before + self.done,
            "earlier": self.before,
            "accepted": self.accepted,
            "rejected": dict(self.rejected.most_common()),
            "attempts": dict(sorted(self.attempts.items())),
            "rounds": dict(sorted(self.rounds.items())),
            "counsellor_turn_lengths": {"by_tens": dict(sorted(self._lengths.items())),
                                        "median": median(lengths) if lengths else None},
            "requests": self.requests,
            "tried_again": self.retried,
            "tokens": dict(self._tokens),
            "dollars": round(self.spent, 4),
            "seconds": round(self._clock() - self._began, 1),
        }  # fmt: skip

    def _per_minute(self, what: int) -> float:
        """Requests (1) or tokens (0) of the last minute, or of the time that there was."""
        seconds = min(MINUTE, max(1.0, self._clock() - self._began))
        return MINUTE / seconds * sum(1 if what else tokens for _, tokens in self._answers)

    def _left(self) -> str:
        seconds, done = self._clock() - self._began, self.done
        left = self.total - self.before - done
        if not done:
            return f"of {self.total:,}"
        cost = (self.spent - self._spent_before) / done * left
        return f"of {self.total:,}, {seconds / done * left / 60:,.0f} min left" + (
            f", ${cost:,.2f} more" if cost else ""
        )
