"""Training for real: two processes under DeepSpeed, started by `accelerate launch` as a user starts them."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = {
    "vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "layers": 2, "heads": 2, "kv_heads": 1,
    "head_dim": 16, "window": 128, "max_steps": 6, "warmup_steps": 2, "checkpoint_every": 2, "validation_rows": 4,
}  # fmt: skip


def launch(corpus, out, *, config="cpu-zero2", processes=2, **overrides):
    settings = [part for key, value in (TINY | overrides).items() for part in ("--set", f"{key}={value}")]
    command = [
        *(sys.executable, "-m", "accelerate.commands.launch"),
        *("--config_file", f"training/accelerate/{config}.yaml", "--num_processes", str(processes)),
        *("--main_process_port", "0", "-m", "training"),
        *("--corpus", str(corpus), "--out", str(out), *settings),
    ]
    environment = os.environ | {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip


def finish(process):
    _, notes = process.communicate(timeout=300)
    return process.returncode, notes


def weights(out):
    return load_file(out / "model.safetensors")


def log_of(out):
    (state,) = out.glob("checkpoints/*/step-000006/state.json")
    return json.loads(state.read_text())["log"]


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def unbroken(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken") / "model"
    code, notes = finish(launch(corpus, out))
    assert code == 0, notes
    return out, notes


def test_zero2_trains_a_model_that_transformers_loads_and_that_has_learnt(unbroken):
    out, notes = unbroken
    from training.generate import LocalModel, Sampling

    run = json.loads((out / "run.json").read_text())
    assert (run["world_size"], run["deepspeed"], run["steps"]) == (2, "ZeRO-2", 6)
    assert run["losses"]["last"] < run["losses"]["first"]
    assert run["losses"]["validation"] is not None
    assert "step 6/6" in notes and "tokens/s" in notes and "left" in notes
    assert (out / "training_curve.png").stat().st_size > 10_000
    model = LocalModel.from_pretrained(str(out))
    assert len(model.replies([[{"role": "user", "content": "我睡不着"}]], Sampling(max_new_tokens=8))) == 1


def test_each_step_trains_on_the_rows_of_both_processes(unbroken, corpus):
    """The step's tokens, summed over the processes, are those of all the plan's rows: no row was taken twice."""
    from transformers import AutoTokenizer

    from training.data import load_corpus, pack_split
    from training.plan import step_rows

    out, _ = unbroken
    run = json.loads((out / "run.json").read_text())
    log = log_of(out)
    assert max(entry["learning_rate"] for entry in log) == 1e-3
    rows = pack_split(load_corpus(str(corpus))["train"], AutoTokenizer.from_pretrained(out), 128)
    for step, entry in enumerate(log):
        chosen = step_rows(len(rows), 4, step, run["seed"])
        assert len(set(chosen)) == 4
        assert entry["tokens"] == sum(map(rows.row_tokens, chosen))


def test_zero3_gives_the_model_that_zero2_gives(unbroken, corpus, tmp_path):
    code, notes = finish(launch(corpus, tmp_path / "model", config="cpu-zero3"))
    assert code == 0, notes
    zero2, zero3 = weights(unbroken[0]), weights(tmp_path / "model")
    assert zero2.keys() == zero3.keys()
    for name, tensor in zero2.items():
        torch.testing.assert_close(zero3[name], tensor, rtol=1e-3, atol=1e-4)


def test_one_process_gives_the_model_that_two_give(unbroken, corpus, tmp_path):
    code, notes = finish(launch(corpus, tmp_path / "model", processes=1))
    assert code == 0, notes
    for name, tensor in weights(unbroken[0]).items():
        torch.testing.assert_close(weights(tmp_path / "model")[name], tensor, rtol=1e-3, atol=1e-4)


def test_a_run_killed_after_a_checkpoint_ends_with_the_same_weights(unbroken, corpus, tmp_path):
    out = tmp_path / "model"
    process = launch(corpus, out)
    deadline = time.monotonic() + 200
    while not list(out.glob("checkpoints/*/step-000002")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    for victim in [*psutil.Process(process.pid).children(recursive=True), process]:
        victim.send_signal(signal.SIGKILL)
    finish(process)
    assert not (out / "run.json").exists(), "the run ended before it could be killed"
    code, notes = finish(launch(corpus, out))
    assert code == 0, notes
    assert "resuming after step" in notes
    assert same(weights(out), weights(unbroken[0]))
    assert [entry["learning_rate"] for entry in log_of(out)] == [e["learning_rate"] for e in log_of(unbroken[0])]


def test_a_finished_run_is_not_trained_again(unbroken, corpus):
    out, _ = unbroken
    before = (out / "model.safetensors").stat().st_mtime_ns
    code, notes = finish(launch(corpus, out))
    assert code == 0
    assert "nothing to train" in notes
    assert (out / "model.safetensors").stat().st_mtime_ns == before


def test_a_second_run_into_the_same_folder_is_refused_while_the_first_lives(corpus, tmp_path):
    (tmp_path / "model").mkdir()
    with (tmp_path / "model" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, notes = finish(launch(corpus, tmp_path / "model"))
    assert code != 0
    assert [line for line in notes.splitlines() if line.startswith("error: another run is training into")]


def test_more_processes_than_rows_is_one_clear_line(corpus, tmp_path):
    code, notes = finish(launch(corpus, tmp_path / "model", window=100_000))
    assert code != 0
    assert [line for line in notes.splitlines() if line.startswith("error: the corpus packs into 1 rows")]
