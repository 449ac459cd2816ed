"""So many a minute, shared by all workers: a bucket that fills steadily and is never more than full."""

import asyncio
import time
from collections.abc import Callable


class Bucket:
    """Holds `rate` units, and fills with as many in a minute. With a rate of 0 there is no limit."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._level, self._filled = float(rate), clock()

    async def take(self, units: int) -> None:
        """Take `units`, at once or when as many have come in since."""
        if not self._rate:
            return
        self._fill()
        self._level -= units  # below 0 it is a queue: whoever comes later waits for those before
        if self._level < 0:
            await asyncio.sleep(-60 * self._level / self._rate)

    def give(self, units: int) -> None:
        """Give back what was taken and not used; a negative number takes what was used beyond."""
        if self._rate:
            self._fill()
            self._level = min(self._rate, self._level + units)

    def _fill(self) -> None:
        now = self._clock()
        self._level = min(float(self._rate), self._level + (now - self._filled) * self._rate / 60)
        self._filled = now
