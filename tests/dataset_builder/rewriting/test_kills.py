"""A run that is killed at any moment and started again: no row lost or twice, no answer paid for that was on disk."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PROOF_SEED
from tests.dataset_builder.rewriting.scripted import Script, Scripted

ROOT = Path(__file__).resolve().parents[3]
QUESTIONS, KILLS, CONCURRENCY = 5_000, 100, 32
OUTPUTS = ("accepted.jsonl", "rejected.jsonl")
RUN = """
import sys
from pathlib import Path
from dataset_builder.rewriting.config import load_config
from dataset_builder.rewriting.rewrite import rewrite
settings = {"concurrency": int(sys.argv[4]), "checkpoint_seconds": 0.1, "first_wait": 0.02}
config = load_config(base_url=sys.argv[1], models={"tiny": 0.9, "other": 0.1}, **settings)
print("begun", flush=True)
rewrite(config, Path(sys.argv[2]), Path(sys.argv[3]))
"""


def start(endpoint, source, out):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", RUN, endpoint.url, str(source), str(out), str(CONCURRENCY)]
    with out.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)


def kept(out):
    """The answers that are whole on disk."""
    path = out / "answers.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def digests(out):
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in OUTPUTS}


@pytest.mark.proof
def test_a_killed_run_goes_on_to_the_same_outputs_and_pays_for_nothing_twice(tmp_path, share, record):
    kills, count = round(KILLS * share), round(QUESTIONS * share)
    source = tmp_path / "questions.jsonl"
    with source.open("w", encoding="utf-8") as file:
        for place in range(count):
            row = {
                "question_id": f"q{place % (count - 5)}",
                "question": f"我是第{place}个来问的，最近睡不好，怎么办？",
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n" + ("{half\n" if place % 500 == 7 else ""))
    faults = {"429": 0.02, "429-after": 0.02, "500": 0.02, "reset": 0.02, "truncated": 0.02}
    script = {"malformed": 0.2, "faults": faults, "retry_after": 0.05, "slow_share": 0.02}
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    with Scripted(Script(malformed=0.2)) as endpoint:
        assert start(endpoint, source, calm).wait(600) == 0, calm.with_suffix(".log").read_text()
        requests = endpoint.paid.total()
    draw, lost, on_disk = random.Random(PROOF_SEED), 0, []
    with Scripted(Script(latency=0.02, slow=0.3, **script)) as endpoint:
        for left in range(kills, 0, -1):
            process = start(endpoint, source, rough)
            assert process.stdout.readline() == "begun\n", rough.with_suffix(".log").read_text()
            # So many more answers, at random, that the last kill comes near the end of the run.
            goal = endpoint.paid.total() + draw.uniform(0, 2 * (requests - kept(rough)) / (left + 1))
            while endpoint.paid.total() < goal and process.poll() is None:
                time.sleep(0.0005)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert process.returncode == -signal.SIGKILL, rough.with_suffix(".log").read_text()
            while endpoint.busy:  # what was in flight is answered, paid for and gone
                time.sleep(0.01)
            on_disk.append(kept(rough))
            lost, before = endpoint.paid.total() - on_disk[-1], lost
            assert 0 <= lost - before <= CONCURRENCY, "more was lost than was in flight"
        assert start(endpoint, source, rough).wait(600) == 0, rough.with_suffix(".log").read_text()
        paid, twice = endpoint.paid.total(), sum(count - 1 for count in endpoint.paid.values())
    assert digests(rough) == digests(calm)
    assert kept(rough) == kept(calm) == requests, "an answer that was on disk was asked for again"
    assert paid - requests == twice == lost
    lines = sum((calm / name).read_bytes().count(b"\n") for name in OUTPUTS)
    assert lines == source.read_bytes().count(b"\n")
    record(
        "rewrite_kills",
        ["openai", "aiohttp"],
        questions=count,
        kills=kills,
        concurrency=CONCURRENCY,
        requests=requests,
        paid=paid,
        lost_in_flight=lost,
        answers_on_disk_at_the_kills=on_disk,
    )
