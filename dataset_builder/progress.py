"""What a person sees of long work: a bar per stage of a build, or one line, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

UNITS = {"read": "source", "group": "corpus", "write": "partition", "report": "report"}
"""What the tasks of a stage are, where they are no shards."""
IN_A_LOG = 60.0
"""Seconds between two lines where nobody watches: a night is 500 lines, not 30,000."""


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int, str], None]]:
    """A function of a stage's name, its tasks done, its tasks, and a note; a stage that is done keeps its bar."""
    from tqdm import tqdm

    bars: dict[str, Any] = {}

    def progress(stage: str, done: int, tasks: int, note: str) -> None:
        if stage not in bars:
            bars[stage] = tqdm(total=tasks, desc=stage, unit=UNITS.get(stage, "shard"), mininterval=0.5)
        bar = bars[stage]
        bar.set_postfix_str(note, refresh=False)
        bar.update(done - bar.n)
        bar.refresh()
        if done == tasks:
            bar.close()

    try:
        yield progress
    finally:
        for bar in bars.values():
            bar.close()


def status_line() -> Callable[[str], None]:
    """A function that shows a line in place of its last one on a terminal; in a log, one a minute, below the other."""
    last = -IN_A_LOG

    def show(line: str) -> None:
        nonlocal last
        if sys.stderr.isatty():
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - last >= IN_A_LOG:
            last = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    return show
