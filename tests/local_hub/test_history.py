"""What commits changed, and histories that are rewritten; large files that go for good; copies of repositories."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pygit2
import pytest

from local_hub.gc import collect
from local_hub.server import held_store, serving
from local_hub.store import Store
from tests.local_hub.test_refusals import upload


def commit(client: httpx2.Client, repo: str, *operations: tuple[str, dict[str, Any]], revision: str = "main") -> str:
    lines = [("header", {"summary": "test"}), *operations]
    body = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in lines)
    answer = client.post(f"/api/models/{repo}/commit/{revision}", content=body.encode()).raise_for_status()
    return str(answer.json()["commitOid"])


def text(path: str, content: str) -> tuple[str, dict[str, Any]]:
    return "file", {"path": path, "content": content, "encoding": "utf-8"}


def large(path: str, oid: str) -> tuple[str, dict[str, Any]]:
    return "lfsFile", {"path": path, "algo": "sha256", "oid": oid}


def titles(client: httpx2.Client, repo: str, revision: str = "main") -> list[str]:
    return [entry["title"] for entry in client.get(f"/api/models/{repo}/commits/{revision}").json()]


@pytest.fixture
def repo(user: httpx2.Client, request: pytest.FixtureRequest) -> str:
    name = request.node.name[:80].replace("[", "-").strip("]_-")
    user.post("/api/repos/create", json={"name": name}).raise_for_status()
    return f"local/{name}"


def test_squashing_leaves_one_commit_with_the_same_files(user: httpx2.Client, repo: str) -> None:
    commit(user, repo, text("a.txt", "1"))
    commit(user, repo, text("a.txt", "2"))
    before = user.get(f"/api/models/{repo}/tree/main?recursive=1").json()
    user.post(f"/api/models/{repo}/super-squash/main", json={"message": "All of it"}).raise_for_status()
    assert titles(user, repo) == ["All of it"]
    assert user.get(f"/api/models/{repo}/tree/main?recursive=1").json() == before


def test_a_diff_of_one_commit_of_two_and_since_they_parted(user: httpx2.Client, repo: str) -> None:
    first = commit(user, repo, text("a.txt", "one\n"))
    user.post(f"/api/models/{repo}/branch/side", json={"startingPoint": first}).raise_for_status()
    second = commit(user, repo, text("a.txt", "two\n"))
    commit(user, repo, text("b.txt", "side\n"), revision="side")

    def diff(spec: str) -> str:
        return user.get(f"/api/models/{repo}/compare/{spec}?raw=1").text

    assert "-one\n+two\n" in diff(second) and "-one\n+two\n" in diff(f"{first}..{second}")
    assert "b.txt" in diff("main..side") and "-two\n+one\n" in diff("main..side")
    assert "a.txt" not in diff("main...side") and "+side\n" in diff("main...side")
    assert "*.safetensors" in diff(titles_id(user, repo)[-1])


def titles_id(client: httpx2.Client, repo: str) -> list[str]:
    return [entry["id"] for entry in client.get(f"/api/models/{repo}/commits/main").json()]


def test_a_large_file_deleted_for_good_leaves_every_commit_branch_and_pull_request(
    user: httpx2.Client, hub_root: Path, repo: str
) -> None:
    kept, gone = upload(user, b"kept" * 50, repo), upload(user, b"gone" * 50, repo)
    untouched = commit(user, repo, text("a.txt", "x"))
    commit(user, repo, large("deep/er/gone.bin", gone), large("kept.bin", kept))
    user.post(f"/api/models/{repo}/branch/old", json={}).raise_for_status()
    user.post(f"/api/models/{repo}/discussions", json={"title": "A PR", "pullRequest": True}).raise_for_status()
    commit(user, repo, ("deletedFile", {"path": "deep/er/gone.bin"}))
    listed = {entry["fileOid"]: entry["filename"] for entry in user.get(f"/api/models/{repo}/lfs-files").json()}
    assert listed == {kept: "kept.bin", gone: "deep/er/gone.bin"}

    user.post(f"/api/models/{repo}/lfs-files/batch", json={"deletions": {"sha": [gone]}}).raise_for_status()

    git = pygit2.Repository(str(hub_root / "repos" / "models" / f"{repo}.git"))
    for ref in ("main", "old", "refs%2Fpr%2F1"):
        for oid in [entry["id"] for entry in user.get(f"/api/models/{repo}/commits/{ref}").json()]:
            assert "deep" not in git[oid].tree
    assert untouched in titles_id(user, repo), "commits of before keep their ids"
    assert "kept.bin" in git.references["refs/heads/old"].peel(pygit2.Commit).tree
    assert [entry["fileOid"] for entry in user.get(f"/api/models/{repo}/lfs-files").json()] == [kept]


def test_a_duplicate_has_the_history_and_the_large_files_but_not_the_talk(user: httpx2.Client, repo: str) -> None:
    commit(user, repo, large("x.bin", upload(user, b"large" * 50, repo)))
    user.post(f"/api/models/{repo}/discussions", json={"title": "A PR", "pullRequest": True}).raise_for_status()
    answer = user.post(f"/api/models/{repo}/duplicate", json={"repository": "team/copy", "visibility": "private"})
    assert answer.json()["url"].endswith("/team/copy")
    assert user.get("/team/copy/resolve/main/x.bin").content == b"large" * 50
    assert user.get("/api/models/team/copy").json()["private"] is True
    assert titles(user, "team/copy") == titles(user, repo)
    assert user.get("/api/models/team/copy/refs?include_prs=1").json()["pullRequests"] == []
    assert user.get("/api/models/team/copy/discussions").json()["count"] == 0
    again = user.post(f"/api/models/{repo}/duplicate", json={"repository": "team/copy"})
    assert again.status_code == 409


def test_gc_frees_what_no_history_names_and_makes_clients_send_chunks_anew(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer local"}
    with serving(tmp_path) as url, httpx2.Client(base_url=url, headers=headers, trust_env=False) as user:
        user.post("/api/repos/create", json={"name": "a"}).raise_for_status()
        kept, unused = upload(user, b"kept" * 50, "local/a"), upload(user, b"unused" * 50, "local/a")
        commit(user, "local/a", large("kept.bin", kept))
        before = user.get("/api/models/local/a/xet-write-token/main").json()["casUrl"]
    xorb = tmp_path / "xorbs" / "aa" / ("a" * 64)
    xorb.parent.mkdir(parents=True)
    xorb.write_bytes(b"chunks")
    with held_store(tmp_path) as store:
        freed = collect(store)
    assert (freed.large_files, freed.xorbs, freed.size) == (1, 1, 306)
    with serving(tmp_path) as url, httpx2.Client(base_url=url, headers=headers, trust_env=False) as user:
        assert user.get("/local/a/resolve/main/kept.bin").content == b"kept" * 50
        assert user.get("/api/models/local/a/xet-write-token/main").json()["casUrl"].split("/")[-1] not in before
        assert upload(user, b"unused" * 50, "local/a") == unused
        commit(user, "local/a", large("again.bin", unused))


def test_gc_frees_nothing_while_a_repository_cannot_be_read(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer local"}
    with serving(tmp_path) as url, httpx2.Client(base_url=url, headers=headers, trust_env=False) as user:
        user.post("/api/repos/create", json={"name": "a"}).raise_for_status()
        oid = upload(user, b"kept" * 50, "local/a")
        commit(user, "local/a", large("kept.bin", oid))
    damaged = tmp_path / "repos/models/local/a.git"
    (damaged / "HEAD").rename(damaged / "HEAD.lost")
    with held_store(tmp_path) as store, pytest.raises(pygit2.GitError):
        collect(store)
    assert (tmp_path / "blobs" / oid[:2] / oid[2:4] / oid).read_bytes() == b"kept" * 50
    done = subprocess.run(
        [sys.executable, "-m", "local_hub", "gc", "--root", str(tmp_path)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "nothing was freed" in done.stderr


def test_a_root_of_before_large_files_had_owners_is_taken_over(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer local"}
    with serving(tmp_path) as url, httpx2.Client(base_url=url, headers=headers, trust_env=False) as user:
        user.post("/api/repos/create", json={"name": "a"}).raise_for_status()
        oid = upload(user, b"old" * 50, "local/a")
        commit(user, "local/a", large("old.bin", oid))
    owned = tmp_path / "repos/models/local/a.git/large-files"
    for mark in owned.iterdir():
        mark.unlink()
    owned.rmdir()
    Store(tmp_path)
    assert [mark.name for mark in owned.iterdir()] == [oid]
