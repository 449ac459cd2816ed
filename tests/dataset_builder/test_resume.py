"""A build that is killed at any moment and started again: the same corpus, nothing that was finished made twice."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PROOF_SEED
from tests.dataset_builder.synthetic import dialogues

ROOT = Path(__file__).resolve().parents[2]
ROWS, SHARD = 1_200, 100
KILLS = 80


class Builder:
    """`python -m dataset_builder build` on one source, with two workers, in a process group of its own."""

    def __init__(self, folder, rows):
        self.folder, self.work = folder, folder / "build" / "corpus"
        source = folder / "grown.jsonl"
        with source.open("w", encoding="utf-8") as file:
            for row in dialogues(rows, seed=PROOF_SEED):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        arguments = f"build messages:{source} --workers 2 --set read.rows_per_shard={SHARD}"
        self.command = [sys.executable, "-m", "dataset_builder", *arguments.split()]

    def start(self):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                self.command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def finished(self):
        """Every output that a stage has finished, and what would change if it were made again."""
        outputs = [*self.work.glob("*/[0-9]*"), *self.work.glob("read-shards/*/*.jsonl")]
        return {
            path: (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in outputs
            if path.parent.name != "read-shards"
        }

    def corpus(self):
        """A hash of each published file."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in ("soulchat", "soulchat-crisis")
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file()
        }

    def clear(self):
        for folder in ("soulchat", "soulchat-crisis", "build"):
            shutil.rmtree(self.folder / folder, ignore_errors=True)


@pytest.mark.proof
def test_a_killed_build_goes_on_to_the_same_corpus_and_makes_nothing_twice(tmp_path, share, record):
    builder = Builder(tmp_path, ROWS if share == 1 else ROWS // 3)
    began = time.monotonic()
    assert builder.start().wait(300) == 0, (tmp_path / "log").read_text()
    lasts, expected = time.monotonic() - began, builder.corpus()
    assert any(name.endswith(".parquet") for name in expected)
    builder.clear()
    draw, kills, whole, stages = random.Random(PROOF_SEED), 0, 0, set()
    before = {}
    while kills < round(KILLS * share):
        process = builder.start()
        try:
            process.wait(draw.uniform(0.5, lasts))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        after = builder.finished()
        assert {path: after.get(path) for path in before} == before, "something finished was made again"
        stages |= {path.relative_to(builder.work).parts[0] for path in after if path not in before}
        before = after
        if process.returncode == 0:
            assert builder.corpus() == expected
            whole, before = whole + 1, {}
            builder.clear()
        else:
            assert process.returncode == -signal.SIGKILL, (tmp_path / "log").read_text()
            assert builder.corpus() in ({}, expected), "a corpus that is not whole was published"
    assert builder.start().wait(300) == 0
    assert builder.corpus() == expected
    record(
        "corpus_kills",
        ["datasets", "pyarrow"],
        kills=kills,
        builds_finished=whole + 1,
        seconds_of_a_build=round(lasts, 1),
        stages_reached=sorted(stages),
    )
