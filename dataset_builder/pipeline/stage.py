"""A stage: numbered tasks, each done once. What a task makes appears whole, by a rename, or not at all."""

import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

SUMMARY = "summary.json"
HOST = re.sub(r"[^\w.]", "_", platform.node()) or "host"


class Work(Protocol):
    """What a stage does: picklable, and dependent on nothing but its own values and the files that it needs, so that
    any process on any machine that sees them can do any task, and do it again to the same bytes."""

    def __call__(self, task: int, folder: Path) -> dict[str, Any]:
        """Fill the empty `folder` and return what is worth counting."""

    def needs(self, task: int) -> list[Path]:
        """The files and folders of the build that `task` reads."""


@dataclass(frozen=True)
class Stage:
    """`tasks` numbered tasks, and where their outputs are."""

    name: str
    folder: Path
    tasks: int
    do: Work

    def needs(self, task: int) -> list[Path]:
        """The files and folders of the build that `task` reads."""
        return self.do.needs(task)

    def output(self, task: int) -> Path:
        """The folder that a finished task has made."""
        return self.folder / f"{task:05d}"

    def todo(self) -> list[int]:
        """The tasks that are not done yet."""
        done = {path.name for path in self.folder.glob("[0-9]*")} if self.folder.is_dir() else set()
        return [task for task in range(self.tasks) if f"{task:05d}" not in done]

    def run(self, task: int) -> None:
        """Do `task`, unless it is done. Killed anywhere, it leaves nothing that could be taken for its output."""
        if self.output(task).is_dir():
            return
        scratch = self.folder / f".{task:05d}-{HOST}-{os.getpid()}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        summary = self.do(task, scratch)
        (scratch / SUMMARY).write_text(json.dumps(summary, ensure_ascii=False), encoding="utf-8")
        try:
            scratch.rename(self.output(task))
        except OSError:  # another process was faster; the outputs are the same
            if not self.output(task).is_dir():
                raise
            shutil.rmtree(scratch, ignore_errors=True)

    def summaries(self) -> Iterator[dict[str, Any]]:
        """What the tasks counted, in order."""
        for task in range(self.tasks):
            yield json.loads((self.output(task) / SUMMARY).read_text(encoding="utf-8"))


def outputs(stage: Stage) -> tuple[Path, ...]:
    """The output folders of a finished stage, in order."""
    return tuple(stage.output(task) for task in range(stage.tasks))
