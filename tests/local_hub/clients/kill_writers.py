"""Those who push while the Hub is killed, and the ledger of what they were promised.

A push moves named things to new values: `large` to 17, say, once that writer's 17th commit is in. The ledger knows the
value of each thing as last acknowledged, and what pushes without an answer would make of it.
"""

import base64
import hashlib
import json
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

REPO = "local/busy"
API = f"/api/models/{REPO}"
BRANCH = "some/branch"
_COMMON = random.Random(0).randbytes(150_000)


def contents(writer: str, serial: int) -> dict[str, bytes]:
    """All that a writer's folder holds after its push `serial`; 0 is before the first. Nothing survives a push."""
    if serial == 0:
        return {}
    noise = random.Random(f"{writer} {serial}").randbytes(150_000)
    if writer == "large":
        return {f"large/{serial}.bin": noise}
    if writer == "xet":
        return {"xet/data.bin": _COMMON + noise}  # the first half refers to chunks of earlier uploads
    return {f"{writer}/{name}.txt": noise[:2000].hex().encode() for name in ("a", "b/c", "b/d", str(serial))}


class Ledger:
    """What every thing may be after a kill: as last acknowledged, or as a push without an answer would have it."""

    def __init__(self) -> None:
        self.settled: dict[str, Any] = {}
        self.open: dict[str, list[Any]] = {}
        self.commits: list[str] = []  # acknowledged ones on the branch
        self.requests: dict[str, str] = {}  # acknowledged pull requests' refs and commits
        self.cut: dict[str, Counter[str]] = {}  # what became of pushes without an answer
        self._lock = threading.Lock()

    def begin(self, changes: dict[str, Any]) -> None:
        with self._lock:
            for thing, value in changes.items():
                self.open.setdefault(thing, []).append(value)

    def withdraw(self, changes: dict[str, Any]) -> None:
        """It was never sent."""
        with self._lock:
            for thing, value in changes.items():
                self.open[thing].remove(value)

    def acknowledge(self, changes: dict[str, Any]) -> None:
        with self._lock:
            self.settled |= changes
            self.open |= {thing: [] for thing in changes}

    def judge(self, seen: dict[str, Any]) -> None:
        """Every thing must be one of what it may be, and is that from now on."""
        with self._lock:
            for thing in self.settled.keys() | self.open.keys():
                value, settled, open_ = seen.get(thing, 0), self.settled.get(thing, 0), self.open.get(thing, [])
                assert value in [settled, *open_], f"{thing} is {value!r}, not {settled!r} or one of {open_}"
                if open_:
                    self.cut.setdefault(thing, Counter())["not_applied" if value == settled else "applied"] += 1
                self.settled[thing], self.open[thing] = value, []


class Writer(threading.Thread):
    """Pushes without a pause while the gate is open; after a push that got no answer it waits for the next opening."""

    def __init__(self, name: str, url: str, ledger: Ledger, gate: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        # No limit that a slow disk could reach: a request is answered, or its server is dead.
        self.http = httpx2.Client(
            base_url=url, headers={"Authorization": "Bearer local"}, trust_env=False, timeout=60, follow_redirects=True
        )
        self.ledger, self.gate = ledger, gate
        self.idle, self.over = threading.Event(), threading.Event()
        self.aim = threading.Event()  # set with every request that has gone out
        self.sent = self.answered = 0  # requests
        self.broken: set[int] = set()  # by number: sent, and never answered
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while True:
                self.idle.set()
                self.gate.wait()
                if self.over.is_set():
                    return
                self.idle.clear()
                try:
                    self.push()
                except httpx2.TransportError:
                    time.sleep(0.005)  # else refused connections keep a core busy until the gate closes
        except BaseException as error:
            self.error = error
        finally:
            self.idle.set()

    @property
    def serial(self) -> int:
        """Of the push to make: the one after the last that is in, so one that was lost on the way is made again."""
        return int(self.ledger.settled.get(self.name, 0)) + 1

    def push(self) -> None:
        self.commit()

    def ask(
        self, method: str, path: str, changes: dict[str, Any] | None = None, *, json: Any = None, body: bytes = b""
    ) -> httpx2.Response:
        """One request that moves `changes`, on the ledger from before it is sent until it is known to be in."""
        body = _json(json) if json is not None else body

        def sending() -> Iterator[bytes]:
            yield body
            self.aim.set()

        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        changes = changes or {}
        self.ledger.begin(changes)
        self.sent += 1
        try:
            answer = self.http.request(method, path, content=sending(), headers=headers)
        except httpx2.ConnectError:
            self.ledger.withdraw(changes)
            raise
        except httpx2.TransportError:
            self.broken.add(self.sent)
            raise
        finally:
            self.answered = self.sent
        assert answer.is_success, f"{method} {path} {changes}: {answer.status_code} {answer.text[:300]}"
        self.ledger.acknowledge(changes)
        return answer

    def commit(self, path: str = f"{API}/commit/main", changes: dict[str, Any] | None = None) -> dict[str, Any]:
        """Replace the writer's folder by the next one's contents, in one commit."""
        old, new = contents(self.name, self.serial - 1), contents(self.name, self.serial)
        header = {"key": "header", "value": {"summary": f"{self.name} {self.serial}"}}
        gone = [{"key": "deletedFile", "value": {"path": path}} for path in old.keys() - new.keys()]
        lines = [header, *gone, *(_operation(path, data) for path, data in new.items())]
        changes = changes or {self.name: self.serial}
        answer: dict[str, Any] = self.ask("POST", path, changes, body=b"\n".join(map(_json, lines))).json()
        if "pullRequestUrl" not in answer:
            self.ledger.commits.append(answer["commitOid"])
        return answer


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _operation(path: str, data: bytes) -> dict[str, Any]:
    if path.endswith(".bin"):
        oid = hashlib.sha256(data).hexdigest()
        return {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": len(data)}}
    content = base64.b64encode(data).decode()
    return {"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}}


class LargeWriter(Writer):
    """Uploads over LFS: batch, PUT, verify, commit."""

    def push(self) -> None:
        (data,) = contents(self.name, self.serial).values()
        named = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
        wanted = {"operation": "upload", "transfers": ["basic"], "objects": [named], "hash_algo": "sha256"}
        answer = self.ask("POST", f"/{REPO}.git/info/lfs/objects/batch", json=wanted).json()
        actions = answer["objects"][0].get("actions")
        if actions:  # else an upload whose commit was lost has brought it
            self.ask("PUT", actions["upload"]["href"], body=data)
            self.ask("POST", actions["verify"]["href"], json=named)
        self.commit()


class ReviewWriter(Writer):
    """Opens a pull request, comments, merges. A merge without an answer is asked for again, as a user would."""

    unmerged: tuple[str, int] | None = None

    def push(self) -> None:
        if self.unmerged is None:
            count = {"requests": self.ledger.settled["requests"] + 1}
            opened = self.commit(f"{API}/commit/main?create_pr=1", count)
            number = opened["pullRequestUrl"].rpartition("/")[2]
            self.ledger.requests[f"refs/pr/{number}"] = opened["commitOid"]
            comments = {"comments": self.ledger.settled["comments"] + 1}
            self.ask("POST", f"{API}/discussions/1/comment", comments, json={"comment": "so be it"})
            self.unmerged = f"{API}/discussions/{number}", self.serial
        request, serial = self.unmerged
        if self.ask("GET", request).json()["status"] != "merged":
            merged = {self.name: serial, "merged": self.ledger.settled["merged"] + 1}
            answer = self.ask("POST", f"{request}/merge", merged, json={}).json()
            self.ledger.commits.append(answer["mergeCommit"])
        self.unmerged = None


class ClerkWriter(Writer):
    """Changes all that is no commit: branches, tags, settings, whole repositories."""

    def __init__(self, *given: Any, first: str) -> None:
        super().__init__(*given)
        self.first = first
        self.things = cycle(("branch", "gated", "home", "tag"))

    def push(self) -> None:
        thing = next(self.things)
        settled = self.ledger.settled[thing]
        match thing, settled:
            case "branch", None:
                start = {"startingPoint": self.first}
                self.ask("POST", f"{API}/branch/{quote(BRANCH, safe='')}", {thing: self.first}, json=start)
            case "branch", _:
                self.ask("DELETE", f"{API}/branch/{quote(BRANCH, safe='')}", {thing: None})
            case "tag", None:
                tag = {"tag": "v1", "message": "annotated"}
                self.ask("POST", f"{API}/tag/{self.first}", {thing: self.first}, json=tag)
            case "tag", _:
                self.ask("DELETE", f"{API}/tag/v1", {thing: None})
            case "gated", _:
                value = "auto" if settled == "manual" else "manual"
                self.ask("PUT", f"{API}/settings", {thing: value}, json={"gated": value})
            case "home", "":
                self.ask("POST", "/api/repos/create", {thing: "a"}, json={"name": "home-a"})
            case "home", "a":
                moved = {"fromRepo": "local/home-a", "toRepo": "local/home-b", "type": "model"}
                self.ask("POST", "/api/repos/move", {thing: "b"}, json=moved)
            case "home", _:
                self.ask("DELETE", "/api/repos/delete", {thing: ""}, json={"name": "home-b"})


class XetWriter(Writer):
    """Drives huggingface_hub in a process of its own. It tries again over a kill, so it is not waited for."""

    def __init__(self, *given: Any, process: "subprocess.Popen[str]", source: Path) -> None:
        super().__init__(*given)
        self.process, self.source = process, source
        self.uploads = self.failures = 0

    @property
    def serial(self) -> int:
        return self.uploads + 1

    def push(self) -> None:
        (data,) = contents(self.name, self.serial).values()
        self.source.write_bytes(data)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{self.name} {self.serial}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "refused" not in answer, answer
        if "commit" in answer:
            self.ledger.commits.append(answer["commit"])
            self.uploads += 1
        else:
            self.failures += 1
