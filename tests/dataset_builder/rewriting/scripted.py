"""An OpenAI-compatible endpoint on loopback, in a process of its own, with scripted faults.

    python -m tests.dataset_builder.rewriting.scripted PORT LOG '{"faults": 0.1, "slow": 0.02, …}'

What it answers is a function of the request alone, so that runs can be compared; which requests fail first is drawn
from the request and how often it has come. Every request that it answered in full is a line of LOG: a hash of it.
"""

import asyncio
import hashlib
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from dataset_builder.inputs import SAMPLE
from dataset_builder.rewriting.transcripts import render
from dataset_builder.topics import TOPICS


@dataclass(frozen=True)
class Script:
    faults: float = 0.0  # share of requests that fail at first, in every way in turn
    bad: float = 0.0  # share of first answers that are no good conversation
    slow: float = 0.0  # share of answers that take slow_s
    seconds: float = 0.0
    slow_s: float = 0.0
    refuses: int = 0  # an HTTP status for every request
    down_until: int = 0  # requests that are answered with 503 before anything else is

    def as_json(self) -> str:
        return json.dumps(asdict(self))


FAULTS = ("429", "429 with Retry-After", "500", "reset", "truncated", "no choices")


class Server:
    def __init__(self, script: Script, log: Path) -> None:
        self._script, self._log = script, log.open("ab", buffering=0)
        self._seen: Counter[str] = Counter()
        self._all = 0
        rows = [json.loads(line) for t in TOPICS for line in (SAMPLE / f"{t}.jsonl").read_text("utf-8").splitlines()]
        self._transcripts = [render(row["messages"]) for row in rows]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (body := await _request(reader)) is not None:
                if not await self._answer(body, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, body: bytes, writer: asyncio.StreamWriter) -> bool:
        name = hashlib.sha256(body).hexdigest()
        draw = int(name[:8], 16) / 2**32
        self._seen[name] += 1
        self._all += 1
        script = self._script
        if script.refuses or self._all <= script.down_until:
            status = script.refuses or 503
            writer.write(_response(status, {"error": {"message": "scripted", "code": "scripted"}}))
            return True
        if draw < script.faults and self._seen[name] == 1:
            return self._fail(FAULTS[int(name[8:12], 16) % len(FAULTS)], writer)
        await asyncio.sleep(script.slow_s if int(name[12:16], 16) / 65536 < script.slow else script.seconds)
        self._log.write(f"{name}\n".encode())  # from here on it is paid for
        writer.write(_response(200, self._completion(json.loads(body), name)))
        await writer.drain()
        return True

    def _completion(self, request: dict, name: str) -> dict:
        first = len(request["messages"]) == 1
        bad = first and int(name[16:20], 16) / 65536 < self._script.bad
        text = self._transcripts[int(name[20:28], 16) % len(self._transcripts)]
        message = {"role": "assistant", "content": text[: len(text) // 3] if bad else text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 700, "completion_tokens": 1000, "total_tokens": 1700}
        return {
            "id": name,
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }

    def _fail(self, fault: str, writer: asyncio.StreamWriter) -> bool:
        error = {"error": {"message": fault}}
        match fault:
            case "429":
                writer.write(_response(429, error))
            case "429 with Retry-After":
                writer.write(_response(429, error, "Retry-After: 0.05\r\n"))
            case "500":
                writer.write(_response(500, error))
            case "reset":
                writer.transport.abort()
                return False
            case "truncated":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n")
                writer.write(b'{"id": "1", "choices": [{"ind')
                writer.transport.close()
                return False
            case "no choices":
                writer.write(
                    _response(200, {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []})
                )
        return True


async def _request(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    return await reader.readexactly(length)


def _response(status: int, value: dict, headers: str = "") -> bytes:
    data = json.dumps(value, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
    return head.encode() + data


async def main(port: int, log: Path, script: Script) -> None:
    server = await asyncio.start_server(Server(script, log).serve, "127.0.0.1", port)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), Script(**json.loads(sys.argv[3]))))
