"""HF Jobs: machines that share no disk get what a task needs through a Hub, and bring back what it made."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_hub import serving
from tests.dataset_builder.building import written
from tests.dataset_builder.synthetic import dialogues

ROOT = Path(__file__).resolve().parents[3]

# A stand-in for the service alone: each Job is a process that sees an empty disk where the build's folder is here.
# HF_ENDPOINT is read at import, so all of it is one process with the local Hub.
JOBS = """
import os, subprocess, sys, uuid
from pathlib import Path
from types import SimpleNamespace
import huggingface_hub
from dataset_builder.build import Build, build
from dataset_builder.config import load_config
from dataset_builder.inputs import inputs
from dataset_builder.pipeline.executors import Executor

work, launched, refused = Path("build").absolute(), [], int(sys.argv[2])

def run_uv_job(script, *, script_args, env, secrets, **how):
    launched.append(env["DATATROVE_JOB_ARRAY_INDEX"])
    if len(launched) <= refused:
        return SimpleNamespace(id="refused", url="")
    hidden = work.rename(work.with_name("hidden"))
    try:
        # As the service runs it: the script's text, and only what is in its environment.
        subprocess.run([sys.executable, script, *script_args], env=os.environ | env | secrets, check=True)
    finally:
        import shutil
        shutil.rmtree(work, ignore_errors=True)
        hidden.rename(work)
    return SimpleNamespace(id=uuid.uuid4().hex, url="")

def inspect_job(*, job_id, **how):
    return SimpleNamespace(status=SimpleNamespace(stage="ERROR" if job_id == "refused" else "COMPLETED"))

huggingface_hub.run_uv_job, huggingface_hub.inspect_job = run_uv_job, inspect_job
options = {"storage": "local/scratch", "poll_interval": 0, "max_retries": 1}
executor = Executor("jobs", workers=1, options=options if sys.argv[3] == "jobs" else {})
if sys.argv[3] == "pool":
    executor = Executor(workers=1)
settings = ["read.rows_per_shard=20", "topics.labeller=none"]
what = Build(tuple(inputs([sys.argv[1]])), load_config(overrides=settings), Path("soulchat").absolute(), work,
             executor=executor)
print("kept", build(what).kept, "jobs", len(launched), "visible", huggingface_hub.HfApi().repo_info(
    "local/scratch", repo_type="dataset").private if sys.argv[3] == "jobs" else None)
"""


def run(folder, url, *arguments):
    environment = os.environ | {"HF_ENDPOINT": url, "HF_TOKEN": "local", "HF_HOME": str(folder / "home")}
    environment |= {"PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", JOBS, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def shards(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "soulchat").rglob("*.parquet"))}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("hub")) as url:
        yield url


def test_jobs_that_share_no_disk_build_the_same_corpus_as_one_process(hub, tmp_path):
    rows = written(tmp_path, [row | {"topic": "家庭"} for row in dialogues(30)])
    apart = run(tmp_path, hub, f"messages:{rows}", 1, "jobs")
    assert apart.returncode == 0, apart.stderr[-3000:]
    # Two shards are cleaned, labelled and dealt out, and each partition is written; one Job fails and is tried again.
    partitions = len({path.parent for path in (tmp_path / "soulchat" / "data").rglob("*.parquet")})
    assert apart.stdout.split() == ["kept", "30", "jobs", str(3 * 2 + partitions + 1), "visible", "True"]
    found = shards(tmp_path)
    together = run(tmp_path, hub, f"messages:{rows}", 0, "pool")
    assert together.returncode == 0, together.stderr[-3000:]
    assert shards(tmp_path) == found


def test_jobs_without_a_place_for_their_files_are_refused_with_the_fix(hub, tmp_path):
    rows = written(tmp_path, list(dialogues(5)))
    (tmp_path / "options.yaml").write_text("flavor: cpu-basic\n")
    arguments = ["build", f"messages:{rows}", "--executor", "jobs", "--executor-options", "options.yaml"]
    result = subprocess.run(
        [sys.executable, "-m", "dataset_builder", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "error: --executor jobs needs `storage: namespace/name`" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "soulchat").exists()
    assert json.loads((tmp_path / "build" / "corpus" / "read" / "00000" / "summary.json").read_text()) == {"rows": 5}
