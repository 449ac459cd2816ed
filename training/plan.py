"""Which rows a step trains on: a function of the seed, so that a resumed run sees what an unbroken one does."""

import functools
import random
from collections.abc import Sequence


def step_rows(rows: int, rows_per_step: int, step: int, seed: int) -> list[int]:
    """The row indices of optimizer step `step` (from 0), over all processes.

    Rows are drawn in a fresh order each epoch, and a step may reach over an epoch's end.
    """
    first = step * rows_per_step
    positions = (divmod(position, rows) for position in range(first, first + rows_per_step))
    return [_order(rows, epoch, seed)[index] for epoch, index in positions]


def total_steps(rows: int, rows_per_step: int, max_steps: int, max_epochs: float) -> int:
    """Steps until `max_steps` or `max_epochs`, whichever comes first; at least one."""
    return max(1, min(max_steps, int(max_epochs * rows / rows_per_step)))


@functools.lru_cache(maxsize=2)  # a step touches two epochs at most, unless there are fewer rows than a step takes
def _order(rows: int, epoch: int, seed: int) -> Sequence[int]:
    order = list(range(rows))
    random.Random(f"{seed}-{epoch}").shuffle(order)
    return order
