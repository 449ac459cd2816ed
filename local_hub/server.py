"""One server per root: the lock, the socket, the log, and `serving()`, which holds all three."""

import errno
import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import uvicorn

from local_hub.app import HEALTH_PATH, App
from local_hub.auth import is_loopback
from local_hub.blobs import published
from local_hub.space_runner import SpaceRunner
from local_hub.store import Store

DEFAULT_ROOT = Path("build/hub")
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7777
_LOGGERS = ("local_hub", "uvicorn.error")


class HubBusy(Exception):
    """The root or the port is taken; the message says by whom and what to do."""


@dataclass
class Running:
    """A bound server that is not started yet: call `run`, or use it through `serving`."""

    url: str
    server: uvicorn.Server
    socket: socket.socket

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM, or until `server.should_exit`."""
        self.server.run(sockets=[self.socket])


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """The flock on ROOT/lock, which the kernel frees however this process ends."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = recorded_url(root) or "another process"
            raise HubBusy(f"root {root} is held by {where}; stop that server or pass another --root") from None
        yield


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol spelt out: else asyncio leaves Nagle's algorithm on, and a kept connection answers in 44 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)  # so that a taken port shows now; uvicorn listens on it again
    except OSError as error:
        bound.close()
        fix = "pass another --port, or 0 for a free one"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            fix = "pass as --host an address of this machine"
        raise HubBusy(f"cannot listen on {host}:{port} ({error.strerror or error}); {fix}") from None
    return bound


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send the server's log lines to `path` and nowhere else; it turns over at 5 MB."""
    handler = RotatingFileHandler(path, maxBytes=5_000_000, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, level, propagate in before:
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
        handler.close()


@contextmanager
def prepared(
    root: Path, host: str, port: int, hosts: frozenset[str] = frozenset(), *, run_spaces: bool = False
) -> Iterator[Running]:
    """Hold the root and the port; `server.json` names the address for as long as it lasts.

    `hosts` are further names that clients may call this server by. Spaces run on loopback only.
    """
    with ExitStack() as stack:
        stack.enter_context(_locked(root))
        bound = stack.enter_context(_bound(host, port))
        stack.enter_context(_logging_to(root / "server.log"))
        store = Store(root, development=is_loopback(host))
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{bound.getsockname()[1]}"
        config = uvicorn.Config(
            App(store, hosts),
            lifespan="off",
            access_log=False,  # App writes it: uvicorn's would hold the keys of signed addresses
            ws="none",
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=3,
            # Clients do not retry a commit: one sent just as an idle connection is closed would fail.
            timeout_keep_alive=600,
        )
        if run_spaces:
            if not store.development:
                raise HubBusy(f"Spaces run on loopback only, and {host} is not; leave out --host or --run-spaces")
            store.runner = SpaceRunner(root / "spaces", url)
            stack.callback(store.runner.stop_all)
            for space in store.all("space"):
                if not space.settings().get("paused"):
                    store.runner.start(space)
        record = root / "server.json"
        with published(record, store.temporary) as stream:
            facts = {"url": url, "pid": os.getpid(), "development": store.development}
            stream.write(json.dumps(facts).encode())
        stack.callback(record.unlink, missing_ok=True)
        yield Running(url, uvicorn.Server(config), bound)


@contextmanager
def serving(root: Path, port: int = 0, host: str = DEFAULT_HOST, *, run_spaces: bool = False) -> Iterator[str]:
    """Serve `root` from a thread of this process and yield the URL; port 0 takes a free one. Raises HubBusy."""
    with prepared(root, host, port, run_spaces=run_spaces) as running:
        thread = threading.Thread(target=running.run, name="local-hub", daemon=True)
        thread.start()
        while not running.server.started and thread.is_alive():
            time.sleep(0.01)
        if not running.server.started:
            raise HubBusy(f"the server did not start; see {root / 'server.log'}")
        try:
            yield running.url
        finally:
            running.server.should_exit = True
            thread.join()


@contextmanager
def held_store(root: Path) -> Iterator[Store]:
    """The store of a root that no server holds, and none can take meanwhile. Raises HubBusy."""
    with _locked(root):
        yield Store(root)


def takes_development_token(root: Path) -> bool:
    """Whether the server in server.json listens on loopback, where the fixed token counts."""
    return bool(_recorded(root).get("development", True))


def _recorded(root: Path) -> dict[str, object]:
    try:
        recorded = json.loads((root / "server.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return recorded if isinstance(recorded, dict) else {}


def recorded_url(root: Path) -> str | None:
    """The address in server.json, whether or not anyone still answers there."""
    url = _recorded(root).get("url")
    return url if isinstance(url, str) else None


def live_url(root: Path) -> str | None:
    """The address of the server that holds `root` now, if it answers and answers for this store."""
    url = recorded_url(root)
    if url is None:
        return None
    with suppress(URLError, OSError, ValueError, KeyError, TypeError):
        opener = build_opener(ProxyHandler({}))  # a proxy has no business with an address of this machine
        with opener.open(url + HEALTH_PATH, timeout=3) as response:
            if json.load(response)["local_hub"] == (root / "store-id").read_text():
                return url
    return None
