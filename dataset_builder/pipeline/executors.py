"""Where a stage runs: on a pool of processes by default, or on datatrove's executors once one machine is too small."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal, get_args

import yaml

from dataset_builder.pipeline.carrier import CarriedStep, Carrier, push_needs
from dataset_builder.pipeline.stage import Stage
from dataset_builder.processes import end_with_parent

Kind = Literal["pool", "local", "slurm", "ray", "jobs"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RESERVED = {"pipeline", "tasks", "workers", "skip_completed", "logging_dir", "depends"}
"""Arguments of datatrove's executors that a build gives them."""
KEY = "soulchat-build.key"
"""The file in a build's scratch folder that says which build it is of."""
POLL = 2.0
"""Seconds between two looks at what Slurm has finished."""


class ExecutorError(RuntimeError):
    """A stage that did not finish; what it had finished stays, and the same command goes on from there."""


@dataclass(frozen=True)
class Executor:
    """`options` are arguments of datatrove's executor of that kind, such as `partition` and `time` of Slurm."""

    kind: Kind = "pool"
    workers: int = 0  # processes, or tasks at once on a cluster; 0: as many as there are cores
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def processes(self) -> int:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()  # macOS has none
        return self.workers or cores or 1


def executor_from(kind: str, workers: int, options: Path | None) -> Executor:
    """The executor that a command line names; `options` is a YAML file of datatrove's own arguments.

    Raises:
        ValueError: on an unknown kind, or a file that holds no mapping.
    """
    if kind not in KINDS:
        raise ValueError(f"no executor {kind!r}; there are {', '.join(KINDS)}")
    try:
        values = yaml.safe_load(options.read_text(encoding="utf-8")) if options else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{options} cannot be read as YAML ({error})") from None
    if not isinstance(values, dict):
        raise ValueError(f"{options} holds a {type(values).__name__}, not arguments as `partition: cpu` lines")
    if values and kind == "pool":
        raise ValueError("--executor-options are datatrove's; the pool has none: name an --executor")
    if reserved := sorted(RESERVED & set(values)):
        raise ValueError(f"{options} sets {reserved[0]!r}, which the build sets itself; leave it out")
    return Executor(kind, workers, values)


Progress = Callable[[int, int], None]
Run = Callable[[Stage, Progress], None]


@contextmanager
def runner(executor: Executor) -> Iterator[Run]:
    """`run(stage, progress)`, which does all tasks of `stage` that are not done, one stage after the other.

    Every second `progress` hears how many tasks are done, of how many. `run` raises ExecutorError where a task was not
    finished; on a pool, a task's own exception comes through as it is.
    """
    with _Pool(executor.processes) as pool:

        def run(stage: Stage, progress: Progress = lambda done, tasks: None) -> None:
            stage.folder.mkdir(parents=True, exist_ok=True)
            if todo := stage.todo():
                progress(stage.tasks - len(todo), stage.tasks)
                with _heartbeat(lambda: progress(stage.tasks - len(stage.todo()), stage.tasks)):
                    if executor.kind == "pool":
                        pool.do(stage, todo)
                    else:
                        _datatrove(stage, todo, executor)
                if left := stage.todo():
                    raise ExecutorError(
                        f"{stage.name}: {len(left)} of {stage.tasks} tasks were not finished, the first is {left[0]}; "
                        f"what they wrote is in {_logs(stage)}. Run the same command again to go on"
                    )
            progress(stage.tasks, stage.tasks)

        yield run


@contextmanager
def _heartbeat(beat: Callable[[], None]) -> Iterator[None]:
    """Call `beat` every second: what is done is read from disk, so that it is the same wherever the tasks run."""
    over = Event()

    def beating() -> None:
        while not over.wait(1.0):
            beat()

    thread = Thread(target=beating, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Pool:
    """Processes that live as long as a build: each has paid its imports once, some two seconds."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def do(self, stage: Stage, todo: Sequence[int]) -> None:
        """Do the tasks; the first exception of one ends the others that have not begun."""
        if min(self._workers, len(todo)) == 1:  # nothing is gained by a second process
            for task in todo:
                stage.run(task)
            return
        # Spawned, not forked: threads of Arrow and OpenCC in the parent would leave locks that nobody opens.
        self._pool = self._pool or ProcessPoolExecutor(
            self._workers, mp_context=get_context("spawn"), initializer=end_with_parent
        )
        futures = [self._pool.submit(stage.run, task) for task in todo]
        try:
            for future in as_completed(futures):
                future.result()
        except BrokenProcessPool:
            raise ExecutorError(
                f"{stage.name}: a worker process was killed, most likely for memory; try fewer --workers. "
                "Run the same command again to go on"
            ) from None
        finally:
            for future in futures:
                future.cancel()


def _datatrove(stage: Stage, todo: Sequence[int], executor: Executor) -> None:
    """Every rank is a task that is left. What datatrove writes beside the outputs is not what a restart looks at."""
    options = dict(executor.options)
    arguments: dict[str, Any] = {
        "pipeline": [_Step(stage, tuple(todo))],
        "tasks": len(todo),
        "workers": executor.workers or -1,
        "logging_dir": str(_logs(stage)),
        "skip_completed": False,  # its marks would be of another numbering, and outlive outputs that were deleted
    }
    if executor.kind in ("slurm", "jobs"):
        arguments["job_name"] = f"corpus-{stage.name}".replace(" ", "-")
    carrier = _carrier(stage, options) if executor.kind == "jobs" else None
    if carrier:
        push_needs(carrier, stage, todo)
        arguments["pipeline"] = [CarriedStep(stage, tuple(todo), carrier)]
        arguments["logging_dir"] = f"hf://datasets/{carrier.repo}/{carrier.prefix}/{_logs(stage).name}"
    try:
        pipeline = _executor_class(executor.kind)(**arguments | options)
    except TypeError as error:  # of its arguments, which name what is missing or unknown
        raise ValueError(f"--executor {executor.kind}: {error}; give --executor-options a YAML file of them") from None
    pipeline.run()
    while executor.kind == "slurm" and stage.todo() and _queued(pipeline.job_id):  # the others return when all is done
        time.sleep(POLL)
    if carrier:
        carrier.pull_outputs(stage)


def _carrier(stage: Stage, options: dict[str, Any]) -> Carrier:
    """Through which repo the files of Jobs go; takes its name out of `options`."""
    storage = options.pop("storage", None)
    if not isinstance(storage, str) or storage.count("/") != 1:
        raise ValueError(
            f"--executor jobs needs `storage: namespace/name`, a dataset repo for scratch, not {storage!r}"
        )
    work = stage.folder.parent
    return Carrier(storage, (work / KEY).read_text(encoding="utf-8")[:16], work)


def _queued(job: str) -> bool:
    """Whether Slurm still has `job`, pending or running."""
    command = ["squeue", "--noheader", "--jobs", job]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode == 0 and bool(result.stdout.strip())


@dataclass(frozen=True)
class _Step:
    """A stage as datatrove's pipeline calls it."""

    stage: Stage
    todo: tuple[int, ...]

    def __call__(self, data: Any, rank: int, world_size: int) -> None:
        self.stage.run(self.todo[rank])


def _executor_class(kind: Kind) -> Any:
    try:
        from datatrove import executor
    except ImportError:
        raise ExecutorError(f"--executor {kind} needs datatrove: pip install 'soulchat-hub[scale]'") from None
    names = {"local": "Local", "slurm": "Slurm", "ray": "Ray", "jobs": "Jobs"}
    return getattr(executor, f"{names[kind]}PipelineExecutor")


def _logs(stage: Stage) -> Path:
    return stage.folder.with_name(f"{stage.folder.name}-logs")
