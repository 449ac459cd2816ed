"""A loopback OpenAI-compatible endpoint with scripted replies, a demo served on it, and a browser to visit it."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page


@dataclass
class Endpoint:
    """What the next reply streams, how, and what was asked."""

    pieces: list[str] = field(default_factory=lambda: ["你好。", "你愿意", "多说一点吗？"])
    pause: float = 0.0
    status: int = 200
    requests: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0  # pieces that went out for the newest request
    model: str = ""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    state = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.sent = 0
            self.send_response(state.status)
            self.send_header("Content-Type", "text/event-stream" if state.status == 200 else "application/json")
            self.end_headers()
            if state.status != 200:
                self.wfile.write(b"{}")
                return
            try:
                for piece in state.pieces:
                    delta = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
                    self.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
                    self.wfile.flush()
                    state.sent += 1
                    time.sleep(state.pause)
                self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.model = f"http://127.0.0.1:{server.server_port}/v1#tiny"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


@pytest.fixture
def demo(endpoint: Endpoint) -> Iterator[str]:
    """The address of a demo that asks `endpoint`."""
    from space.app import build, launch
    from space.config import SpaceConfig

    blocks = build(SpaceConfig(model=endpoint.model, max_message_chars=300))
    _, url, _ = launch(blocks, host="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield url
    blocks.close(verbose=False)
