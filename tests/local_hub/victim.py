"""A server that test_fuzz.py attacks: asked over a bare socket, and watched from outside."""

import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.conftest import PROOF_SEED
from tests.local_hub.fuzzing import LEAK, REPO, Case

SECRET = "the content of a file beside the root"
_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING) ")
_STORED = re.compile(r"blobs/(..)/(..)/\1\2[0-9a-f]{60}|xorbs/(..)/\3[0-9a-f]{62}")
_IN_ROOT = frozenset(
    ["blobs", "lock", "repos", "secret", "server.json", "server.log", "server.log.1", "store-id", "tmp", "xorbs"]
)
_REPOSITORY = re.compile(r"repos/(models|datasets|spaces)/[\w.-]{1,96}/[\w.-]{1,96}\.git")


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    body: bytes


@dataclass
class Victim:
    """A server to attack, in ROOT; whatever else is in the folder around ROOT must stay as it is."""

    process: subprocess.Popen[bytes]
    root: Path
    port: int
    statuses: Counter[str] = field(default_factory=Counter)
    per_family: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._log = (self.root / "server.log").open(encoding="utf-8", newline="\n")
        self._cut = ""  # the start of a line whose end is not written yet
        self.before = self.outside()
        self._connection: socket.socket | None = None

    def ask(self, case: Case) -> Answer | None:
        """The answer; None if the server hung up without one."""
        connection = self._connection or socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self._connection = None
        with suppress(ConnectionError):  # it may answer and hang up before it has read all
            connection.sendall(case.encode())
            if not case.framed:
                connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection, method=case.method.decode())
        try:
            answer.begin()
            body = answer.read()
        except (ConnectionError, http.client.BadStatusLine):
            connection.close()
            return None
        if answer.will_close or not case.whole:
            connection.close()
        else:
            self._connection = connection
        return Answer(answer.status, str(answer.headers), body)

    def check(self, case: Case) -> Answer | None:
        """Ask, and see that the answer and the log are as they must be."""
        answer = self.ask(case)
        for line in self.logged():
            assert _LOG_LINE.match(line), f"in the log: {line}"
            assert LEAK not in line, f"a token in the log: {line}"
        if answer is None:
            assert not case.framed, "the server hung up without an answer"
            return None
        assert answer.status < 500 or answer.status == 501, answer
        assert len(answer.head) < 8_000, "clients refuse headers as long as this"
        for text in (SECRET, LEAK):
            assert text not in answer.head and text.encode() not in answer.body, answer
        return answer

    def logged(self) -> list[str]:
        """The whole lines that the log has got since the last call; it turns over at 5 MB."""
        text = self._log.read()
        if (self.root / "server.log").stat().st_ino != os.fstat(self._log.fileno()).st_ino:
            text += self._log.read()
            self._log.close()
            self._log = (self.root / "server.log").open(encoding="utf-8", newline="\n")
            text += self._log.read()
        *lines, self._cut = (self._cut + text).split("\n")
        return lines

    def attack(self, family: str, cases: SearchStrategy[Case], count: int) -> None:
        """Check `count` drawn cases, and then that all files are where and as they must be."""

        def check(case: Case) -> None:
            answer = self.check(case)
            self.statuses[str(answer.status) if answer else "none"] += 1
            self.per_family[family] += 1
            if answer and answer.status == 200 and b"/commit/" in case.target:
                for target in (f"/api/models/{REPO}", f"/{REPO}", f"/api/models/{REPO}/tree/main?recursive=1"):
                    page = self.check(Case(b"GET", target.encode()))  # what was let in must not choke these
                    assert page is not None and page.status == 200, (target, page)

        limits = settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
        seed(PROOF_SEED)(limits(given(cases)(check)))()
        assert self.per_family[family] >= count
        self.stay_intact()

    def stay_intact(self) -> None:
        assert self.outside() == self.before
        assert self.misplaced() == []
        assert self.broken_repositories() == []

    def outside(self) -> dict[str, tuple[int, int]]:
        """Size and time of everything around the root: a folder's time tells of files that came and went."""
        beside = [path for path in self.root.parent.rglob("*") if self.root not in (path, *path.parents)]
        found = {path: path.stat() for path in (self.root.parent, *beside)}
        return {str(path): (status.st_size, status.st_mtime_ns) for path, status in found.items()}

    def misplaced(self) -> list[str]:
        """Files in the root that are not where such files go, or not what their names say."""
        found = []
        for path in self.root.rglob("*"):
            name = path.relative_to(self.root).as_posix()
            top, *below = name.split("/")
            if top == "repos" and len(below) == 3:
                well = path.is_dir() and _REPOSITORY.fullmatch(name) is not None
            elif top in ("blobs", "xorbs") and path.is_file():
                well = _STORED.fullmatch(name) is not None
                well &= top == "xorbs" or hashlib.sha256(path.read_bytes()).hexdigest() == path.name
            else:
                well = len(below) > 3 or path.is_dir() if below else top in _IN_ROOT
            if not well or (top == "tmp" and below):
                found.append(name)
        return found

    def broken_repositories(self) -> list[str]:
        """What git says of repositories that it finds fault with."""
        fsck = ["fsck", "--full", "--strict", "--no-dangling"]
        checks = [["git", "--git-dir", str(path), *fsck] for path in self.root.glob("repos/*/*/*.git")]
        done = [subprocess.run(check, capture_output=True, text=True) for check in checks]
        return [check.stdout + check.stderr for check in done if check.returncode]

    def memory(self) -> int:
        """What the server holds now, in bytes; `peak` starts anew from it."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.peak

    @property
    def peak(self) -> int:
        """The most that the server has held, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) << 10


@contextmanager
def started(outer: Path) -> Iterator[Victim]:
    """A server with its root in `outer`, beside a file that it must not read and folders that it must not write in."""
    root, home, temporary = outer / "hub", outer / "home", outer / "temporary"
    for folder in (home, temporary):
        folder.mkdir()
    (outer / "secret.txt").write_text(SECRET)
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "HOME": str(home), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "local_hub", "serve", "--root", str(root), "--port", "0"]
    process = subprocess.Popen(command, cwd=outer, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None and b"Local Hub at" in process.stdout.readline()
        port = int(json.loads((root / "server.json").read_text())["url"].rpartition(":")[2])
        while not (root / "server.log").exists():
            time.sleep(0.05)
        yield Victim(process, root, port)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(outer)  # a bomb that went off may have left much
