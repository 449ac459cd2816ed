"""What a person sees of a build: a bar per stage, on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

UNITS = {"read": "source", "group": "corpus", "write": "partition", "report": "report"}
"""What the tasks of a stage are, where they are no shards."""


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
