"""Stages and where they run: each task done once, its output whole or absent, on processes, Ray or Slurm."""

import os
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataset_builder.pipeline.executors import Executor, ExecutorError, executor_from, runner
from dataset_builder.pipeline.stage import Stage

ROOT = Path(__file__).resolve().parents[3]


def run(stage, executor, progress=lambda done, tasks: None):
    with runner(executor) as run:
        run(stage, progress)


@dataclass(frozen=True)
class Square:
    """Writes the square of its task, and a line to a log for every time that it is done."""

    log: Path
    fails_at: int = -1

    def __call__(self, task, folder):
        with self.log.open("a") as log:
            log.write(f"{task}\n")
        (folder / "part").write_text("half")
        if task == self.fails_at:
            raise ValueError(f"task {task} cannot be done")
        (folder / "square").write_text(str(task * task))
        return {"task": task}

    def needs(self, task):
        return [self.log.with_name(f"need-{task}")]


@pytest.fixture
def stage(tmp_path):
    return Stage("square", tmp_path / "square", 5, Square(tmp_path / "log"))


def done(stage):
    return [(stage.output(task) / "square").read_text() for task in range(stage.tasks)]


def times(stage):
    return sorted(stage.do.log.read_text().split())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_pool_does_every_task_once_and_a_second_run_does_none(stage, workers):
    for _ in range(2):
        run(stage, Executor(workers=workers))
    assert done(stage) == ["0", "1", "4", "9", "16"]
    assert times(stage) == ["0", "1", "2", "3", "4"]
    assert [summary["task"] for summary in stage.summaries()] == [0, 1, 2, 3, 4]


def test_a_task_that_fails_leaves_no_output_and_its_neighbours_are_kept(tmp_path):
    stage = Stage("square", tmp_path / "square", 5, Square(tmp_path / "log", fails_at=3))
    with pytest.raises(ValueError, match="task 3 cannot be done"):
        run(stage, Executor(workers=1))
    assert stage.todo() == [3, 4]
    run(Stage("square", stage.folder, 5, Square(tmp_path / "log")), Executor(workers=1))
    assert done(stage) == ["0", "1", "4", "9", "16"]
    assert times(stage) == ["0", "1", "2", "3", "3", "4"]


def test_progress_is_told_where_a_stage_ends_even_when_all_was_done(stage):
    told = []
    for _ in range(2):
        run(stage, Executor(workers=1), lambda done, tasks: told.append((done, tasks)))
    assert told.count((5, 5)) == 2


@dataclass(frozen=True)
class Ends:
    """The process that does it is gone, as the kernel ends one for memory."""

    def __call__(self, task, folder):
        os._exit(9)


def test_a_worker_that_is_killed_is_an_error_that_says_how_to_go_on(tmp_path):
    with pytest.raises(ExecutorError, match=r"a worker process was killed.*--workers"):
        run(Stage("ends", tmp_path / "ends", 2, Ends()), Executor(workers=2))


def test_datatroves_local_executor_does_what_is_left(stage):
    stage.folder.mkdir()
    stage.run(2)
    run(stage, Executor("local", workers=2))
    assert done(stage) == ["0", "1", "4", "9", "16"]
    assert times(stage) == ["0", "1", "2", "3", "4"]


def test_an_executor_that_is_none_and_options_that_are_none_are_named(tmp_path):
    with pytest.raises(ValueError, match="no executor 'spark'; there are pool, local, slurm, ray, jobs"):
        executor_from("spark", 0, None)
    (tmp_path / "options.yaml").write_text("- partition")
    with pytest.raises(ValueError, match=r"options\.yaml holds a list, not arguments"):
        executor_from("slurm", 0, tmp_path / "options.yaml")


# What Slurm's commands do to a script that is submitted: each task of its array is run, one after the other.
SBATCH = """#!/bin/sh
for last; do :; done
cp "$last" "{folder}/script-$$"
echo "Submitted batch job $$"
grep -q 'merge_stats' "$last" && exit 0
first=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$last")
for task in $(seq 0 "${{first:-0}}"); do
    SLURM_ARRAY_TASK_ID=$task SLURM_NODELIST=localhost RUN_OFFSET=0 sh "$last" >> "{folder}/log" 2>&1
done
"""
SRUN = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do [ "$1" = -n ] && shift; shift; done
exec "$@"
"""


def command(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_slurm_is_given_a_script_that_does_the_tasks_that_are_left(stage, tmp_path, monkeypatch):
    commands = tmp_path / "bin"
    commands.mkdir()
    command(commands, "sbatch", SBATCH.format(folder=commands))
    command(commands, "srun", SRUN)
    command(commands, "squeue", "#!/bin/sh\n")
    command(commands, "scontrol", "#!/bin/sh\necho localhost\n")
    monkeypatch.setenv("PATH", f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{Path(__file__).parent}")
    stage.folder.mkdir()
    stage.run(1)
    run(stage, Executor("slurm", workers=2, options={"partition": "cpu", "time": "01:00:00", "mem_per_cpu_gb": 4}))
    assert done(stage) == ["0", "1", "4", "9", "16"]
    assert times(stage) == ["0", "1", "2", "3", "4"]
    script = next(path.read_text() for path in commands.glob("script-*") if "launch_pickled" in path.read_text())
    for line in ("partition=cpu", "time=01:00:00", "mem-per-cpu=4G", "array=0-3%2", "job-name=corpus-square"):
        assert f"#SBATCH --{line}\n" in script


RAY = """
import sys
import ray
from pathlib import Path
from test_executors import Square
from dataset_builder.pipeline.executors import Executor
from dataset_builder.pipeline.stage import Stage
from test_executors import run

ray.init(num_cpus=2, include_dashboard=False, logging_level="error", _temp_dir=sys.argv[2])
folder = Path(sys.argv[1])
run(Stage("square", folder / "square", 5, Square(folder / "log")), Executor("ray", workers=2))
"""


def test_ray_does_the_tasks_on_two_workers(stage, tmp_path_factory):
    pytest.importorskip("ray")
    short = tmp_path_factory.mktemp("r")  # Ray's sockets are below it, and a socket's path has 107 characters
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", "RAY_USAGE_STATS_ENABLED": "0"}
    stage.folder.mkdir()
    stage.run(4)
    result = subprocess.run(
        [sys.executable, "-c", RAY, str(stage.folder.parent), str(short)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert done(stage) == ["0", "1", "4", "9", "16"]
    assert times(stage) == ["0", "1", "2", "3", "4"]


def test_two_processes_that_do_the_same_task_leave_one_output(stage):
    code = "import sys, time; from pathlib import Path; from test_executors import Square; " + (
        "from dataset_builder.pipeline.stage import Stage; folder = Path(sys.argv[1]); "
        "time.sleep(max(0, float(sys.argv[2]) - time.time())); "
        "[Stage('square', folder / 'square', 40, Square(folder / 'log')).run(task) for task in range(40)]"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    start = str(time.time() + 2)
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(stage.folder.parent), start], env=environment)
        for _ in range(2)
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert Stage("square", stage.folder, 40, stage.do).todo() == []
    assert not list(stage.folder.glob(".*"))


def test_an_option_that_an_executor_needs_or_does_not_know_is_named(stage):
    with pytest.raises(ValueError, match=r"--executor slurm: .*'time' and 'partition'; give --executor-options"):
        run(stage, Executor("slurm"))
    with pytest.raises(ValueError, match=r"--executor local: .*'partition'"):
        run(stage, Executor("local", options={"partition": "cpu"}))
