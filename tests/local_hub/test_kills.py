"""SIGKILL at random moments under concurrent pushes: a commit is there whole or not at all, and none that was
acknowledged is lost."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import median

import httpx2
import pytest

from local_hub.app import HEALTH_PATH
from tests.conftest import PROOF_SEED
from tests.local_hub.clients.kill_judge import Judge, blobs_are_whole
from tests.local_hub.clients.kill_writers import (
    API,
    REPO,
    ClerkWriter,
    LargeWriter,
    Ledger,
    ReviewWriter,
    Writer,
    XetWriter,
)
from tests.local_hub.conftest import SCRIPTS, Clients

AIMED = 0.5  # of the kills strike right after some request is sent, the others at any time
AT_START = 0.05  # of the kills are followed by one of a server that is still starting
SLOWEST_START = 20  # seconds, on a machine that others use too; 0.3 where it is idle
CHECKED_BY_GIT = 10  # kills between two runs of git itself


class Server:
    """`python -m local_hub serve` on one root and one port, again and again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.starts: list[float] = []

    def start(self) -> None:
        command = [sys.executable, "-m", "local_hub", "serve", "--root", str(self.root), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def up(self) -> None:
        """Started, and answering."""
        began = time.monotonic()
        self.start()
        while time.monotonic() < began + SLOWEST_START:
            assert self.process.poll() is None, f"the server ended by itself with {self.process.returncode}"
            try:
                httpx2.get(self.url + HEALTH_PATH, trust_env=False, timeout=SLOWEST_START).raise_for_status()
            except httpx2.TransportError:
                time.sleep(0.01)
            else:
                self.starts.append(time.monotonic() - began)
                return
        raise AssertionError(f"no answer within {SLOWEST_START} s")

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)  # at once; Popen.kill lets other threads run before it

    def stop(self) -> None:
        self.process.kill()  # which does nothing to a process that has ended
        self.process.wait()


def xet_client(url: str, folder: Path) -> "subprocess.Popen[str]":
    """huggingface_hub and hf_xet, unmodified; hf_xet only waits less before it tries again (3 s and more)."""
    environment = Clients(url, folder / "hf-home").environment(HF_XET_CLIENT_RETRY_BASE_DELAY="100ms")
    command = [sys.executable, str(SCRIPTS / "kill_xet.py"), REPO, str(folder / "data.bin")]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)


class Scene:
    """One server, those who push to it, and who kills it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.root, self.random = server, server.root, random.Random(PROOF_SEED)
        self.ledger, self.gate = Ledger(), threading.Event()
        given = self.server.url, self.ledger, self.gate
        self.probe = Writer("probe", *given)
        for path, body in (("/api/repos/create", {"name": "busy"}), (f"{API}/discussions", {"title": "talk"})):
            self.probe.ask("POST", path, json=body)
        self.judge = Judge(self.root, self.probe.http, self.ledger)
        self.ledger.settled |= self.judge.things()
        self.writers = [
            Writer("files", *given),
            Writer("more", *given),
            LargeWriter("large", *given),
            ReviewWriter("review", *given),
            ClerkWriter("clerk", *given, first=self.judge.head),
        ]
        self.xet = XetWriter("xet", *given, process=xet_client(self.server.url, folder), source=folder / "data.bin")
        self.tally: Counter[str] = Counter()

    def strike(self) -> None:
        """Let them push, kill the server at some moment, and wait until all but the Xet client have noticed."""
        target = self.random.choice(self.writers) if self.random.random() < AIMED else None
        self.gate.set()
        if target:
            for _ in range(self.random.randint(1, 4)):
                target.aim.clear()
                target.aim.wait(1)
            time.sleep(self.random.uniform(0, 0.06))  # now the server reads it, writes it, moves the branch
        else:
            time.sleep(self.random.uniform(0.02, 0.4))
        self.server.kill()
        asking = {writer: writer.sent for writer in self.writers if writer.sent != writer.answered}
        self.gate.clear()
        self.server.process.wait()
        for writer in self.writers:
            assert writer.idle.wait(30), f"{writer.name} hangs"
        cut = sum(number in writer.broken for writer, number in asking.items())
        now = {"kills": 1, "aimed": bool(target), "while_asked": bool(asking), "cutting": cut > 0, "requests_cut": cut}
        self.tally.update(now)

    def strike_the_start(self) -> None:
        self.server.start()
        time.sleep(self.random.uniform(0, 1.2) * min(self.server.starts))
        self.server.stop()
        self.tally["kills"] += 1
        self.tally["during_start"] += 1

    def recover(self) -> None:
        """Start again, compare all that was promised with all that is there, and push once more."""
        for writer in (*self.writers, self.xet):
            if writer.error:
                raise writer.error
        drafts = self.drafts()
        self.tally.update(drafts_left=len(drafts), locks_left=len(self.locks()))
        self.server.up()
        assert not drafts & self.drafts()
        assert self.judge.check().get("xet", 0) <= self.xet.serial
        self.probe.push()

    def drafts(self) -> set[str]:
        return {path.name for path in (self.root / "tmp").glob("*")}  # nor need there be a tmp, after a killed start

    def locks(self) -> list[Path]:
        return list(self.judge.models.rglob("*.lock"))

    def end(self) -> None:
        """Let everyone finish what they are at, and look at everything once more."""
        for writer in (*self.writers, self.xet):
            writer.over.set()
        self.gate.set()
        for writer in (*self.writers, self.xet):
            writer.join(60)
        self.server.stop()
        self.recover()
        assert not self.drafts() and not self.locks()
        self.tally["large_files"] = blobs_are_whole(self.root)

    def close(self) -> None:
        self.xet.process.kill()
        self.gate.set()
        for writer in (*self.writers, self.xet):
            writer.over.set()
            if writer.ident:
                writer.join(10)
        self.xet.process.communicate()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    server = Server(tmp_path / "hub")
    try:
        server.up()
        made = Scene(server, tmp_path)
        try:
            yield made
        finally:
            server.stop()
            made.close()
    finally:
        server.stop()


@pytest.mark.proof
def test_a_killed_server_comes_back_with_whole_commits_and_every_acknowledged_one(
    scene: Scene, tmp_path: Path, share: float, record: Callable[..., None]
) -> None:
    kills, began = max(20, round(200 * share)), time.monotonic()
    for writer in (*scene.writers, scene.xet):
        writer.start()
    for number in count(1):
        scene.strike()
        if scene.random.random() < AT_START:
            scene.strike_the_start()
        if number % CHECKED_BY_GIT == 0:
            scene.judge.ask_git(tmp_path / "clone")
        scene.recover()
        if scene.tally["kills"] >= kills:
            break
    scene.end()
    scene.judge.ask_git(tmp_path / "clone")
    tally, ledger = scene.tally, scene.ledger
    assert tally["while_asked"] > 0.8 * tally["kills"] and tally["cutting"] > 0.5 * tally["kills"]
    assert ledger.cut and scene.xet.uploads > 0
    record(
        "local_hub_kills",
        ["pygit2", "huggingface-hub", "hf-xet", "uvicorn"],
        **tally,
        cut={thing: dict(outcomes) for thing, outcomes in sorted(ledger.cut.items())},
        commits={"acknowledged": scene.judge.acknowledged, "on_branch": len(scene.judge.states) - 1},
        pull_requests=len(ledger.requests),
        xet_uploads={"acknowledged": scene.xet.uploads, "failed": scene.xet.failures},
        lost=0,  # or the test had failed
        torn=0,
        start_seconds={"median": round(median(scene.server.starts), 2), "max": round(max(scene.server.starts), 2)},
        seconds=round(time.monotonic() - began),
    )
