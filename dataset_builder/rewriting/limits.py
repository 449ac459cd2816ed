"""What keeps requests from being sent: a rate, an endpoint that is down, money."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

LONGEST_WAIT = 30.0
"""Seconds between two tries, or two probes, at most."""


class Halted(Exception):
    """That nothing more is to be asked; what is in flight may still come back."""


class CostReached(Halted):
    """The next request could cost more than there is left."""


class Bucket:
    """So much a minute, evenly: no minute sees more than `per_minute` and a sixtieth of it. 0 is no limit."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = per_minute / 60, clock
        self._room = self._level = max(1.0, self._rate)
        self._at = clock()

    def take(self, amount: float) -> float:
        """Take `amount` and tell how many seconds to wait before it is used; the next one waits behind it."""
        if not self._rate:
            return 0.0
        now = self._clock()
        self._level = min(self._room, self._level + (now - self._at) * self._rate) - amount
        self._at = now
        return max(0.0, -self._level / self._rate)

    def correct(self, amount: float) -> None:
        """Give back what was taken too much; negative where it was too little."""
        self._level = min(self._room, self._level + amount)


class Breaker:
    """Whether the endpoint is up, from what became of the requests so far.

    After `threshold` failures with no answer between them it is taken to be down: all wait, and one at a time probes
    with its own request, at growing intervals. The first answer sets all going again.
    """

    def __init__(self, threshold: int, first_wait: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.answers = 0
        self.failing = set[str]()  # keys of what failed since the last answer
        self._threshold, self._first_wait, self._clock = threshold, first_wait, clock
        self._failures = self._probes = 0
        self._since: float | None = None
        self._probing = asyncio.Lock()

    @property
    def down(self) -> bool:
        return self._failures >= self._threshold

    @property
    def silent(self) -> float:
        """Seconds since the first failure behind the last answer."""
        return 0.0 if self._since is None else self._clock() - self._since

    @asynccontextmanager
    async def turn(self, wait: Callable[[float], Awaitable[None]]) -> AsyncIterator[bool]:
        """One's turn to send, and whether as the only probe of an endpoint that is down, which comes after a wait."""
        if not self.down:
            yield False
            return
        async with self._probing:
            if probe := self.down:  # somebody's probe may have been answered while this one waited
                await wait(backoff(self._probes, self._first_wait))
                self._probes += 1
                yield True
        if not probe:
            yield False

    def answered(self) -> None:
        self.answers += 1
        self._failures = self._probes = 0
        self._since = None
        self.failing.clear()

    def failed(self, key: str, *, counts: bool = True) -> None:
        """A try failed; one that does not count (a 429) proves nothing but that there was no answer."""
        if self._since is None:
            self._since = self._clock()
        self.failing.add(key)
        self._failures += counts


class Refusals:
    """Whether a model refuses one text or whatever it is asked: what it does with the others tells.

    A 400 may be a filter that has no code of its own, or a parameter that it does not know. Whoever is refused waits,
    without a connection, until the model answers somebody else, `most` were refused in a row, or all wait like this.
    """

    def __init__(self, most: int) -> None:
        self._most, self._asking, self._waiting = most, 0, 0
        self._answers, self._refused = Counter[str](), Counter[str]()  # by model; refused since its last answer
        self._changed = asyncio.Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a request is asked."""
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            self.changed()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While one that is asked can tell nothing, as it waits for something else than the endpoint."""
        self._waiting += 1
        self.changed()
        try:
            yield
        finally:
            self._waiting -= 1

    def answered(self, model: str) -> None:
        self._answers[model] += 1
        self._refused[model] = 0
        self.changed()

    def has_answered(self, model: str) -> bool:
        return self._answers[model] > 0

    def changed(self) -> None:
        """Have all who wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def about(self, model: str, stopped: Callable[[], bool]) -> Literal["one", "all", "unknown"]:
        """What a refusal was about; unknown where nobody is left who could tell, or the run has stopped."""
        before = self._answers[model]
        self._refused[model] += 1
        with self.aside():
            while self._answers[model] == before:
                if self._refused[model] >= self._most:
                    return "all"
                if stopped() or self._waiting == self._asking:
                    return "unknown"
                await self._changed.wait()
            return "one"


class Budget:
    """Dollars: what was spent, what is in flight at most, and the ceiling; 0 is none."""

    def __init__(self, ceiling: float, spent: float) -> None:
        self.ceiling, self.spent, self._held, self._flying = ceiling, spent, 0.0, 0
        self._settled, self._turn = asyncio.Event(), asyncio.Lock()

    async def hold(self, most: float) -> None:
        """Set aside what a request may cost at most, as soon as there is room for it; who asks first is first.

        Raises:
            CostReached: where there is not, even when all that is in flight has been settled.
        """
        if not self.ceiling:
            return
        async with self._turn:
            while self.spent + self._held + most > self.ceiling:
                if not self._flying:
                    raise CostReached
                self._settled.clear()
                await self._settled.wait()
            self._held, self._flying = self._held + most, self._flying + 1

    async def again(self, most: float) -> None:
        """What was set aside is gone, for an answer that did not arrive: set as much aside for the next try.

        Raises:
            CostReached: as `hold`; what there was is then still to be settled.
        """
        self.settle(most, most)
        try:
            await self.hold(most)
        except BaseException:
            if self.ceiling:
                self._held, self._flying = self._held + most, self._flying + 1
            raise

    def settle(self, most: float, cost: float) -> None:
        """What was set aside turned out to cost `cost`."""
        self.spent += cost
        if self.ceiling:
            self._held, self._flying = self._held - most, self._flying - 1
            if not self._flying:
                self._held = 0.0  # not a sum of rounding errors
            self._settled.set()


def backoff(times: int, first: float) -> float:
    """Seconds before the next try: doubling from `first`, and jittered, so that those who failed as one come apart."""
    return min(LONGEST_WAIT, first * 2.0 ** min(times, 30)) * random.uniform(0.5, 1)
