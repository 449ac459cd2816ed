"""A loopback endpoint that speaks OpenAI's protocol and misbehaves by a script.

What it answers is a function of the request alone, and what goes wrong a function of the request and of how often it
was sent: two runs that ask the same get the same, whatever happens in between. `python scripted.py --port 0 …` serves
from a process of its own and prints its port; `Scripted` serves from a thread.
"""

import argparse
import asyncio
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FAULTS = ("429", "429-after", "500", "503", "reset", "cut", "truncated", "html")
"""What can go wrong: statuses, a cut connection before and inside the body, half of the JSON, a proxy's page."""
ANSWER_TOKENS = 900


@dataclass
class Script:
    """What the endpoint does. Shares are of requests, drawn by hash: the same request always draws the same."""

    latency: float = 0.0  # seconds
    slow: float = 0.0  # of the slow ones
    slow_share: float = 0.0
    slow_text: str = ""  # what is slow besides
    faults: dict[str, float] = field(default_factory=dict)  # share of tries that go wrong, by kind
    most_faults: int = 4  # of one request, so that ten tries always are enough
    retry_after: float = 0.05
    malformed: float = 0.0  # share of questions whose first transcript breaks a rule; a third do so twice
    down: bool = False  # everything is a 503
    refuse: tuple[int, dict[str, Any]] | None = None  # a status and an error for everything
    poison: tuple[str, int, dict[str, Any]] | None = None  # the same for requests with this text only
    instant: bool = False  # the same bytes for everything, at the least cost
    answer: Callable[[list[dict[str, str]]], str] | None = None


def number(*parts: object) -> float:
    """A number from 0 to 1 that is always the same for the same parts."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


WORRIES = (
    "睡不好",
    "总想起这件事",
    "不知道该不该说",
    "怕别人失望",
    "白天没精神",
    "心里堵得慌",
    "很想躲起来",
    "一个人撑着",
)
STEPS = (
    "先停下来喘口气",
    "把担心写在纸上",
    "找一个信得过的人说说",
    "把大事拆成小事",
    "每天留十分钟给自己",
    "试着说出自己的需要",
)


def transcript(question: str, rounds: int = 9, seed: str = "") -> str:
    """A counselling conversation on `question`, in the paper's layout, that keeps every rule."""
    lines = [f"用户：{question}", "心理咨询师：谢谢你愿意说出来，这件事听上去让你挂心很久了，能多讲一点吗？"]
    for place in range(1, rounds):
        draw = int(number(question, seed, place) * 10_000)
        worry, step = WORRIES[(draw + place) % len(WORRIES)], STEPS[(draw // 8 + place) % len(STEPS)]
        lines.append(f"用户：这是我第{place}次想到它，最近{worry}，你觉得呢？")
        lines.append(f"心理咨询师：我听见你{worry}，这并不容易。第{place}步，我们可以{step}，你看怎么样？")
    return "\n".join(lines)


def question_of(messages: list[dict[str, str]]) -> str:
    """The question in the first message: the last line of it that a user speaks."""
    lines = [line for line in messages[0]["content"].splitlines() if "用户：" in line]
    return lines[-1].partition("用户：")[2].strip() if lines else messages[0]["content"][-40:]


def reply(messages: list[dict[str, str]], malformed: float) -> str:
    """The transcript for a request; some questions get a bad one first, and some of those never a good one."""
    question, tries = question_of(messages), len(messages) // 2
    draw = number("malformed", question)
    if draw < malformed and (tries == 0 or draw < malformed / 3):
        short = transcript(question, rounds=2)
        return (short, short.replace("心理咨询师：", "用户："), "抱歉，我无法完成这个请求。")[int(draw * 1e6) % 3]
    return transcript(question, seed=str(tries))


class Scripted:
    """The endpoint in a thread: `with Scripted(Script(…)) as endpoint: endpoint.url`; counts what it did."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.sent: Counter[str] = Counter()  # requests by the digest of their body
        self.paid: Counter[str] = Counter()  # of those, answered in full
        self.statuses: Counter[str] = Counter()
        self.times: list[float] = []
        self.busy = self.most_busy = self.connections = 0
        self.url, self._loop = "", asyncio.new_event_loop()

    def __enter__(self) -> "Scripted":
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def clear(self) -> None:
        self.sent.clear(), self.paid.clear(), self.statuses.clear(), self.times.clear()
        self.most_busy = 0

    async def serve(self, port: int) -> asyncio.Server:
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        return server

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self.serve(0))
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()


INSTANT = b""


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one request at a time, no more of it than the client needs."""

    def __init__(self, endpoint: Scripted) -> None:
        self.endpoint, self.script = endpoint, endpoint.script
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.endpoint.connections += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        place = head.find(b"content-length:")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        body = bytes(self.buffer[end + 4 : end + 4 + length])
        del self.buffer[: end + 4 + length]
        endpoint = self.endpoint
        if head.startswith(b"get"):
            self._get(head)
            return
        endpoint.busy += 1
        endpoint.most_busy = max(endpoint.most_busy, endpoint.busy)
        loop = asyncio.get_running_loop()
        digest = hashlib.sha256(body).hexdigest()
        slow = number("slow", digest) < self.script.slow_share
        slow |= bool(self.script.slow_text) and self.script.slow_text.encode() in body
        if delay := self.script.slow if slow else self.script.latency:
            loop.call_later(delay, self._answer, body, digest)
        else:
            self._answer(body, digest)

    def _get(self, head: bytes) -> None:
        if b"/stats" in head.split(b"\r\n", 1)[0]:
            endpoint = self.endpoint
            twice = sum(1 for count in endpoint.paid.values() if count > 1)
            stats = {"sent": endpoint.sent.total(), "paid": endpoint.paid.total(), "paid_twice": twice}
            self._send(200, json.dumps({**stats, "most_busy": endpoint.most_busy}).encode())
        else:
            self._send(200, b'{"object": "list", "data": []}')

    def _answer(self, body: bytes, digest: str) -> None:
        endpoint, script = self.endpoint, self.script
        endpoint.busy -= 1
        if script.instant:
            self._send(200, INSTANT)
            return
        endpoint.times.append(asyncio.get_running_loop().time())
        endpoint.sent[digest] += 1
        fault = self._fault(digest, body)
        endpoint.statuses[fault or "200"] += 1
        if fault:
            self._fail(fault, body)
        else:
            endpoint.paid[digest] += 1
            self._send(200, completion(json.loads(body), script))

    def _fault(self, digest: str, body: bytes) -> str | None:
        script, tries = self.script, self.endpoint.sent[digest]
        if script.down:
            return "503"
        if script.refuse:
            return "refuse"
        if script.poison and script.poison[0].encode() in body:
            return "poison"
        if tries > script.most_faults:
            return None
        draw = number("fault", digest, tries)
        for kind, share in script.faults.items():
            draw -= share
            if draw < 0:
                return kind
        return None

    def _fail(self, fault: str, body: bytes) -> None:
        script = self.script
        if fault in ("refuse", "poison"):
            status, error = script.refuse if fault == "refuse" else script.poison[1:]  # type: ignore[misc,index]
            self._send(status, json.dumps({"error": error}).encode())
        elif fault == "reset":
            self.transport.abort()
        elif fault == "cut":
            good = completion(json.loads(body), script)
            self.transport.write(_head(200, len(good)) + good[: len(good) // 2])
            self.transport.close()
        elif fault == "truncated":
            good = completion(json.loads(body), script)
            self._send(200, good[: len(good) // 2])
        elif fault == "html":
            self._send(200, b"<html>Bad gateway</html>", kind=b"text/html")
        else:
            more = f"Retry-After: {script.retry_after}\r\n".encode() if fault == "429-after" else b""
            self._send(int(fault[:3]), b'{"error": {"message": "scripted", "code": null}}', more=more)

    def _send(self, status: int, body: bytes, more: bytes = b"", kind: bytes = b"application/json") -> None:
        if not self.transport.is_closing():
            self.transport.write(_head(status, len(body), more, kind) + body)


def _head(status: int, length: int, more: bytes = b"", kind: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (status, kind, length, more)


def completion(request: dict[str, Any], script: Script) -> bytes:
    """The body of a good answer."""
    messages = request["messages"]
    content = script.answer(messages) if script.answer else reply(messages, script.malformed)
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    sent = sum(len(message["content"]) for message in messages)
    usage = {"prompt_tokens": sent, "completion_tokens": ANSWER_TOKENS, "total_tokens": sent + ANSWER_TOKENS}
    about = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": request["model"]}
    return json.dumps({**about, "choices": [choice], "usage": usage}, ensure_ascii=False).encode()


INSTANT = completion({"model": "tiny", "messages": [{"role": "user", "content": "用户：我很累"}]}, Script())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", default="{}", help="fields of Script as a JSON object")
    options = parser.parse_args()

    async def serve() -> None:
        endpoint = Scripted(Script(**json.loads(options.script)))
        server = await endpoint.serve(options.port)
        print(endpoint.url, flush=True)
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
