import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from model_card import replies
from model_card.__main__ import main
from model_card.errors import ModelCardError
from model_card.evaluate import EvaluateConfig, evaluate
from model_card.metrics import METRICS

ROOT = Path(__file__).parents[2]
NAMES = ["trained", "untrained", "nearest"]


def configured(model: Path, corpus: Path, out: Path) -> EvaluateConfig:
    return EvaluateConfig(model, str(corpus), out, max_replies=0, batch_size=3, max_new_tokens=48)


def lines(out: Path, name: str = "trained") -> list[bytes]:
    path = out / f"replies-{name}.jsonl"
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def kept(out: Path) -> dict[str, list[bytes]]:
    return {name: lines(out, name) for name in NAMES}


@pytest.fixture(scope="module")
def uninterrupted(model, corpus, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    evaluate(configured(model, corpus, out))
    return out


@pytest.fixture
def out(uninterrupted, tmp_path) -> Path:
    return Path(shutil.copytree(uninterrupted, tmp_path / "results"))


def test_all_systems_are_scored_on_the_same_turns(uninterrupted):
    record = json.loads((uninterrupted / "results.json").read_text())
    assert list(record["systems"]) == NAMES
    asked = [{json.loads(line)["id"] for line in lines(uninterrupted, name)} for name in NAMES]
    assert asked[0] == asked[1] == asked[2]
    assert len(asked[0]) == record["n"] == 24
    for result in record["systems"].values():
        for profile in ("paper", "standard"):
            assert {*METRICS, "signature", "n", "empty", "interval"} == set(result[profile])
            assert "n:24" in result[profile]["signature"]
        assert {"distinct-2", "mean_length", "question_rate"} <= set(result)
    assert record["corpus"]["splits"] == {"train": 80, "test": 12}
    assert record["sampling"]["top_p"] == 0.75
    assert record["sampling"]["temperature"] == 0.95
    assert {"torch", "transformers", "rjieba"} <= set(record["versions"])
    assert "/" not in record["corpus"]["name"]


def test_trained_untrained_and_nearest_are_three_different_things(uninterrupted):
    texts = [[json.loads(line)["reply"] for line in lines(uninterrupted, name)] for name in NAMES]
    assert texts[0] != texts[1] != texts[2]


def test_a_line_holds_what_score_and_a_reader_need(uninterrupted):
    record = json.loads(lines(uninterrupted)[0])
    assert set(record) == {"id", "conversation", "topic", "message", "reply", "reference", "fingerprint"}


def test_starting_again_generates_nothing(model, corpus, out, monkeypatch):
    before = kept(out)

    def fail(*_: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("model_card.evaluate._opened", fail)
    evaluate(configured(model, corpus, out))
    assert kept(out) == before


def test_a_torn_last_line_is_cut_and_made_again(model, corpus, out):
    whole = lines(out)
    path = out / "replies-trained.jsonl"
    path.write_bytes(b"".join(whole[:7]) + whole[7][: len(whole[7]) // 2])
    evaluate(configured(model, corpus, out))
    assert lines(out) == whole  # in the middle of a batch: the batch is drawn again, only the missing are appended


def test_another_model_invalidates_its_replies_and_not_the_floors(new_model, corpus, out, tmp_path):
    before = kept(out)
    changed = new_model(tmp_path / "changed", seed=2)
    evaluate(configured(changed, corpus, out))
    after = kept(out)
    assert len(after["trained"]) == 24
    assert not set(after["trained"]) & set(before["trained"])
    assert after["untrained"] == before["untrained"]
    assert after["nearest"] == before["nearest"]


def test_other_sampling_invalidates_replies(model, corpus, out):
    before = lines(out)
    evaluate(replace(configured(model, corpus, out), max_new_tokens=8))
    assert len(lines(out)) == 24
    assert not set(lines(out)) & set(before)


def test_a_killed_run_resumes_without_generating_a_reply_twice(model, corpus, uninterrupted, tmp_path):
    out = tmp_path / "results"
    command = [sys.executable, "-m", "model_card", "evaluate", "--model", str(model), "--corpus", str(corpus)]
    command += ["--out", str(out), "--max-replies", "0", "--batch-size", "3", "--max-new-tokens", "48"]
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 50
    while len(lines(out)) < 3 and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    output, notes = killed.communicate()
    survived = lines(out)
    assert 3 <= len(survived) < 24, notes
    assert not (out / "results.json").exists()
    assert output == ""  # no library talks where results go

    drawn: list[int] = []
    append = replies.append
    with pytest.MonkeyPatch.context() as patch:

        def counted(path: Path, records: object) -> None:
            made = list(records)
            drawn.append(len(made))
            append(path, made)

        patch.setattr(replies, "append", counted)
        evaluate(configured(model, corpus, out))
    assert lines(out)[: len(survived)] == survived
    assert sum(drawn) == 3 * 24 - len(survived)
    assert kept(out) == kept(uninterrupted)  # the very replies of a run that was not killed


def test_the_command_prints_a_line_for_each_system(model, corpus, out, monkeypatch, capsys):
    arguments = ["--max-replies", "0", "--batch-size", "3", "--max-new-tokens", "48"]
    monkeypatch.setattr(
        "sys.argv",
        ["", "evaluate", "--model", str(model), "--corpus", str(corpus), "--out", str(out), *arguments],
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr().out.splitlines()
    assert not stopped.value.code
    assert [line.split()[0] for line in printed] == NAMES
    assert all("BLEU-4" in line and "|n:24|" in line for line in printed)


@pytest.mark.parametrize(("command", "fix"), [("evaluate", "make train"), ("card", "make train")])
def test_a_missing_model_ends_a_command_with_one_line(tmp_path, monkeypatch, capsys, command, fix):
    monkeypatch.setattr("sys.argv", ["", command, "--model", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as stopped:
        main()
    error = capsys.readouterr().err.splitlines()[-1]
    assert stopped.value.code == 1
    assert error.startswith("error: ")
    assert f"run: {fix}" in error


def test_missing_model_is_one_line_that_names_the_target(tmp_path, corpus):
    with pytest.raises(ModelCardError, match=r"none holds no model .*; run: make train"):
        evaluate(EvaluateConfig(tmp_path / "none", str(corpus), tmp_path / "out"))


def test_a_damaged_model_is_a_user_error(model, corpus, tmp_path):
    broken = Path(shutil.copytree(model, tmp_path / "model"))
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelCardError, match=r"trained .* does not load .*run: make train"):
        evaluate(configured(broken, corpus, tmp_path / "out"))


def test_replies_that_leave_no_window_are_a_user_error(model, corpus, tmp_path):
    with pytest.raises(ModelCardError, match=r"max_new_tokens=512: .*lower this"):
        evaluate(replace(configured(model, corpus, tmp_path / "out"), max_new_tokens=512))


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"max_replies": -1}, {"max_new_tokens": 0}, {"top_p": 0.0}, {"temperature": -1.0}]
)
def test_a_setting_out_of_range_is_named(wrong):
    with pytest.raises(ModelCardError, match=next(iter(wrong))):
        EvaluateConfig(Path("build/model"), **wrong)


def test_a_base_model_named_by_the_run_is_what_untrained_means(model, new_model, corpus, tmp_path):
    base = new_model(tmp_path / "base", seed=5)
    tuned = Path(shutil.copytree(model, tmp_path / "tuned"))
    run = json.loads((tuned / "run.json").read_text()) | {"base_model": str(base)}
    (tuned / "run.json").write_text(json.dumps(run))
    config = replace(configured(tuned, corpus, tmp_path / "out"), max_replies=4, max_new_tokens=8)
    record = evaluate(config)
    assert record["systems"]["untrained"]["description"] == "the base model base"  # and not where it lies
