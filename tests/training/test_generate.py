"""Inference: one reply a conversation, the same however it is asked for."""

import dataclasses
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from training.config import load_recipe
from training.generate import Endpoint, LocalModel, Sampling, load
from training.model import build_model
from training.prompt import PromptError

TINY = ["hidden_size=32", "intermediate_size=48", "layers=2", "heads=2", "kv_heads=1", "head_dim=16", "window=128"]
GREEDY = Sampling(max_new_tokens=12, temperature=0)


@pytest.fixture(scope="module")
def model(tokenizer):
    """Untrained, with weights so large that each conversation gets a reply of its own."""
    bare = build_model(load_recipe("nano", TINY), tokenizer)
    with torch.no_grad():
        for parameter in bare.parameters():
            parameter *= 8 if parameter.ndim > 1 else 1
    return LocalModel(bare, tokenizer)


def asked(dialogue):
    return dialogue[:-1]


def test_a_batch_gives_the_replies_of_one_at_a_time(model, dialogues):
    conversations = [asked(messages) for messages in dialogues[:6]]
    alone = [model.replies([messages], GREEDY)[0] for messages in conversations]
    assert model.replies(conversations, GREEDY) == alone
    assert len(set(alone)) > 1


def test_the_same_seed_draws_the_same_replies(model, dialogues):
    drawn = [model.replies([asked(dialogues[1])], Sampling(12, seed=seed))[0] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_stream_grows_to_the_reply(model, dialogues):
    long = dataclasses.replace(GREEDY, max_new_tokens=48)
    shown = list(model.stream(asked(dialogues[2]), long))
    assert shown[-1] == model.replies([asked(dialogues[2])], long)[0]
    assert len(shown) > 1
    assert all(len(a) < len(b) for a, b in itertools.pairwise(shown))


def test_closing_a_stream_ends_the_generation(model, dialogues):
    stream = model.stream(asked(dialogues[2]), Sampling(max_new_tokens=100, temperature=0))
    next(stream)
    before = threading.active_count()
    stream.close()
    assert threading.active_count() == before - 1


def test_a_failing_generation_is_raised_where_the_stream_is_read(model):
    with pytest.raises(PromptError):
        list(model.stream([{"role": "assistant", "content": "你好"}], GREEDY))


def test_an_over_long_history_leaves_room_for_the_reply(model, dialogues):
    long = [message for messages in dialogues for message in messages][:-1]
    inputs = model._inputs([long, asked(dialogues[0])], GREEDY)
    assert inputs["input_ids"].shape[1] <= 128 - 12
    assert model.tokenizer.decode(inputs["input_ids"][0]).endswith(long[-1]["content"] + "\n心理咨询师：")


def test_no_conversations_are_no_replies(model):
    assert model.replies([], GREEDY) == []


class Loopback(BaseHTTPRequestHandler):
    """Speaks enough of the OpenAI API for the unmodified client, and remembers what it was asked."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        pieces = ["我在", "听。", "\n用", "户：谢谢"]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
        self.end_headers()
        base = {"id": "1", "created": int(time.time()), "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(pieces)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.wfile.write(json.dumps(base | {"object": "chat.completion", "choices": [choice]}).encode())
            return
        for piece in pieces:
            choice = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
            chunk = base | {"object": "chat.completion.chunk", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Loopback) as running:
        running.requests = []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def test_an_endpoint_replies_and_its_forged_turn_is_cut(server):
    endpoint = load(f"http://127.0.0.1:{server.server_port}/v1#tiny")
    messages = [{"role": "user", "content": "在吗"}]
    assert endpoint.replies([messages], GREEDY) == ["我在听。"]
    assert list(endpoint.stream(messages, GREEDY)) == ["我在", "我在听。"]
    assert server.requests[0]["messages"] == messages
    assert (server.requests[0]["model"], server.requests[0]["max_tokens"]) == ("tiny", 12)


def test_an_endpoint_gets_the_newest_rounds_of_an_over_long_history(server):
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "tiny", window=100)
    turns = [{"role": ("user", "assistant")[i % 2], "content": f"{i}" + "话" * 20} for i in range(9)]
    endpoint.replies([turns], GREEDY)
    sent = server.requests[0]["messages"]
    assert sent == turns[len(turns) - len(sent) :]
    assert 0 < len(sent) < len(turns)


def test_an_endpoint_without_a_model_name_is_refused():
    with pytest.raises(ValueError, match="names no model"):
        load("http://127.0.0.1:8000/v1")
