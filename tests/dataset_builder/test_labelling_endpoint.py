"""Topics from an endpoint: a real loopback server with scripted faults, and answers that are paid for once."""

import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder import labelling_endpoint
from dataset_builder.labeller import Label
from dataset_builder.labelling_endpoint import EndpointError, Tally, label_with_endpoint, parse_answer, prompt_for
from dataset_builder.topics import TOPICS
from tests.dataset_builder.building import build_into
from tests.dataset_builder.synthetic import dialogues

FAMILY = '{"topic": "家庭", "confidence": 0.9}'


@dataclass
class Script:
    """What the endpoint does: `faults` first, one a request, then answers by what the conversation holds."""

    answers: dict[str, str] = field(default_factory=dict)
    faults: list[int | str] = field(default_factory=list)  # a status, or "cut"
    retry_after: str | None = None
    pause: float = 0.0
    requests: list[dict] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def run(self, texts, cache, **options):
        conversations = ([{"role": "user", "content": text}, {"role": "assistant", "content": "嗯"}] for text in texts)
        return label_with_endpoint(conversations, base_url=self.url, model="tiny", cache=cache, **options)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        script = self.server.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with script.lock:
            script.requests.append(body)
            script.times.append(time.monotonic())
            script.busy += 1
            script.most_busy = max(script.most_busy, script.busy)
            fault = script.faults.pop(0) if script.faults else 200
        time.sleep(script.pause)
        with script.lock:
            script.busy -= 1
        if fault == "cut":
            self.close_connection = True
            self.connection.close()
            return
        text = body["messages"][-1]["content"]
        content = next((answer for word, answer in script.answers.items() if word in text), FAMILY)
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        good = {"id": "1", "created": 1, "model": "tiny", "object": "chat.completion", "choices": [choice]}
        data = json.dumps(good if fault == 200 else {"error": {"message": "scripted"}}).encode()
        self.send_response(fault)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if fault != 200 and script.retry_after:
            self.send_header("Retry-After", script.retry_after)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setattr(openai._base_client, "INITIAL_RETRY_DELAY", 0.01)  # the client's, half a second
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.script = Script(url=f"http://127.0.0.1:{server.server_port}/v1")
        server.handle_error = lambda *_: None  # a client that goes away is part of the script
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.script
        server.shutdown()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "answers" / "labels.jsonl"


def test_labels_come_in_the_order_of_the_conversations(endpoint, cache):
    labels = list(TOPICS.values())
    endpoint.answers = {
        f"第{i:02d}个": json.dumps({"topic": label, "confidence": 0.5 + i / 100}) for i, label in enumerate(labels)
    }
    found = list(endpoint.run([f"第{i:02d}个" for i in range(12)], cache, concurrency=5))
    assert found == [Label(topic, 0.5 + i / 100, "endpoint") for i, topic in enumerate(TOPICS)]
    system, user = endpoint.requests[0]["messages"]
    assert all(label in system["content"] for label in [*labels, "无法判断"])
    assert user["content"].startswith("来访者：第") and user["content"].endswith("\n咨询师：嗯")


def test_no_more_requests_are_in_flight_than_allowed_and_no_more_is_read_than_needed(endpoint, cache):
    endpoint.pause = 0.02
    read = 0

    def texts():
        nonlocal read
        for read in range(1, 101):
            yield f"话{read}"

    found = endpoint.run(texts(), cache, concurrency=3)
    next(found)
    assert read == labelling_endpoint.AHEAD * 3
    assert len(list(itertools.islice(found, 20))) == 20
    found.close()
    assert 1 < endpoint.most_busy <= 3
    assert read < 40


@pytest.mark.parametrize("fault", [429, 500, 503, "cut"])
def test_a_fault_that_passes_is_tried_again(endpoint, cache, fault):
    endpoint.faults = [fault, fault]
    assert list(endpoint.run(["在吗"], cache)) == [Label("family", 0.9, "endpoint")]
    assert len(endpoint.requests) == 3


def test_it_waits_as_long_as_the_endpoint_asks(endpoint, cache):
    endpoint.faults, endpoint.retry_after = [429], "0.4"
    list(endpoint.run(["在吗"], cache))
    first, second = endpoint.times
    assert second - first >= 0.4


@pytest.mark.parametrize(("status", "fix"), [(400, "model"), (401, "OPENAI_API_KEY"), (404, "base_url")])
def test_a_refusal_ends_the_run_with_the_fix_and_without_the_key(endpoint, cache, status, fix):
    endpoint.faults = [status] * 50
    with pytest.raises(EndpointError, match=f"answered {status}.*scripted.*{fix}") as raised:
        list(endpoint.run([f"话{i}" for i in range(40)], cache, api_key="sk-secret"))
    assert "sk-secret" not in str(raised.value)
    assert len(endpoint.requests) < 40


def test_an_endpoint_that_keeps_failing_ends_the_run_and_the_answers_stay(endpoint, cache, monkeypatch):
    monkeypatch.setattr(labelling_endpoint, "RETRIES", 2)
    assert len(list(endpoint.run(["一", "二"], cache))) == 2
    endpoint.faults = [500] * 3
    with pytest.raises(EndpointError, match=r"answered 500.*log"):
        list(endpoint.run(["一", "二", "三"], cache, concurrency=1))
    assert len(endpoint.requests) == 5
    assert len(list(endpoint.run(["一", "二", "三"], cache))) == 3
    assert len(endpoint.requests) == 6


def test_an_endpoint_that_is_not_there_is_named(cache, monkeypatch):
    monkeypatch.setattr(labelling_endpoint, "RETRIES", 0)
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1:9/v1.*cannot be reached"):
        list(Script(url="http://127.0.0.1:9/v1").run(["在吗"], cache))


def test_an_answer_that_names_no_topic_is_counted_and_not_asked_again(endpoint, cache):
    endpoint.answers = {"乱": "我爱北京", "空": ""}
    tally = Tally()
    nothing = Label(None, 0.0, "endpoint")
    for asked, kept in ((3, 0), (3, 3)):
        found = list(endpoint.run(["乱", "好", "空"], cache, tally=tally))
        assert found == [nothing, Label("family", 0.9, "endpoint"), nothing]
        assert (tally.asked, tally.kept) == (asked, kept)
    assert tally.unparsable == 4
    assert len(endpoint.requests) == 3


def test_the_same_conversation_is_paid_for_once_however_often_it_comes(endpoint, cache):
    endpoint.pause = 0.05
    tally = Tally()
    assert len(list(endpoint.run(["同"] * 30 + ["异"], cache, concurrency=8, tally=tally))) == 31
    assert len(endpoint.requests) == tally.asked == 2
    assert tally.kept == 29


def test_another_model_is_asked_anew(endpoint, cache):
    list(endpoint.run(["在吗"], cache))
    messages = [[{"role": "user", "content": "在吗"}, {"role": "assistant", "content": "嗯"}]]
    list(label_with_endpoint(messages, base_url=endpoint.url, model="other", cache=cache))
    assert [request["model"] for request in endpoint.requests] == ["tiny", "other"]


@pytest.mark.parametrize("torn", [1, 20, 60])
def test_a_killed_run_goes_on_and_pays_again_only_for_the_torn_line(endpoint, cache, torn):
    texts = [f"话{i}" for i in range(6)]
    whole = list(endpoint.run(texts, cache, concurrency=1))
    cache.write_bytes(cache.read_bytes()[:-torn])
    assert list(endpoint.run(texts, cache)) == whole
    assert len(endpoint.requests) == 7
    assert len([json.loads(line) for line in cache.read_text(encoding="utf-8").splitlines()]) == 6


def test_a_run_that_is_abandoned_keeps_what_was_answered(endpoint, cache):
    found = endpoint.run([f"话{i}" for i in range(100)], cache, concurrency=2)
    next(found)
    found.close()
    kept = cache.read_text(encoding="utf-8").count("\n")
    assert 1 <= kept < 100


def test_a_damaged_cache_is_named_with_its_line(endpoint, cache):
    list(endpoint.run(["一"], cache))
    cache.write_text("{}\n" + cache.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(EndpointError, match=r"line 1 of .*labels\.jsonl"):
        list(endpoint.run(["一"], cache))


def test_a_long_conversation_is_cut():
    assert len(prompt_for([{"role": "user", "content": "话" * 4000}])) == labelling_endpoint.READ


@pytest.mark.parametrize(
    ("answer", "topic", "confidence"),
    [
        (FAMILY, "family", 0.9),
        ('```json\n{"topic": "marriage", "confidence": "0.7"}\n```', "marriage", 0.7),
        ('好的。{"confidence": 85, "topic": "恋爱"}希望有帮助', "marriage", 0.85),
        ('{"topic": "婚恋（marriage）", "confidence": "60%"}', "marriage", 0.6),
        ('{"topic": "职场"}', "career", 0.5),
        ('{"topic": "职场", "confidence": NaN}', "career", 0.5),
        ("这段对话属于【性心理】。", "sex", 0.5),
        ("Topic: self-awareness", "self-awareness", 0.5),
        ('{"topic": "无法判断", "confidence": 0.8}', None, 0.8),
    ],
)
def test_an_answer_is_read_however_it_is_dressed(answer, topic, confidence):
    assert parse_answer(answer) == Label(topic, confidence, "endpoint")


@pytest.mark.parametrize(
    "answer",
    ["", "不知道", '{"topic": "天气", "confidence": 1}', "家庭或者婚恋", "情绪，或者无法判断", "{", "{}", "[1]"],
)
def test_an_answer_of_no_one_topic_is_none(answer):
    assert parse_answer(answer) is None


@given(st.text() | st.from_regex(r'\{"topic": .*"家庭".*\}'))
def test_no_answer_breaks_the_reading(answer):
    label = parse_answer(answer)
    assert label is None or (0 <= label.confidence <= 1 and label.topic in {None, *TOPICS})


def test_a_build_asks_an_endpoint_for_topics_and_another_setting_pays_for_none_again(endpoint, tmp_path):
    rows = [row | {"topic": None} for row in dialogues(25)]
    settings = ["topics.labeller=endpoint", f"topics.base_url={endpoint.url}", "topics.model=tiny"]
    report = build_into(tmp_path, rows, settings=settings)
    assert report.topics_by == {"endpoint": 25} and set(report.sizes) == {"family"}
    paid = len(endpoint.requests)
    assert paid == 25
    again = build_into(tmp_path, rows, settings=[*settings, "topics.threshold=0.95"])
    assert again.topics_by == {"none": 25}
    assert len(endpoint.requests) == paid
