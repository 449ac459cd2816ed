"""The pool, the client, the limits and the store, each on its own; the endpoint is a real one on loopback."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
import tracemalloc

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.rewriting import answers as answers_module
from dataset_builder.rewriting import judge
from dataset_builder.rewriting.answers import Answer, Answers, AnswersError
from dataset_builder.rewriting.endpoint import (
    TRIES,
    Endpoint,
    EndpointStopped,
    RequestFailed,
    answer_of,
)
from dataset_builder.rewriting.engine import run_pool
from dataset_builder.rewriting.faults import retry_after
from dataset_builder.rewriting.limits import Bucket, Budget, CostReached, Halted
from dataset_builder.rewriting.requests import Request, request_key
from dataset_builder.rewriting.validate import validate
from tests.dataset_builder.rewriting.scripted import Script, Scripted, transcript


def collect(items, work, concurrency):
    async def run():
        return [result async for result in run_pool(items, work, concurrency)]

    return asyncio.run(run())


def request(text="用户：睡不着", **parameters):
    return Request(request_key(text), "tiny", [{"role": "user", "content": text}], parameters)


def ask(endpoint, *requests, **settings):
    """The answers to requests that are all asked at once, or the error in an answer's place."""

    async def run():
        async with Endpoint(endpoint.url, **{"first_wait": 0.01, "give_up_after": 5, **settings}) as client:
            return await asyncio.gather(*map(client.ask, requests), return_exceptions=True)

    return asyncio.run(run())


class TestThePool:
    @given(st.integers(0, 200), st.integers(1, 20))
    def test_every_item_is_worked_on_once(self, count, concurrency):
        async def work(item):
            await asyncio.sleep(0)
            return item

        assert sorted(collect(range(count), work, concurrency)) == list(range(count))

    def test_a_slow_item_holds_up_no_other(self):
        async def work(item):
            await asyncio.sleep(0.3 if item == 0 else 0.01)
            return item

        started = time.monotonic()
        assert collect(range(40), work, 4)[-1] == 0
        assert time.monotonic() - started < 0.45  # a barrier for each four would be the same; two in a row are not
        order = collect(range(40), work, 4)
        assert order.index(0) > 30

    def test_no_more_is_taken_or_worked_on_than_the_concurrency(self):
        taken, busy, most = 0, 0, 0

        def items():
            nonlocal taken
            for place in range(1_000):
                taken += 1
                yield place

        async def work(item):
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1
            return item

        async def run():
            results = run_pool(items(), work, 5)
            first = [await anext(results) for _ in range(3)]
            await asyncio.sleep(0.02)  # nobody takes results: the workers must wait
            ahead = taken
            await results.aclose()
            return first, ahead

        first, ahead = asyncio.run(run())
        assert len(first) == 3 and most <= 5
        assert ahead <= 3 + 5 + 5

    def test_what_is_in_flight_when_one_fails_still_comes(self):
        async def work(item):
            await asyncio.sleep(0.01 if item == 2 else 0.05)
            if item == 2:
                raise ValueError("two")
            return item

        async def run():
            found = []
            with pytest.raises(ValueError, match="two"):
                async for result in run_pool(itertools.count(), work, 4):
                    found.append(result)
            return found

        assert sorted(asyncio.run(run())) == [0, 1, 3]

    def test_memory_does_not_grow_with_the_items(self):
        async def work(item):
            return bytes(1_000)

        async def run(count):
            async for _ in run_pool(range(count), work, 16):
                pass

        def peak(count):
            tracemalloc.start()
            asyncio.run(run(count))
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return most

        peak(100)
        assert peak(20_000) < 1.2 * peak(1_000)


class TestTheClient:
    @pytest.mark.parametrize(
        ("fault", "counted_as"),
        [
            ("429", "429"),
            ("429-after", "429"),
            ("500", "500"),
            ("503", "503"),
            ("reset", "connection"),
            ("cut", "connection"),
            ("truncated", "no_completion"),
            ("html", "no_completion"),
        ],
    )
    def test_a_fault_that_passes_is_tried_again_and_counted(self, fault, counted_as):
        names = []
        with Scripted(Script(faults={fault: 1.0}, most_faults=3)) as endpoint:
            (answer,) = ask(endpoint, request(), retried=names.append)
        assert isinstance(answer, Answer) and answer.text.startswith("用户：睡不着")
        assert endpoint.sent.total() == 4 and endpoint.paid.total() == 1
        assert names == [counted_as] * 3

    @pytest.mark.parametrize(
        ("status", "error", "fix"),
        [
            (401, {"message": "Incorrect API key"}, "OPENAI_API_KEY"),
            (402, {"message": "Payment required"}, "credit"),
            (403, {"message": "no access"}, "OPENAI_API_KEY"),
            (404, {"message": "The model `tiny` does not exist"}, "model's name"),
            (400, {"message": "temperature must be below 2"}, "parameters"),
            (422, {"message": "messages is missing"}, "parameters"),
            (429, {"message": "You exceeded your quota", "code": "insufficient_quota"}, "credit"),
        ],
    )
    def test_what_no_retry_mends_stops_at_once_and_says_how_to_go_on(self, status, error, fix):
        with Scripted(Script(refuse=(status, error))) as endpoint:
            (stopped,) = ask(endpoint, request())
        assert isinstance(stopped, EndpointStopped)
        for part in (str(status), error["message"], endpoint.url, fix, "start again"):
            assert part in str(stopped)
        assert endpoint.sent.total() == 1

    @pytest.mark.parametrize(
        ("status", "error", "reason"),
        [
            (400, {"message": "filtered", "code": "content_filter"}, "endpoint_content_filter"),
            (400, {"message": "x", "innererror": {"code": "content_filter"}}, "endpoint_content_filter"),
            (400, {"message": "too long", "code": "context_length_exceeded"}, "endpoint_too_long"),
            (400, {"message": "This model's maximum context length is 2048 tokens"}, "endpoint_too_long"),
            (400, {"message": "exceeds the available context size", "code": 400}, "endpoint_too_long"),
            (413, {"message": "too large"}, "endpoint_too_long"),
            (400, {"message": "Content Exists Risk", "code": "invalid_request_error"}, "endpoint_refused"),
            (403, {"message": "your input was flagged"}, "endpoint_refused"),
        ],
    )
    def test_a_refusal_that_is_about_one_text_fails_that_request_only(self, status, error, reason):
        with Scripted(Script(poison=("毒", status, error))) as endpoint:
            failed, answer = ask(endpoint, request("用户：毒"), request("用户：好"))
        assert isinstance(failed, RequestFailed) and (failed.reason, failed.lasting) == (reason, True)
        assert isinstance(answer, Answer)

    def test_one_that_is_refused_alone_is_so_for_good_where_the_model_has_answered_before(self):
        with Scripted(Script(refuse=(400, {"message": "Content Exists Risk"}))) as endpoint:
            (failed,) = ask(endpoint, request(), known={"tiny"})
        assert isinstance(failed, RequestFailed) and (failed.reason, failed.lasting) == ("endpoint_refused", True)

    def test_when_everything_is_refused_the_run_stops_and_nothing_is_rejected(self):
        error = {"message": "maximum context length is 4096 tokens, 4000 of them in the completion"}
        with Scripted(Script(refuse=(400, error))) as endpoint:
            results = ask(endpoint, *(request(f"用户：{place}") for place in range(60)), known={"tiny"})
        assert all(isinstance(result, EndpointStopped) for result in results)
        assert "lower parameters.max_tokens" in str(results[0]) and endpoint.sent.total() <= 60

    def test_one_that_was_refused_does_not_wait_for_one_that_waits_for_it(self):
        refused = asyncio.Event()

        async def lost(asked):
            await asyncio.wait_for(refused.wait(), 10)  # as a budget waits for what a refused request held

        with Scripted(Script(poison=("毒", 400, {"message": "no"}), faults={"cut": 1.0}, most_faults=1)) as endpoint:

            async def run():
                async with Endpoint(endpoint.url, known={"tiny"}, lost=lost, first_wait=0.01) as client:
                    other = asyncio.create_task(client.ask(request("用户：好")))
                    await asyncio.sleep(0.1)
                    with pytest.raises(RequestFailed):
                        await client.ask(request("用户：毒"))
                    refused.set()
                    return await other

            assert asyncio.run(run()).text

    def test_a_stop_ends_the_wait_of_one_that_was_refused(self):
        with Scripted(Script(poison=("毒", 400, {"message": "no"}), latency=0.3)) as endpoint:

            async def run():
                async with Endpoint(endpoint.url) as client:
                    bad = asyncio.create_task(client.ask(request("用户：毒")))
                    await asyncio.sleep(0.15)
                    good = asyncio.create_task(client.ask(request("用户：好")))
                    await asyncio.sleep(0.25)
                    client.stop()
                    return await asyncio.gather(bad, good, return_exceptions=True)

            bad, good = asyncio.run(run())
        assert isinstance(bad, Halted) and isinstance(good, Answer)

    def test_a_key_that_no_header_can_hold_is_refused_before_anything_is_asked(self):
        with Scripted() as endpoint:
            with pytest.raises(EndpointStopped, match="OPENAI_API_KEY has '…' in place 4"):
                ask(endpoint, request(), api_key="sk-…")
            (answer,) = ask(endpoint, request(), api_key=" sk-copied\n")
            assert isinstance(answer, Answer)

    def test_a_key_that_an_endpoint_repeats_is_not_shown(self):
        with Scripted(Script(refuse=(401, {"message": "Incorrect API key: sk-secret"}))) as endpoint:
            (stopped,) = ask(endpoint, request(), api_key="sk-secret")
        assert "Incorrect API key: <key>" in str(stopped)

    @pytest.mark.parametrize(("fault", "times"), [("cut", 2), ("truncated", 2), ("429", 0), ("500", 0)])
    def test_answers_that_did_not_arrive_are_told_of(self, fault, times):
        with Scripted(Script(faults={fault: 1.0}, most_faults=2)) as endpoint:
            told = []

            async def lost(asked):
                told.append(asked)

            (answer,) = ask(endpoint, request(), lost=lost)
        assert isinstance(answer, Answer) and len(told) == times

    def test_an_endpoint_that_was_never_reached_has_made_no_answer(self):
        with Scripted() as endpoint:
            pass
        down = []

        async def lost(asked):
            raise AssertionError("nothing was sent")

        asked = [request(f"用户：{place}") for place in range(8)]
        ask(endpoint, *asked, lost=lost, down=down.append, give_up_after=0.3, concurrency=8)
        assert len(down) == 1 and down[0].startswith(f"{endpoint.url} does not answer (")

    def test_a_429_is_waited_for_by_all(self):
        with Scripted(Script(faults={"429-after": 1.0}, most_faults=1, retry_after=0.3)) as endpoint:
            started = time.monotonic()
            answers = ask(endpoint, *(request(f"用户：{place}") for place in range(8)), first_wait=0.001)
            took = time.monotonic() - started
        assert all(isinstance(answer, Answer) for answer in answers)
        assert took >= 0.3
        gaps = [later - sooner for sooner, later in itertools.pairwise(sorted(endpoint.times))]
        assert max(gaps) >= 0.25, "somebody sent while all were asked to wait"

    def test_a_wait_longer_than_the_patience_stops(self):
        with Scripted(Script(faults={"429-after": 1.0}, retry_after=3_600)) as endpoint:
            (stopped,) = ask(endpoint, request())
        assert isinstance(stopped, EndpointStopped) and "429" in str(stopped)

    def test_a_request_that_alone_fails_is_given_up_and_may_be_asked_another_time(self):
        poison = ("毒", 500, {"message": "worker died"})
        with Scripted(Script(poison=poison, latency=0.002)) as endpoint:

            async def run():
                async with Endpoint(endpoint.url, concurrency=2, first_wait=0.001, give_up_after=30) as client:
                    bad = asyncio.create_task(client.ask(request("用户：毒")))
                    for place in itertools.count():
                        if bad.done():
                            return await asyncio.gather(bad, return_exceptions=True)
                        await client.ask(request(f"用户：{place}"))

            (failed,) = asyncio.run(run())
        assert isinstance(failed, RequestFailed) and (failed.reason, failed.lasting) == ("request_failed", False)
        assert max(endpoint.sent.values()) == TRIES

    def test_while_the_endpoint_is_down_one_request_probes_and_the_first_answer_sets_all_going(self):
        with Scripted(Script(down=True)) as endpoint:

            async def run():
                async with Endpoint(endpoint.url, concurrency=20, first_wait=0.05, give_up_after=30) as client:
                    asked = [asyncio.create_task(client.ask(request(f"用户：{place}"))) for place in range(20)]
                    await asyncio.sleep(0.6)
                    while_down = endpoint.sent.total()
                    endpoint.script.down = False
                    return while_down, await asyncio.gather(*asked)

            while_down, answers = asyncio.run(run())
        assert len(answers) == 20
        assert 20 < while_down <= 20 + 12, "one at a time, and ever more seldom"
        assert endpoint.paid.total() == 20

    def test_an_endpoint_that_stays_down_is_given_up(self):
        with Scripted(Script(down=True)) as endpoint:
            results = ask(
                endpoint, *(request(f"用户：{place}") for place in range(8)), give_up_after=0.3, concurrency=8
            )
        assert all(isinstance(result, EndpointStopped) for result in results)
        assert "has not answered" in str(results[0]) and "start again" in str(results[0])

    def test_an_endpoint_that_is_not_there_is_given_up(self):
        with Scripted() as endpoint:
            pass
        results = ask(endpoint, request("用户：甲"), request("用户：乙"), give_up_after=0.3, concurrency=2)
        assert any(isinstance(result, EndpointStopped) for result in results)

    def test_an_answer_that_takes_too_long_is_asked_for_again(self):
        with Scripted(Script(slow=5.0, slow_share=1.0)) as endpoint:
            names = []
            (failed,) = ask(endpoint, request(), timeout=0.1, give_up_after=0.3, retried=names.append)
        assert isinstance(failed, RequestFailed)
        assert set(names) == {"timeout"}
        assert 2 <= endpoint.connections <= 6

    def test_after_a_stop_nothing_is_sent_and_what_is_in_flight_is_answered(self):
        with Scripted(Script(latency=0.2)) as endpoint:

            async def run():
                async with Endpoint(endpoint.url) as client:
                    asked = asyncio.create_task(client.ask(request("用户：甲")))
                    await asyncio.sleep(0.1)
                    client.stop()
                    with pytest.raises(Halted):
                        await client.ask(request("用户：乙"))
                    return await asked

            assert asyncio.run(run()).text
        assert endpoint.sent.total() == 1

    def test_half_of_a_surrogate_pair_can_be_kept(self, tmp_path):
        body = rb'{"choices": [{"message": {"content": "\ud83d \ud83d\ude00"}, "finish_reason": "stop"}]}'
        answer = answer_of(request(), body)
        assert answer.text == "\ufffd 😀"
        with Answers(tmp_path / "a") as kept:
            kept.add(answer)
            assert kept.get(answer.key) == answer

    @pytest.mark.parametrize("message", [b"null", b"{}", b'{"content": null}'])
    def test_a_message_without_content_is_an_empty_answer(self, message):
        assert answer_of(request(), b'{"choices": [{"message": %b}]}' % message).text == ""

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"choices": []}', b'{"error": {"message": "busy"}}'])
    def test_a_200_without_an_answer_is_no_answer(self, body):
        with pytest.raises((ValueError, KeyError, IndexError, TypeError)):
            answer_of(request(), body)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(headers, seconds):
    assert retry_after(headers) == seconds


class TestLimits:
    @given(st.lists(st.floats(0, 5), max_size=400), st.integers(1, 600))
    def test_no_minute_sees_more_than_the_limit(self, pauses, per_minute):
        now = 0.0
        bucket = Bucket(per_minute, lambda: now)
        used = []
        for pause in pauses:
            now += pause
            used.append(now + bucket.take(1))
        for place, at in enumerate(used):
            assert sum(at <= other < at + 60 for other in used[place:]) <= per_minute + max(1, per_minute / 60) + 1

    def test_what_was_taken_too_much_is_given_back(self):
        now = 0.0
        bucket = Bucket(6_000, lambda: now)  # 100 a second
        assert bucket.take(100) == 0
        assert bucket.take(1_000) == pytest.approx(10)
        bucket.correct(900)
        assert bucket.take(100) == pytest.approx(2)

    def test_requests_are_paced(self):
        with Scripted(Script()) as endpoint:
            ask(endpoint, *(request(f"用户：{place}") for place in range(30)), requests_per_minute=1_200)
        assert 0.4 < max(endpoint.times) - min(endpoint.times) < 1.5  # 20 a second, of which 20 at once

    def test_tokens_are_paced_by_what_answers_took(self):
        with Scripted(Script(answer=lambda messages: "好")) as endpoint:

            async def run():
                limit = 240_000  # 4,000 a second; an answer takes 900 and some
                async with Endpoint(endpoint.url, tokens_per_minute=limit) as client:
                    started = time.monotonic()
                    for place in range(12):
                        await client.ask(request(f"用户：{place}"))
                    return time.monotonic() - started

            took = asyncio.run(run())
        assert 1.2 < took < 4.5  # 12 * 910 / 4,000 is 2.7, less the second that may be had at once

    def test_the_ceiling_is_never_passed_and_room_is_waited_for(self):
        async def run():
            budget, done = Budget(10.0, spent=4.0), 0

            async def one():
                nonlocal done
                await budget.hold(3.0)
                await asyncio.sleep(0.001)
                budget.settle(3.0, 1.0)
                done += 1
                assert budget.spent <= 10.0

            results = await asyncio.gather(*(one() for _ in range(10)), return_exceptions=True)
            return done, sum(isinstance(result, CostReached) for result in results)

        assert asyncio.run(run()) == (4, 6)  # the fifth could cost 3 where 2 are left


TRANSCRIPTS = [transcript("我睡不好，怎么办？", rounds=place % 12 + 1, seed=str(place)) for place in range(60)]
JUDGE = """
import asyncio, sys
from dataset_builder.rewriting import judge
judge.HERE = 1
async def run():
    one = judge.Judge((8, 20))
    while not one._ready:
        await one.verdict("", None, None)
        await asyncio.sleep(0.01)
    print(one.process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(run())
"""


class TestTheJudge:
    @pytest.mark.parametrize("ends", [False, True])
    def test_verdicts_are_the_same_in_another_process_and_when_that_ends(self, monkeypatch, ends):
        monkeypatch.setattr(judge, "HERE", 1)

        async def run():
            one = judge.Judge((8, 20))
            first = await one.verdict(TRANSCRIPTS[0], None, None)
            while not one._ready:
                await asyncio.sleep(0.01)
            asked = [asyncio.create_task(one.verdict(text, "我睡不好，怎么办？", None)) for text in TRANSCRIPTS]
            await asyncio.sleep(0)
            if ends:
                one.process.kill()
            found = await asyncio.gather(*asked)
            again = await one.verdict(TRANSCRIPTS[9], None, None)
            await one.close()
            return first, found, again, one.process.returncode

        first, found, again, code = asyncio.run(run())
        assert found == [validate(text, question="我睡不好，怎么办？") for text in TRANSCRIPTS]
        assert {verdict.accepted for verdict in found} == {True, False}
        assert (first, again) == (validate(TRANSCRIPTS[0]), validate(TRANSCRIPTS[9]))
        assert code is not None, "it was left behind"

    def test_the_other_process_does_not_outlive_a_killed_run(self):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with subprocess.Popen([sys.executable, "-c", JUDGE], stdout=subprocess.PIPE, env=environment) as process:
            other = psutil.Process(int(process.stdout.readline()))
            process.kill()
            process.wait()
            other.wait(10)


def an_answer(place, text="好"):
    return Answer(request_key(place), text, place, 2, 'ti"ny', "stop")


class TestTheStore:
    @given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=20), cut=st.integers(0, 10_000))
    def test_what_was_written_is_found_and_a_torn_line_is_cut_off(self, tmp_path_factory, texts, cut):
        path = tmp_path_factory.mktemp("store") / "answers.jsonl"
        made = [an_answer(place, text) for place, text in enumerate(texts)]
        ends = []
        with Answers(path) as store:
            for answer in made:
                store.add(answer)
                ends.append(store.size)
                assert store.get(answer.key) == answer
        whole = path.read_bytes()
        path.write_bytes(whole[:cut])
        kept = [answer for answer, end in zip(made, ends, strict=True) if end <= cut]
        with Answers(path) as store:
            assert [store.get(answer.key) for answer in made] == kept + [None] * (len(made) - len(kept))
            spent = store.spent.get('ti"ny')
            assert (spent.answers, spent.prompt_tokens) if spent else (len(kept), sum(range(len(kept)))) == (0, 0)
            for answer in made[len(kept) :]:
                store.add(answer)
        assert path.read_bytes() == whole

    def test_an_answer_is_in_the_file_when_add_returns(self, tmp_path):
        with Answers(tmp_path / "answers.jsonl") as store:
            store.add(an_answer(1))
            assert json.loads((tmp_path / "answers.jsonl").read_bytes())["text"] == "好"

    def test_only_the_tail_is_read_where_the_rest_is_known(self, tmp_path):
        path = tmp_path / "answers.jsonl"
        with Answers(path) as store:
            for place in range(10):
                store.add(an_answer(place))
                if place == 3:
                    start = store.size
                if place == 6:
                    counted, spent = store.size, dict(store.spent)
            full = store.spent
        with Answers(path, start=start, counted=counted, spent=spent) as store:
            assert store.spent == full
            assert store.get(an_answer(3).key) is None
            assert store.get(an_answer(4).key) == an_answer(4)
        with Answers(path, start=start + 1, counted=counted, spent=spent) as store:  # of some other file
            assert store.spent == full and store.get(an_answer(0).key) == an_answer(0)

    def test_the_first_of_two_answers_counts_and_a_damaged_line_is_passed_over(self, tmp_path):
        path = tmp_path / "answers.jsonl"
        first, second = an_answer(1, "先"), an_answer(1, "后")
        path.write_bytes(first.line() + b"\0" * 50 + b"\n" + second.line() + an_answer(2).line())
        with Answers(path) as store:
            assert store.get(first.key) == first
            assert store.get(an_answer(2).key) == an_answer(2)
            assert store.damaged == 1

    def test_a_full_disk_leaves_whole_lines(self, tmp_path, monkeypatch):
        path = tmp_path / "answers.jsonl"
        real = os.write
        with Answers(path) as store:
            store.add(an_answer(1))
            monkeypatch.setattr(answers_module.os, "write", lambda file, data: real(file, data[:7]))
            with pytest.raises(AnswersError, match="disk is full"):
                store.add(an_answer(2))
            monkeypatch.undo()
            store.add(an_answer(3))
        assert path.read_bytes() == an_answer(1).line() + an_answer(3).line()

    def test_what_is_forgotten_takes_no_memory(self, tmp_path):
        with Answers(tmp_path / "answers.jsonl") as store:
            for place in range(100):
                store.add(an_answer(place))
                store.forget(an_answer(place).key)
            assert not store._added
