"""`python -m dataset_builder rewrite`: what scripts rely on of it."""

import json

import pytest
from typer.testing import CliRunner

from dataset_builder.__main__ import app
from dataset_builder.progress import status_line
from dataset_builder.rewriting.config import models_from
from tests.dataset_builder.rewriting.scripted import Script, Scripted
from tests.dataset_builder.rewriting.test_rewrite import ask, rows, write

QUICK = ["--set", "first_wait=0.005", "--set", "give_up_after=1", "--concurrency", 8]


def run(*arguments):
    return CliRunner().invoke(app, ["rewrite", *map(str, arguments)])


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "questions.jsonl", [ask(place) for place in range(20)])


def test_a_run_that_is_done_exits_with_0_and_says_what_became_of_the_questions(source, tmp_path):
    with Scripted(Script()) as endpoint:
        done = run(source, "--base-url", endpoint.url, "--model", "tiny", "--out", tmp_path / "out", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"20 accepted and 0 rejected of 20 questions -> {tmp_path / 'out'}\n"
    assert len(rows(tmp_path / "out" / "accepted.jsonl")) == 20


def test_a_run_that_another_start_would_go_on_with_exits_with_1_and_says_so(source, tmp_path):
    out = tmp_path / "out"
    with Scripted(Script()) as endpoint:
        shared = [source, "--base-url", endpoint.url, "--model", "gpt-4", "--out", out, *QUICK]
        stopped = run(*shared, "--max-cost", 0.7)
        assert stopped.exit_code == 1
        assert "stopped before max_cost; start again to go on with a higher one" in stopped.stdout
        assert run(*shared, "--max-cost", 70).exit_code == 0


def test_a_user_error_is_one_line_that_names_the_fix(source, tmp_path):
    with Scripted(Script(refuse=(401, {"message": "bad key"}))) as endpoint:
        refused = run(source, "--base-url", endpoint.url, "--model", "tiny", "--out", tmp_path / "out", *QUICK)
    assert refused.exit_code == 1 and refused.stderr.startswith("error: the endpoint")
    assert refused.stderr.count("\n") == 1 and "set OPENAI_API_KEY" in refused.stderr
    unknown = run(source, "--out", tmp_path / "out", "--set", "temprature=1")
    assert unknown.exit_code == 1 and "the key 'temprature' is unknown; there are base_url" in unknown.stderr


def test_a_dry_run_prints_an_estimate_and_touches_nothing(source, tmp_path):
    found = run(source, "--model", "gpt-3.5-turbo=0.9,gpt-4=0.1", "--out", tmp_path / "out", "--dry-run")
    assert found.exit_code == 0
    estimate = json.loads(found.stdout)
    assert estimate["questions"] == 20 and set(estimate["models"]) == {"gpt-3.5-turbo", "gpt-4"}
    assert 0 < estimate["batch"] < estimate["cost"] < estimate["most"]
    assert not (tmp_path / "out").exists()


def test_a_batch_goes_out_and_comes_back_and_the_run_asks_for_the_rest(source, tmp_path):
    out, batch = tmp_path / "out", tmp_path / "batch"
    with Scripted(Script()) as endpoint:
        shared = [source, "--base-url", endpoint.url, "--model", "tiny", "--out", out, *QUICK]
        sent = run(*shared, "--batch", batch)
        assert sent.exit_code == 0 and endpoint.sent.total() == 0
        (file,) = map(str, sent.stdout.splitlines())
        requests = rows(batch / file.rsplit("/", 1)[1])
        reply = {"choices": [{"message": {"content": "用户：累。\n心理咨询师：嗯。"}, "finish_reason": "stop"}]}
        answered = [
            {"custom_id": each["custom_id"], "response": {"status_code": 200, "body": reply}, "error": None}
            for each in requests[:5]
        ]
        results = write(tmp_path / "results.jsonl", answered)
        kept = run(*shared, "--batch", batch, "--results", results)
        assert kept.exit_code == 0 and "5 answers kept" in kept.stderr
        assert "15 questions have none: a new --batch, or the command without --batch goes on" in kept.stderr
        wrong = run(*shared, "--batch", batch, "--results", source)
        assert wrong.exit_code == 1 and "holds no result of the requests" in wrong.stderr
        left = (out / "leftovers.jsonl").read_bytes()
        run(*shared, "--batch", batch, "--results", source)
        assert left and (out / "leftovers.jsonl").read_bytes() == left, "the same file again changes nothing"
        assert run(*shared).exit_code == 0
        assert endpoint.paid.total() == 15 + 5, "the five of one round go back once, the others are asked for"


def test_where_every_question_has_an_answer_a_batch_says_so(source, tmp_path):
    out = tmp_path / "out"
    with Scripted() as endpoint:
        shared = [source, "--base-url", endpoint.url, "--model", "tiny", "--out", out, *QUICK]
        run(*shared)
        nothing = run(*shared, "--batch", tmp_path / "batch")
    assert nothing.exit_code == 0 and not nothing.stdout
    assert "every question has an answer: the command without --batch goes on" in nothing.stderr


def test_a_ceiling_for_a_batch_is_refused(source, tmp_path):
    done = run(source, "--out", tmp_path / "out", "--batch", tmp_path / "batch", "--max-cost", 1)
    assert done.exit_code == 1 and "--max-cost does not hold for a --batch" in done.stderr


@pytest.mark.parametrize("model", ["", "qwen=0.5,=1", "a,"])
def test_a_model_without_a_name_is_refused(source, tmp_path, model):
    done = run(source, "--model", model, "--out", tmp_path / "out")
    assert done.exit_code == 1 and "names none" in done.stderr


def test_rows_of_other_settings_stay_unless_they_are_to_be_made_anew(source, tmp_path):
    out = tmp_path / "out"
    with Scripted() as endpoint:
        shared = [source, "--base-url", endpoint.url, "--out", out, *QUICK]
        run(*shared, "--model", "tiny")
        refused = run(*shared, "--model", "other")
        assert refused.exit_code == 1 and "holds 20 rows made with other settings" in refused.stderr
        assert run(*shared, "--model", "other", "--anew").exit_code == 0


def test_a_dry_run_says_what_is_no_question(source, tmp_path):
    with source.open("a", encoding="utf-8") as file:
        file.write("{\n")
    found = run(source, "--model", "gpt-4", "--out", tmp_path / "out", "--dry-run")
    assert "20 questions, 1 lines that are none (not_json 1)" in found.stderr
    assert json.loads(found.stdout)["rejected"] == {"not_json": 1}


def test_a_base_url_with_a_password_is_refused_without_repeating_it(source, tmp_path):
    done = run(source, "--base-url", "http://me:secret@host/v1", "--model", "tiny", "--out", tmp_path / "out")
    assert done.exit_code == 1 and "names a user" in done.stderr and "secret" not in done.stderr


def test_results_without_their_requests_are_refused(source, tmp_path):
    done = run(source, "--out", tmp_path / "out", "--results", tmp_path / "results.jsonl")
    assert done.exit_code == 1 and "--results needs --batch FOLDER" in done.stderr


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("qwen", {"qwen": 1.0}),
        ("a=0.99,b=0.01", {"a": 0.99, "b": 0.01}),
        ("org/a=b=2, c", {"org/a=b": 2.0, "c": 1.0}),
    ],
)
def test_models_are_names_with_weights(text, models):
    assert models_from(text) == models


def test_a_log_gets_a_line_a_minute(capsys, monkeypatch):
    times = iter([0.0, 0.0, 1.0, 59.0, 61.0, 61.0])
    monkeypatch.setattr("dataset_builder.progress.time.monotonic", lambda: next(times))
    show = status_line()
    for line in ("first", "second", "third", "fourth"):
        show(line)
    assert capsys.readouterr().err == "first\nfourth\n"
