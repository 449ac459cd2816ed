"""`rewrite` whole, against an endpoint that misbehaves by a script."""

import csv
import gzip
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_builder.config import ConfigError
from dataset_builder.rewriting import config as config_module
from dataset_builder.rewriting import limits
from dataset_builder.rewriting.config import load_config
from dataset_builder.rewriting.endpoint import EndpointStopped
from dataset_builder.rewriting.outputs import OutputsError
from dataset_builder.rewriting.prompts import prompt
from dataset_builder.rewriting.questions import QuestionsError, Shard, chosen
from dataset_builder.rewriting.rewrite import rewrite
from tests.dataset_builder.rewriting.scripted import FAULTS, Script, Scripted, transcript

ROOT = Path(__file__).resolve().parents[3]
OUTPUTS = ("accepted.jsonl", "rejected.jsonl")


def ask(place):
    return {"question_id": f"q{place}", "question": f"我是第{place}个来问的，最近睡不好，怎么办？", "topic": "情绪"}


def write(path, rows):
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def settings_for(endpoint, **more):
    quick = {"first_wait": 0.005, "give_up_after": 5, "checkpoint_seconds": 0.05, "concurrency": 16}
    return load_config(base_url=endpoint.url, **{"models": {"tiny": 1.0}, **quick, **more})


def read(out):
    """The bytes of what must be the same however a run went."""
    return {name: (out / name).read_bytes() for name in OUTPUTS}


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "questions.jsonl", map(ask, range(120)))


def test_questions_become_records_and_rejections_in_their_order(source, tmp_path):
    with Scripted(Script(malformed=0.3, latency=0.002)) as endpoint:
        report = rewrite(settings_for(endpoint), source, tmp_path / "out")
    assert 8 < endpoint.most_busy <= 16
    accepted, rejected = (rows(tmp_path / "out" / name) for name in OUTPUTS)
    assert (report.rows, report.done, report.failed, report.stopped) == (120, 120, 0, None)
    order = {f"q{place}": place for place in range(120)}
    for found in (accepted, rejected):
        places = [order[row["question_id"]] for row in found]
        assert places == sorted(places) and len(places) > 3
    assert len(accepted) + len(rejected) == 120
    assert {row["question_id"] for row in accepted} | {row["question_id"] for row in rejected} == set(order)
    first = accepted[0]
    assert (first["topic"], first["rewriter"]) == ("emotion", f"tiny {prompt(settings_for(endpoint).prompt).key}")
    assert first["messages"][0]["role"] == "user" and first["messages"][-1]["role"] == "assistant"
    assert all(row["reason"] and row["transcript"] for row in rejected)


def test_a_bad_transcript_goes_back_once_with_the_reason(tmp_path):
    source = write(tmp_path / "questions.jsonl", [ask(1), ask(2)])
    short = transcript("我睡不好", rounds=2)

    def answer(messages):
        bad = "第1个" in messages[0]["content"] or len(messages) == 1
        return short if bad else transcript(ask(2)["question"])

    with Scripted(Script(answer=answer)) as endpoint:
        config = settings_for(endpoint, concurrency=1)
        report = rewrite(config, source, tmp_path / "out")
    assert endpoint.sent.total() == 4
    (accepted,), (rejected,) = (rows(tmp_path / "out" / name) for name in OUTPUTS)
    assert accepted["question_id"] == "q2"
    assert (rejected["question_id"], rejected["transcript"]) == ("q1", short)
    assert report.figures["sent_back"] == {rejected["reason"]: 2}


def test_a_conversation_goes_back_with_the_bounds_that_hold(tmp_path):
    asked = []

    def answer(messages):
        asked.append(messages[-1]["content"])
        return transcript(ask(1)["question"], rounds=9 if len(messages) == 1 else 5)

    with Scripted(Script(answer=answer)) as endpoint:
        config = settings_for(endpoint, min_rounds=3, max_rounds=6)
        report = rewrite(config, write(tmp_path / "q.jsonl", [ask(1)]), tmp_path / "out")
    assert report.figures["rows"]["accepted"] == 1 and "3到6轮" in asked[1]


def test_an_empty_answer_goes_back_without_an_empty_message(tmp_path):
    asked = []

    def answer(messages):
        asked.append([message["role"] for message in messages])
        return "" if len(asked) == 1 else transcript(ask(1)["question"])

    with Scripted(Script(answer=answer)) as endpoint:
        report = rewrite(settings_for(endpoint), write(tmp_path / "q.jsonl", [ask(1)]), tmp_path / "out")
    assert report.figures["rows"]["accepted"] == 1 and asked == [["user"], ["user"]]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(limits, "LONGEST_WAIT", 0.02)


FAULT_SCRIPTS = st.fixed_dictionaries({}, optional={fault: st.floats(0, 0.4) for fault in FAULTS})


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(faults=FAULT_SCRIPTS, concurrency=st.integers(1, 40), slow=st.sampled_from([0.0, 0.02]))
def test_any_faults_lead_to_the_same_outputs_as_none(quick, tmp_path_factory, faults, concurrency, slow):
    folder = tmp_path_factory.mktemp("faults")
    source = write(folder / "questions.jsonl", map(ask, range(60)))
    for name, script in (
        ("calm", Script(malformed=0.2)),
        ("rough", Script(malformed=0.2, faults=faults, latency=0.001, slow=0.05, slow_share=slow, retry_after=0.01)),
    ):
        with Scripted(script) as endpoint:
            config = settings_for(endpoint, concurrency=concurrency, give_up_after=300)
            report = rewrite(config, source, folder / name)
            assert report.done == 60 and report.failed == 0
            assert max(endpoint.paid.values()) == 1
    assert read(folder / "calm") == read(folder / "rough")


def test_what_is_no_question_is_a_rejection_with_a_reason(tmp_path):
    bad = [
        "{",
        "[1]",
        '{"question": "没有编号"}',
        '{"question_id": "empty", "question": "  "}',
        '{"question_id": "q1", "question": "编号重复"}',
        '{"question_id": "half", "question": "\\ud800"}',
        "",
    ]
    source = write(tmp_path / "questions.jsonl", [ask(1), *bad, ask(2), ask(1)])
    source.write_bytes(
        source.read_bytes() + b"\xff\xfe\n" + json.dumps(ask(3)).encode()
    )  # and no line feed at the end
    with Scripted() as endpoint:
        report = rewrite(settings_for(endpoint), source, tmp_path / "out")
    found = [(row["question_id"], row["reason"]) for row in rows(tmp_path / "out" / "rejected.jsonl")]
    assert found == [
        ("questions:2", "not_json"),
        ("questions:3", "not_an_object"),
        ("questions:4", "no_question_id"),
        ("empty", "no_question"),
        ("q1", "duplicate_question_id"),
        ("questions:7", "not_utf8"),
        ("q1", "duplicate_question_id"),
        ("questions:11", "not_utf8"),
    ]
    assert [row["question_id"] for row in rows(tmp_path / "out" / "accepted.jsonl")] == ["q1", "q2", "q3"]
    assert report.rows == report.done == 11


def test_a_gzip_file_is_read_as_such(source, tmp_path):
    packed = tmp_path / "questions.jsonl.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    with Scripted() as endpoint:
        assert rewrite(settings_for(endpoint), packed, tmp_path / "out").done == 120


def test_to_start_again_asks_nothing_and_changes_nothing(source, tmp_path):
    with Scripted(Script(malformed=0.3)) as endpoint:
        first = rewrite(settings_for(endpoint), source, tmp_path / "out")
        before, asked = read(tmp_path / "out"), endpoint.sent.total()
        second = rewrite(settings_for(endpoint), source, tmp_path / "out")
        assert endpoint.sent.total() == asked and read(tmp_path / "out") == before
        assert second.figures["rows"] == first.figures["rows"]
        assert second.figures["reasons"] == first.figures["reasons"]
        assert second.figures["sent_back"] == first.figures["sent_back"]
        assert second.figures["cost"] == first.figures["cost"]
        for name in (*OUTPUTS, "state.json"):
            (tmp_path / "out" / name).unlink()
        third = rewrite(settings_for(endpoint), source, tmp_path / "out")
        assert endpoint.sent.total() == asked and read(tmp_path / "out") == before
        assert third.figures["rows"] == first.figures["rows"]


@pytest.mark.parametrize("damage", ["torn", "more", "less", "state"])
def test_damaged_outputs_are_made_again_from_the_answers(source, tmp_path, damage):
    out = tmp_path / "out"
    with Scripted(Script(malformed=0.3)) as endpoint:
        rewrite(settings_for(endpoint), source, out)
        before, asked = read(out), endpoint.sent.total()
        accepted = out / "accepted.jsonl"
        if damage == "torn":
            accepted.write_bytes(before["accepted.jsonl"][:-30])
        elif damage == "more":
            accepted.write_bytes(before["accepted.jsonl"] + b'{"half": ')
        elif damage == "less":
            (out / "rejected.jsonl").unlink()
        else:
            (out / "state.json").write_text('{"number": 3}')
        rewrite(settings_for(endpoint), source, out)
        assert read(out) == before and endpoint.sent.total() == asked


def test_questions_that_are_added_are_asked_and_changed_ones_asked_anew(source, tmp_path):
    out = tmp_path / "out"
    with Scripted() as endpoint:
        rewrite(settings_for(endpoint), source, out)
        write(source, map(ask, range(130)))
        assert rewrite(settings_for(endpoint), source, out).done == 130
        assert endpoint.sent.total() == 130
        changed = [
            ask(place) | ({"question": "我改了问题，还是睡不好。"} if place == 7 else {}) for place in range(130)
        ]
        write(source, changed)
        with pytest.raises(OutputsError, match=r"holds 130 rows made of other questions .* --anew"):
            rewrite(settings_for(endpoint), source, out)
        rewrite(settings_for(endpoint), source, out, anew=True)
        assert endpoint.sent.total() == 131
    fresh = tmp_path / "fresh"
    with Scripted() as endpoint:
        rewrite(settings_for(endpoint), source, fresh)
    assert read(out) == read(fresh)


def test_another_model_or_parameter_asks_anew_only_when_told_to_and_the_former_answers_are_kept(source, tmp_path):
    out = tmp_path / "out"
    with Scripted(Script(malformed=0.2)) as endpoint:
        rewrite(settings_for(endpoint), source, out)
        before, asked = read(out), endpoint.sent.total()
        with pytest.raises(OutputsError, match=r"models {'tiny': 1.0}, now {'other': 1.0}.* --anew"):
            rewrite(settings_for(endpoint, models={"other": 1.0}), source, out)
        assert read(out) == before and endpoint.sent.total() == asked
        rewrite(settings_for(endpoint, models={"other": 1.0}), source, out, anew=True)
        assert read(out) != before and endpoint.sent.total() == 2 * asked
        rewrite(settings_for(endpoint, parameters={"temperature": 0.5}), source, out, anew=True)
        assert endpoint.sent.total() == 3 * asked
        rewrite(settings_for(endpoint), source, out, anew=True)
        assert read(out) == before and endpoint.sent.total() == 3 * asked


def test_answers_out_of_the_order_of_the_questions_are_paid_for_once_over_a_stop(source, tmp_path):
    out = tmp_path / "out"
    with Scripted(Script(latency=0.005)) as endpoint:
        rewrite(settings_for(endpoint), source, out)
        write(source, [*map(ask, range(200, 240)), *map(ask, range(120))])

        def revoke():
            while endpoint.paid.total() < 130:
                time.sleep(0.001)
            endpoint.script.refuse = (401, {"message": "key revoked"})

        timer = threading.Thread(target=revoke)
        timer.start()
        with pytest.raises(EndpointStopped):
            rewrite(settings_for(endpoint, concurrency=2), source, out, anew=True)
        timer.join()
        endpoint.script.refuse = None
        assert rewrite(settings_for(endpoint), source, out).done == 160
        assert max(endpoint.paid.values()) == 1 and endpoint.paid.total() == 160


def test_a_damaged_answer_is_paid_for_once_more_and_not_at_every_start(source, tmp_path):
    out = tmp_path / "out"
    with Scripted() as endpoint:
        rewrite(settings_for(endpoint), source, out)
        answers = (out / "answers.jsonl").read_bytes().splitlines(keepends=True)
        (out / "answers.jsonl").write_bytes(answers[0][:-40] + b"\n" + b"".join(answers[1:]))
        for _ in range(3):
            rewrite(settings_for(endpoint), source, out, anew=True)
        assert endpoint.sent.total() == 121


def test_a_csv_is_read_as_the_same_questions(source, tmp_path):
    questions = [ask(place) | {"question": f"我是第{place}个，\n“睡不好”，怎么办？"} for place in range(30)]
    write(source, questions)
    table = tmp_path / "questions.csv"
    with table.open("w", encoding="gb18030", newline="") as file:
        writer = csv.DictWriter(file, ["topic", "question_id", "question"])
        writer.writeheader()
        writer.writerows(questions)
    with Scripted() as endpoint:
        rewrite(settings_for(endpoint), source, tmp_path / "lines")
        rewrite(settings_for(endpoint), table, tmp_path / "table")
    assert read(tmp_path / "lines") == read(tmp_path / "table")
    assert len(rows(tmp_path / "table" / "accepted.jsonl")) == 30


def test_a_file_without_a_question_is_refused_and_says_what_it_holds(tmp_path):
    wrong = write(tmp_path / "wrong.jsonl", [{"id": "1", "q": "睡不着"}] * 3)
    table = tmp_path / "wrong.csv"
    table.write_text("编号,问题\n1,睡不着\n", encoding="utf-8")
    with Scripted() as endpoint:
        for file, says in (
            (wrong, r"no_question_id 3; the first has the keys id, q"),
            (table, "columns 编号, 问题; .*"),
        ):
            with pytest.raises(QuestionsError, match=says):
                rewrite(settings_for(endpoint), file, tmp_path / "out")
        assert endpoint.sent.total() == 0
    assert not (tmp_path / "out" / "rejected.jsonl").exists()


def test_shards_together_are_the_whole_and_share_nothing(source, tmp_path):
    with source.open("a") as file:
        file.write("{\n" + json.dumps(ask(5)) + "\n")
    with Scripted(Script(malformed=0.3)) as endpoint:
        rewrite(settings_for(endpoint), source, tmp_path / "whole")
        for index in (1, 2, 3):
            report = rewrite(settings_for(endpoint, shard=f"{index}/3"), source, tmp_path / str(index))
            assert report.rows == report.done > 20
        with pytest.raises(OutputsError, match="holds shard 1/3"):
            rewrite(settings_for(endpoint, shard="2/3"), source, tmp_path / "1")
    for name in OUTPUTS:
        parts = [line for index in (1, 2, 3) for line in (tmp_path / str(index) / name).read_bytes().splitlines()]
        assert sorted(parts) == sorted((tmp_path / "whole" / name).read_bytes().splitlines())


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_shard_that_cannot_be_is_refused(text):
    with pytest.raises(QuestionsError, match="is not i/n"):
        Shard.parse(text)


def test_models_are_mixed_by_weight_and_always_the_same():
    drawn = Counter(chosen(f"q{place}", {"many": 0.99, "few": 0.01, "none": 0}) for place in range(20_000))
    assert 140 < drawn["few"] < 260 and drawn["none"] == 0
    assert [chosen("q7", {"a": 1, "b": 1}) for _ in range(3)] == [chosen("q7", {"a": 1, "b": 1})] * 3


def test_a_row_without_an_answer_is_asked_again_by_the_next_run(source, tmp_path):
    poison = ("第7个", 500, {"message": "worker died"})
    with Scripted(Script(poison=poison, latency=0.001)) as endpoint:
        config = settings_for(endpoint, give_up_after=0.5)
        report = rewrite(config, source, tmp_path / "out")
        assert (report.done, report.failed) == (120, 1)
        assert report.figures["rows"] == {"total": 120, "done": 120, "accepted": 119, "rejected": 1}
        (rejected,) = rows(tmp_path / "out" / "rejected.jsonl")
        assert (rejected["question_id"], rejected["reason"]) == ("q7", "request_failed")
        paid = endpoint.paid.total()
        endpoint.script.poison = None
        again = rewrite(config, source, tmp_path / "out")
        assert (again.done, again.failed) == (120, 0)
        assert again.figures["rows"] == {"total": 120, "done": 120, "accepted": 120, "rejected": 0}
        assert endpoint.paid.total() == paid + 1
        rewrite(config, source, tmp_path / "fresh")
    assert read(tmp_path / "out") == read(tmp_path / "fresh")


def test_a_question_that_the_endpoint_will_not_take_is_a_rejection_and_no_end(source, tmp_path):
    poison = ("第7个", 400, {"message": "filtered", "code": "content_filter"})
    with Scripted(Script(poison=poison)) as endpoint:
        report = rewrite(settings_for(endpoint), source, tmp_path / "out")
        assert (report.done, report.failed) == (120, 0)
        (rejected,) = rows(tmp_path / "out" / "rejected.jsonl")
        assert (rejected["question_id"], rejected["reason"]) == ("q7", "endpoint_content_filter")


def test_a_run_that_is_refused_keeps_what_came_before_and_goes_on_later(source, tmp_path):
    out = tmp_path / "out"
    with Scripted(Script(latency=0.01)) as endpoint:

        def revoke():
            while endpoint.paid.total() < 12:
                time.sleep(0.001)
            endpoint.script.refuse = (401, {"message": "key revoked"})

        timer = threading.Thread(target=revoke)
        timer.start()
        with pytest.raises(EndpointStopped, match="OPENAI_API_KEY"):
            rewrite(settings_for(endpoint, concurrency=4), source, out)
        timer.join()
        assert json.loads((out / "report.json").read_text())["stopped"] == "endpoint"
        paid = endpoint.paid.total()
        assert len((out / "answers.jsonl").read_bytes().splitlines()) == paid > 0, "an answer in flight was lost"
        endpoint.script.refuse = None
        rewrite(settings_for(endpoint), source, out)
        assert endpoint.paid.total() == 120 and max(endpoint.paid.values()) == 1
        rewrite(settings_for(endpoint), source, tmp_path / "fresh")
    assert read(out) == read(tmp_path / "fresh")


PRICES = {"tiny": {"prompt": 0.0, "completion": 1_000.0}}  # 0.9 dollars an answer


def test_no_request_is_sent_that_could_exceed_the_ceiling(source, tmp_path):
    out, more = tmp_path / "out", {"prices": PRICES, "parameters": {"max_tokens": 1_000}}
    with Scripted(Script(latency=0.002)) as endpoint:
        report = rewrite(settings_for(endpoint, max_cost=20.0, **more), source, out)
        assert report.stopped == "max_cost"
        assert 19 < report.figures["cost"] <= 20
        assert report.done == endpoint.paid.total() == 22  # at 0.9; the next might cost a whole dollar
        report = rewrite(settings_for(endpoint, max_cost=20.0, **more), source, out)
        assert report.stopped == "max_cost" and endpoint.paid.total() == 22, "what was spent before counts"
        report = rewrite(settings_for(endpoint, max_cost=0, **more), source, out)
        assert report.stopped is None and endpoint.paid.total() == 120
        assert report.figures["cost"] == pytest.approx(108)


def test_the_ceiling_holds_over_models_that_are_no_longer_asked(source, tmp_path):
    more = {"prices": PRICES | {"other": PRICES["tiny"]}, "parameters": {"max_tokens": 1_000}, "max_cost": 20.0}
    with Scripted() as endpoint:
        rewrite(settings_for(endpoint, **more), source, tmp_path / "out")
        report = rewrite(settings_for(endpoint, models={"other": 1.0}, **more), source, tmp_path / "out", anew=True)
        assert report.stopped == "max_cost" and report.figures["cost"] <= 20
        assert endpoint.paid.total() == 22


def test_answers_that_got_lost_count_towards_the_ceiling(source, tmp_path):
    more = {"prices": PRICES, "parameters": {"max_tokens": 1_000}, "max_cost": 20.0}
    with Scripted(Script(faults={"cut": 1.0}, most_faults=1)) as endpoint:
        report = rewrite(settings_for(endpoint, **more), source, tmp_path / "out")
        assert report.stopped == "max_cost"
        lost = report.figures["lost"]
        assert lost["requests"] >= 8 and lost["cost_at_most"] == pytest.approx(lost["requests"])
        assert report.figures["cost"] + lost["cost_at_most"] <= 20
        assert endpoint.sent.total() <= 22


@pytest.mark.parametrize(
    ("missing", "says"), [("prices", "no price is known for 'tiny'"), ("max_tokens", "max_tokens")]
)
def test_a_ceiling_that_cannot_be_kept_is_refused(source, tmp_path, missing, says):
    more = {"prices": PRICES, "parameters": {"max_tokens": 1_000}}
    more["parameters" if missing == "max_tokens" else missing] = {}
    with Scripted() as endpoint, pytest.raises(ConfigError, match=says):
        rewrite(settings_for(endpoint, max_cost=1.0, **more), source, tmp_path / "out")


def test_a_second_process_in_the_same_folder_is_refused(source, tmp_path):
    with Scripted(Script(latency=0.2)) as endpoint:
        config = settings_for(endpoint, concurrency=4)
        process = multiprocessing.get_context("spawn").Process(target=rewrite, args=(config, source, tmp_path / "out"))
        process.start()
        try:
            while not endpoint.sent:
                time.sleep(0.01)
            with pytest.raises(OutputsError, match="another process"):
                rewrite(config, source, tmp_path / "out")
        finally:
            process.kill()
            process.join()
        endpoint.script.latency = 0
        assert rewrite(config, source, tmp_path / "out").done == 120


INTERRUPTED = """
import json, sys
from pathlib import Path
from dataset_builder.rewriting.config import load_config
from dataset_builder.rewriting.rewrite import rewrite
config = load_config(base_url=sys.argv[1], models={"tiny": 1.0}, concurrency=8)
print(rewrite(config, Path(sys.argv[2]), Path(sys.argv[3]), lambda line: print(line, file=sys.stderr)).stopped)
"""


def test_an_interrupted_run_waits_for_what_is_in_flight(source, tmp_path):
    with Scripted(Script(latency=0.3)) as endpoint:
        command = [sys.executable, "-c", INTERRUPTED, endpoint.url, str(source), str(tmp_path / "out")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
        while endpoint.paid.total() < 8:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, noted = process.communicate(timeout=20)
    assert (process.returncode, said.strip()) == (0, "interrupted"), noted
    assert "once more to stop at once" in noted
    assert len((tmp_path / "out" / "answers.jsonl").read_bytes().splitlines()) == endpoint.paid.total() <= 24


def test_no_more_rows_wait_for_a_slow_one_than_the_window_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("dataset_builder.rewriting.rewrite.AHEAD", 5)
    source = write(tmp_path / "questions.jsonl", map(ask, range(100)))
    with Scripted(Script(slow=0.5, slow_text="第0个")) as endpoint:
        paid = []

        def look():
            time.sleep(0.01)
            while not endpoint.sent or endpoint.paid.total() < 19:
                time.sleep(0.01)
            time.sleep(0.2)
            paid.append(endpoint.paid.total())

        looking = threading.Thread(target=look)
        looking.start()
        report = rewrite(settings_for(endpoint, concurrency=4), source, tmp_path / "out")
        looking.join()
    assert report.done == 100
    assert paid == [19]  # 5 * 4, and the slow one is not paid yet


def test_a_line_for_a_person_comes_now_and_then(source, tmp_path):
    lines = []
    with Scripted() as endpoint:
        rewrite(settings_for(endpoint), source, tmp_path / "out", lines.append)
    assert lines and "120" in lines[0]


class TestTheConfiguration:
    def test_the_defaults_are_the_papers_mixture(self):
        config = load_config()
        assert config.models == {"gpt-3.5-turbo": 0.99, "gpt-4": 0.01} and config.max_cost == 0

    @pytest.mark.parametrize(
        ("override", "says"),
        [
            ("concurrency=0", "concurrency=0 is not between"),
            ("concurency=3", "'concurency' is unknown"),
            ("concurrency=three", "concurrency='three' is no int"),
            ("concurrency=true", "concurrency=True is no int"),
            ("max_cost=-1", "max_cost=-1"),
            ("max_cost=.nan", "max_cost=nan is no float"),
            ("models={}", "does not map names to weights"),
            ("models={a: 0}", "does not map names to weights"),
            ("models={a: x}", "does not map names to weights"),
            ("parameters={stream: true}", "parameters.stream"),
            ("base_url=localhost:8000", "is no URL"),
            ("min_rounds=30", "min_rounds=30 is not between 1 and 20"),
            ("concurrency", "is not key=value"),
        ],
    )
    def test_what_cannot_be_is_refused_and_named(self, override, says):
        with pytest.raises(ConfigError, match=says):
            load_config(overrides=[override])

    def test_a_key_that_is_missing_is_named(self, tmp_path):
        values = yaml.safe_load(config_module.FILE.read_text(encoding="utf-8"))
        del values["timeout"]
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        with pytest.raises(ConfigError, match="'timeout' is missing"):
            load_config(tmp_path / "mine.yaml")
        (tmp_path / "mine.yaml").write_text("- a list", encoding="utf-8")
        with pytest.raises(ConfigError, match="does not map"):
            load_config(tmp_path / "mine.yaml")
