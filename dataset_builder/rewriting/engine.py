"""A fixed pool of workers over an iterator, whose results come in the order of the items."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 64
"""Results that may wait for a slower one before them, a worker: of 2 % that take twenty times as long, hardly any ever
stops the others. Memory grows with this and the workers, and not with the items."""


async def in_order(items: Iterator[T], work: Callable[[T], Awaitable[R]], concurrency: int) -> AsyncGenerator[R, None]:
    """`work(item)` of every item, `concurrency` at a time, without a barrier: a free worker takes the next item.

    After the first exception no further item is taken; what is in flight is finished, since it is paid for, and then
    the exception comes through. Closing the generator cancels what is in flight.
    """
    pool = _Pool(items, work, concurrency)
    workers = [asyncio.create_task(pool.work_on()) for _ in range(concurrency)]
    everyone = asyncio.gather(*workers)
    everyone.add_done_callback(lambda _: pool.changed.set())
    try:
        while True:
            while pool.next_out in pool.done:
                yield pool.take()
            if everyone.done() and pool.next_out not in pool.done:
                break
            pool.changed.clear()
            if pool.next_out not in pool.done and not everyone.done():
                await pool.changed.wait()
    finally:
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    if pool.failure:
        raise pool.failure


class _Pool(Generic[T, R]):
    """What the workers share."""

    def __init__(self, items: Iterator[T], work: Callable[[T], Awaitable[R]], concurrency: int) -> None:
        self._items, self._work, self._room = enumerate(items), work, AHEAD * concurrency
        self.done: dict[int, R] = {}
        self.next_out = 0
        self.failure: Exception | None = None
        self.changed = asyncio.Event()
        self._may_take = asyncio.Event()
        self._may_take.set()

    async def work_on(self) -> None:
        while not self.failure:
            await self._may_take.wait()
            try:
                index, item = next(self._items)
                if index - self.next_out >= self._room:
                    self._may_take.clear()
                self.done[index] = await self._work(item)
            except StopIteration:
                return
            except Exception as error:  # of the items or of the work: the first one is raised at the end
                self.failure = self.failure or error
                self._may_take.set()
            self.changed.set()

    def take(self) -> R:
        result = self.done.pop(self.next_out)
        self.next_out += 1
        self._may_take.set()
        return result
