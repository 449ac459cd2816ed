"""Says whether a Hub that was killed has kept its promises."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pygit2

from local_hub.tree import parse_pointer
from tests.local_hub.clients.kill_writers import API, BRANCH, REPO, Ledger, contents

TITLE = re.compile(r"(\w+) (\d+)(?: \(#\d+\))?")  # the writer, the number of its push, and of its pull request
GIT = {**os.environ, "GIT_LFS_SKIP_SMUDGE": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


class Judge:
    """Reads the repository as the restarted server shows it. Knows the commits found whole, so checks each once."""

    def __init__(self, root: Path, http: httpx2.Client, ledger: Ledger) -> None:
        self.models, self.http, self.ledger = root / "repos/models/local", http, ledger
        self.git = pygit2.Repository(str(self.models / "busy.git"))
        self.head = self.served_head()
        self.states: dict[str, dict[str, int]] = {self.head: {}}  # by commit: the last push of each writer
        self.acknowledged = 0

    def served_head(self) -> str:
        return str(self.get(API)["sha"])

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def check(self) -> dict[str, int]:
        """Raise unless all that was promised is there. The last push of each writer on the branch."""
        promised, requests = list(self.ledger.commits), dict(self.ledger.requests)
        last = self.history()
        lost = [commit for commit in promised if commit not in self.states]
        assert not lost, f"acknowledged and lost: {lost}"
        lost = [ref for ref, commit in requests.items() if str(self.git.references[ref].target) != commit]
        assert not lost, f"acknowledged and lost: {lost}"
        self.acknowledged = len(promised)
        self.ledger.judge({**self.things(), **last})
        return last

    def history(self) -> dict[str, int]:
        """What the branch holds; every commit on it since the last look must be whole, and none may have gone."""
        commit, fresh = self.git[self.served_head()], []
        while str(commit.id) not in self.states:
            fresh.append(commit)
            commit = commit.parents[0]
        assert str(commit.id) == self.head, f"the branch went back from {self.head} to {commit.id}"
        for commit in reversed(fresh):
            title = TITLE.fullmatch(commit.message)
            assert title, commit.message
            writer, serial = title[1], int(title[2])
            state = self.states[str(commit.parents[0].id)]
            assert serial > state.get(writer, 0), f"{commit.message} came after {writer} {state.get(writer)}"
            self.states[str(commit.id)] = {**state, writer: serial}
            self.whole(commit, writer, serial)
            self.head = str(commit.id)
        return self.states[self.head]

    def whole(self, commit: pygit2.Commit, writer: str, serial: int) -> None:
        """The writer's folder holds just its push; all else is as the parent has it."""
        before = {entry.name: entry.id for entry in commit.parents[0].tree}
        after = {entry.name: entry.id for entry in commit.tree}
        assert after.pop(writer) != before.pop(writer, None) and after == before, f"{commit.id} changes more"
        found = dict(_files(commit.tree[writer], writer))
        wanted = contents(writer, serial)
        assert found.keys() == wanted.keys(), f"{commit.id} is torn: {sorted(found)}"
        for path, data in wanted.items():
            pointer = parse_pointer(found[path])
            if pointer:
                assert (pointer.sha256, pointer.size) == (hashlib.sha256(data).hexdigest(), len(data))
                found[path] = self.http.get(f"/{REPO}/resolve/{commit.id}/{path}").raise_for_status().content
            assert bool(pointer) == path.endswith(".bin") and found[path] == data, f"{path} of {commit.id} is torn"

    def things(self) -> dict[str, Any]:
        """Whatever else the writers move."""
        refs = self.get(f"{API}/refs")
        pull_requests = f"{API}/discussions?type=pull_request"
        events = self.get(f"{API}/discussions/1")["events"]
        return {
            "branch": next((ref["targetCommit"] for ref in refs["branches"] if ref["name"] == BRANCH), None),
            "tag": next((ref["targetCommit"] for ref in refs["tags"]), None),
            "gated": self.get(API)["gated"],
            "home": "".join(name for name in "ab" if self.http.get(f"/api/models/local/home-{name}").is_success),
            "requests": self.get(pull_requests)["count"],
            "merged": self.get(f"{pull_requests}&status=closed")["count"],
            "comments": sum(event["type"] == "comment" for event in events),
        }

    def ask_git(self, scratch: Path) -> None:
        """git itself finds every repository sound, without a word, and clones the branch from disk."""
        for repo in self.models.glob("*.git"):
            assert _git("fsck", "--strict", "--no-dangling", "--no-progress", cwd=repo) == ""
        _git("clone", "--quiet", str(self.models / "busy.git"), str(scratch), cwd=self.models)
        assert _git("status", "--porcelain", cwd=scratch) == ""
        shutil.rmtree(scratch)


def _files(tree: pygit2.Tree, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in tree:
        path = f"{prefix}/{entry.name}"
        if isinstance(entry, pygit2.Tree):
            yield from _files(entry, path)
        else:
            yield path, entry.data


def _git(*command: str, cwd: Path) -> str:
    done = subprocess.run(["git", *command], cwd=cwd, env=GIT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"git {' '.join(command)}: {done.stdout[-1000:]}{done.stderr[-1000:]}"
    return done.stdout + done.stderr


def blobs_are_whole(root: Path) -> int:
    """How many large files there are; each hashes to its name."""
    blobs = [path for path in (root / "blobs").rglob("*") if path.is_file()]
    for blob in blobs:
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    return len(blobs)
