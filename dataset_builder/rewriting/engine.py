"""A fixed pool of workers over an iterator: each takes the next item when it is done with its last."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_END = object()


async def run_pool(items: Iterable[T], work: Callable[[T], Awaitable[R]], concurrency: int) -> AsyncIterator[R]:
    """The results of `work`, as they come; at most `concurrency` items are worked on, and as many results wait.

    There is no barrier: a slow item holds up its own worker only. When `work` or `items` raises, nothing more is
    taken, what is being worked on is finished and its results still come, and then the first error is raised. Where
    the caller goes away early, the work is cancelled.
    """
    source = iter(items)
    results = asyncio.Queue[R | object](concurrency)
    errors: list[Exception] = []

    async def worker() -> None:
        try:
            for item in source:
                await results.put(await work(item))
                if errors:
                    return
        except Exception as error:
            errors.append(error)

    async def pool() -> None:
        async with asyncio.TaskGroup() as workers:
            for _ in range(concurrency):
                workers.create_task(worker())
        await results.put(_END)

    running = asyncio.create_task(pool())
    try:
        while (result := await results.get()) is not _END:
            yield result  # type: ignore[misc]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    if errors:
        raise errors[0]
