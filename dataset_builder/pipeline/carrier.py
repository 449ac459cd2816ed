"""Files of a build for machines that share no disk: carried through a private dataset repo of a Hub, for HF Jobs."""

import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_builder.pipeline.stage import Stage

RETRIES = 8
CONFLICTS = (409, 412, 429, 500, 502, 503, 504)
"""Answers after which a commit is tried again: other tasks commit at the same time."""


@dataclass(frozen=True)
class Carrier:
    """`work` as `prefix/` in `repo`. Paths that are carried keep their place in it on every machine."""

    repo: str  # namespace/name
    prefix: str  # of this build: another one in the same repo is not in its way
    work: Path

    def push(self, paths: Iterable[Path]) -> None:
        """Carry files and whole folders, in one commit; what is there already is not carried again."""
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.errors import HfHubHTTPError

        api = HfApi()
        api.create_repo(self.repo, repo_type="dataset", private=True, exist_ok=True)
        files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
        there = set(api.list_repo_files(self.repo, repo_type="dataset"))
        adds = [
            CommitOperationAdd(self._name(file), str(file))
            for file in files
            if file.is_file() and self._name(file) not in there
        ]
        for attempt in range(RETRIES if adds else 0):
            try:
                api.create_commit(self.repo, adds, repo_type="dataset", commit_message="Carry")
                return
            except HfHubHTTPError as error:
                if error.response.status_code not in CONFLICTS or attempt == RETRIES - 1:
                    raise
                time.sleep(2**attempt / 4)

    def pull(self, paths: Iterable[Path]) -> None:
        """Fetch files and whole folders to their places, unless they are there."""
        for path in paths:
            if not path.exists():
                self._fetch(self._name(path), path)

    def pull_outputs(self, stage: Stage) -> None:
        """Fetch what tasks have finished: each output in one piece, as the stage would have left it here."""
        for task in stage.todo():
            output = stage.output(task)
            scratch = output.with_name(f".{output.name}-pulled")
            shutil.rmtree(scratch, ignore_errors=True)
            if self._fetch(self._name(output), scratch):
                scratch.rename(output)

    def _fetch(self, name: str, path: Path) -> bool:
        """Whether there was a file, or a folder, of that name."""
        from huggingface_hub import HfApi

        api = HfApi()
        everything = api.list_repo_files(self.repo, repo_type="dataset")
        found = [file for file in everything if file == name or file.startswith(f"{name}/")]
        for file in found:
            target = path if file == name else path / file.removeprefix(f"{name}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(api.hf_hub_download(self.repo, file, repo_type="dataset"), target)
        return bool(found)

    def _name(self, path: Path) -> str:
        return f"{self.prefix}/{path.relative_to(self.work).as_posix()}"


@dataclass(frozen=True)
class CarriedStep:
    """A stage as a Job runs it: what the task needs is fetched, what it makes is carried back."""

    stage: Stage
    todo: tuple[int, ...]
    carrier: Carrier

    def __call__(self, data: Any, rank: int, world_size: int) -> None:
        task = self.todo[rank]
        self.carrier.pull(self.stage.needs(task))
        self.stage.run(task)
        self.carrier.push([self.stage.output(task)])


def push_needs(carrier: Carrier, stage: Stage, todo: Sequence[int]) -> None:
    """Carry what the tasks `todo` will need."""
    carrier.push(dict.fromkeys(path for task in todo for path in stage.needs(task)))
