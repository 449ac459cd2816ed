"""Rewriting against a real endpoint with scripted faults: nothing lost, nothing twice, nothing paid for twice."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataset_builder.config import ConfigError
from dataset_builder.rewriting import endpoint as endpoints
from dataset_builder.rewriting.config import load_config, models_from
from dataset_builder.rewriting.cost import CostReached
from dataset_builder.rewriting.endpoint import EndpointStopped
from dataset_builder.rewriting.prompts import PromptError, prompt, prompts
from dataset_builder.rewriting.questions import Shard, questions, shard_from
from dataset_builder.rewriting.rewrite import OutputError, rewrite
from tests.conftest import PROOF_SEED
from tests.dataset_builder.rewriting.scripted import Script

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def serving(folder, script=Script()):
    """The endpoint's address, and the log of what it has answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "paid.log"
    module = "tests.dataset_builder.rewriting.scripted"
    command = [sys.executable, "-m", module, str(port), str(log), script.as_json()]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        assert process.stdout.readline() == b"ready\n"
        yield f"http://127.0.0.1:{port}/v1", log
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def asked(folder, count, **more):
    path = folder / "questions.jsonl"
    rows = (
        {"question_id": f"q{n}", "question": f"第{n}件事，怎么办？", "answer": f"第{n}个回答。", "topic": "家庭"}
        for n in range(count)
    )
    path.write_text("".join(json.dumps(row | more, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def config(url, **more):
    return load_config(**{"base_url": url, "models": {"m": 1.0}, "concurrency": 16} | more)


def lines(path):
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def outputs(out):
    return (out / "accepted.jsonl").read_bytes(), (out / "rejected.jsonl").read_bytes()


def paid(log):
    return Counter(lines(log))


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Waits are short: what is waited for is scripted."""
    monkeypatch.setattr(endpoints, "SLOWEST", 0.05)


def test_every_question_is_a_record_with_its_topic_prompt_and_model(tmp_path):
    with serving(tmp_path) as (url, log):
        tally = rewrite(config(url), asked(tmp_path, 40, license="cc-by-4.0", source="ours"), tmp_path / "out")
    rows = [json.loads(line) for line in lines(tmp_path / "out" / "accepted.jsonl")]
    assert [row["question_id"] for row in rows] == [f"q{n}" for n in range(40)], "in the order of the questions"
    assert {(row["topic"], row["license"], row["source"]) for row in rows} == {("family", "cc-by-4.0", "ours")}
    assert {row["rewriter"] for row in rows} == {f"m {prompt('soulchat-hub').key}"}
    assert tally.accepted == 40 and set(paid(log).values()) == {1}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["accepted"] == 40 and report["tokens"] == {"prompt": 28_000, "completion": 40_000}
    assert sum(report["rounds"].values()) == 40


def test_whatever_fails_at_first_the_outputs_are_the_same(tmp_path):
    path = asked(tmp_path, 120)
    found = []
    for name, script in (("well", Script(bad=0.3)), ("badly", Script(bad=0.3, faults=0.5, slow=0.05, slow_s=0.2))):
        (tmp_path / name).mkdir()
        with serving(tmp_path / name, script) as (url, log):
            tally = rewrite(config(url), path, tmp_path / name / "out")
            found.append(outputs(tmp_path / name / "out"))
            assert set(paid(log).values()) == {1}
    assert found[0] == found[1]
    assert tally.retried > 20 and tally.attempts[2] > 10


def test_a_refused_conversation_goes_back_once_with_the_reason_and_is_then_kept_as_a_rejection(tmp_path):
    with serving(tmp_path, Script(bad=1.0)) as (url, _):
        rewrite(config(url, attempts=1), asked(tmp_path, 10), tmp_path / "once")
        twice = rewrite(config(url), asked(tmp_path, 10), tmp_path / "twice")
    rejected = [json.loads(line) for line in lines(tmp_path / "once" / "rejected.jsonl")]
    assert len(rejected) == 10 and all(row["transcript"] and row["attempts"] == 1 for row in rejected)
    assert {row["reason"] for row in rejected} <= {"too_few_rounds", "ends_with_user", "cut_off"}
    assert twice.accepted == 10 and twice.attempts == {2: 10}


def test_what_is_no_question_and_an_id_that_comes_twice_are_counted_rejections(tmp_path):
    path = tmp_path / "questions.jsonl"
    good = '{"question_id": "q1", "question": "怎么办？"}'
    path.write_text("\n".join([good, "no json", '{"question": "x"}', '{"question_id": "q2"}', good]) + "\n")
    with serving(tmp_path) as (url, log):
        tally = rewrite(config(url), path, tmp_path / "out")
    assert tally.accepted == 1 and len(paid(log)) == 1
    assert tally.rejected == {"not_json": 1, "no_question_id": 1, "no_question": 1, "duplicate_question_id": 1}


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "set OPENAI_API_KEY"), (404, "check --base-url"), (400, "it takes none of these requests")],
)
def test_a_request_that_can_never_work_stops_at_once_and_says_why(tmp_path, status, said):
    with serving(tmp_path, Script(refuses=status)) as (url, log):
        with pytest.raises(EndpointStopped, match=said):
            rewrite(config(url), asked(tmp_path, 200), tmp_path / "out")
        assert not paid(log)


def test_an_endpoint_that_is_down_for_a_while_costs_no_row(tmp_path):
    with serving(tmp_path, Script(down_until=60)) as (url, _):
        assert rewrite(config(url), asked(tmp_path, 50), tmp_path / "out").accepted == 50


def test_an_endpoint_that_stays_down_is_given_up_and_what_was_answered_stays(tmp_path):
    path = asked(tmp_path, 30)
    with serving(tmp_path) as (url, _):
        rewrite(config(url), path, tmp_path / "whole")
    with pytest.raises(EndpointStopped, match=r"has answered nothing for \d+ s.*What was answered is kept"):
        rewrite(config(url, give_up_after=1), path, tmp_path / "out")
    assert outputs(tmp_path / "whole")[0]


def test_spending_stops_before_the_limit_and_goes_on_with_a_higher_one(tmp_path):
    path, prices = asked(tmp_path, 100), {"m": [1.0, 10.0]}  # $0.0107 an answer, $0.041 at the most
    with serving(tmp_path) as (url, log):
        with pytest.raises(CostReached, match=r"stopped at \$0\.\d\d.*--max-cost 0.5"):
            rewrite(config(url, prices=prices, max_cost=0.5), path, tmp_path / "out")
        spent = len(paid(log)) * 0.0107
        assert 0.01 < spent <= 0.5
        tally = rewrite(config(url, prices=prices, max_cost=5), path, tmp_path / "out")
        assert set(paid(log).values()) == {1} and tally.spent == pytest.approx(1.07)
        with pytest.raises(ConfigError, match="--max-cost needs a price for 'm'"):
            rewrite(config(url, max_cost=5), path, tmp_path / "other")


def test_shards_share_nothing_and_together_are_the_whole(tmp_path):
    path = asked(tmp_path, 60)
    with serving(tmp_path) as (url, _):
        rewrite(config(url), path, tmp_path / "whole")
        parts = []
        for number in (1, 2, 3):
            rewrite(config(url), path, tmp_path / str(number), shard=Shard(number, 3))
            parts += lines(tmp_path / str(number) / "accepted.jsonl")
    assert sorted(parts) == sorted(lines(tmp_path / "whole" / "accepted.jsonl"))


def test_models_are_mixed_by_weight_and_a_question_always_gets_the_same(tmp_path):
    mixed = config("http://127.0.0.1:1/v1", models=models_from("small=0.9,large=0.1"))
    given = [mixed.model_of(n / 10_000) for n in range(10_000)]
    assert Counter(given) == {"small": 9000, "large": 1000}
    with serving(tmp_path) as (url, _):
        rewrite(config(url, models=models_from("small=0.5,large=0.5")), asked(tmp_path, 40), tmp_path / "out")
    used = Counter(json.loads(line)["rewriter"].split()[0] for line in lines(tmp_path / "out" / "accepted.jsonl"))
    assert set(used) == {"small", "large"} and min(used.values()) > 8


def test_a_folder_of_another_run_and_one_that_is_written_to_are_refused(tmp_path):
    path = asked(tmp_path, 5)
    with serving(tmp_path) as (url, _):
        rewrite(config(url), path, tmp_path / "out")
        with pytest.raises(OutputError, match="was made with other questions, models, prompt"):
            rewrite(config(url, prompt="paper-zh"), path, tmp_path / "out")


def test_memory_and_requests_in_flight_follow_the_concurrency(tmp_path):
    script = Script(seconds=0.05)
    with serving(tmp_path, script) as (url, _):
        began = time.monotonic()
        rewrite(config(url, concurrency=50), asked(tmp_path, 200), tmp_path / "out")
        assert time.monotonic() - began < 200 * 0.05 / 4


@pytest.mark.parametrize("text", ["0/3", "4/3", "x", "1", "1/x", "-1/3"])
def test_a_shard_that_is_none_is_named(text):
    with pytest.raises(ValueError, match=re.escape(f"--shard {text!r} is not i/n")):
        shard_from(text)


def test_prompts_say_where_they_come_from_and_change_their_key_with_their_words():
    assert set(prompts()) == {"paper-zh", "paper-en", "smile", "soulchat-hub"}
    paper = prompt("paper-zh")
    assert "figure 2" in paper.source and "倾听、安慰、理解、信任、认可、真诚、情感支持等" in paper.text
    assert (
        paper.render("问", "答").count("【单轮长文本中文心理咨询对话】：用户：问\n心理咨询师：答\n\n请逐步分析") == 1
    )
    assert re.fullmatch(r"paper-zh@[0-9a-f]{8}", paper.key)
    with pytest.raises(PromptError, match="no prompt 'paper'; there are paper-en, paper-zh"):
        prompt("paper")


class Run:
    """`python -m dataset_builder rewrite` on one file, in a process group of its own."""

    def __init__(self, folder, url, path):
        arguments = ["rewrite", path, "--base-url", url, "--model", "m", "--out", folder / "out", "--concurrency", 32]
        self.command = [sys.executable, "-m", "dataset_builder", *map(str, arguments)]

    def start(self):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            self.command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )


@pytest.mark.proof
def test_a_killed_run_loses_no_row_and_pays_for_no_answer_that_it_has(tmp_path, share, record):
    path, kills = asked(tmp_path, max(400, round(5_000 * share))), max(8, round(100 * share))
    script = Script(bad=0.1, faults=0.05, seconds=0.02)
    with serving(tmp_path, script) as (url, _):
        began = time.monotonic()
        run = Run(tmp_path, url, path)
        assert run.start().wait(600) == 0
        lasts, expected = time.monotonic() - began, outputs(tmp_path / "out")
    again = tmp_path / "again"
    again.mkdir()
    draw, killed, lost = random.Random(PROOF_SEED), 0, 0
    with serving(again, script) as (url, log):
        run = Run(again, url, path)
        while killed < kills:
            process = run.start()
            try:
                process.wait(1.2 + draw.uniform(0, 1.5 * lasts / kills))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stderr.close()
            if process.returncode == 0:
                break
            killed += 1
            kept = len([line for line in (again / "out" / "answers.jsonl").open("rb") if line.endswith(b"\n")]) \
                if (again / "out" / "answers.jsonl").exists() else 0  # fmt: skip
            in_flight = sum(paid(log).values()) - lost - kept
            assert in_flight <= 32, "more was paid for than is on disk and was in flight"
            lost += in_flight
        process = run.start()
        assert process.wait(600) == 0, process.stderr.read().decode()[-2000:]
        process.stderr.close()
        assert outputs(again / "out") == expected
        twice = sum(count - 1 for count in paid(log).values())
        assert twice <= lost, "an answer that was on disk was asked for again"
    rows = len(expected[0].splitlines()) + len(expected[1].splitlines())
    assert rows == len(lines(path)) == len(list(questions(path)))
    record(
        "rewrite_kills",
        ["openai", "aiohttp"],
        questions=rows,
        kills=killed,
        rejected=len(expected[1].splitlines()),
        answers_in_flight_at_a_kill=lost,
        paid_twice=twice,
    )
