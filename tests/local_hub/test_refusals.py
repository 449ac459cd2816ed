"""What the Hub does not let a client do, asked over plain HTTP; and the exact answers that clients depend on."""

import base64
import hashlib
import json
from typing import Any

import httpx2
import pytest

from local_hub import card
from local_hub.api.resolve import byte_range
from local_hub.api.uploads import ignored_paths
from local_hub.errors import HubError
from local_hub.names import RepoName, checked_path, checked_ref

REPO = "/api/models/local/refusals"


@pytest.fixture(scope="module", autouse=True)
def repository(user: httpx2.Client) -> None:
    user.post("/api/repos/create", json={"name": "refusals"}).raise_for_status()
    commit(user, ("file", file("notes/a b.txt", b"0123456789"))).raise_for_status()


def file(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}


def commit(client: httpx2.Client, *operations: tuple[str, dict[str, Any]], **header: str) -> httpx2.Response:
    lines = [("header", {"summary": "test", **header}), *operations]
    body = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in lines)
    return client.post(f"{REPO}/commit/main", content=body.encode())


def head(client: httpx2.Client) -> str:
    return str(client.get(REPO).json()["sha"])


def upload(client: httpx2.Client, content: bytes, repo: str = "local/refusals") -> str:
    """Store a large file by LFS, and return its sha256."""
    oid = hashlib.sha256(content).hexdigest()
    body = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    answer = client.post(f"/{repo}.git/info/lfs/objects/batch", json=body).raise_for_status().json()
    actions = answer["objects"][0].get("actions")
    if actions:
        client.put(actions["upload"]["href"], content=content).raise_for_status()
    return oid


BAD_PATHS = [
    "../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/.", "", "a\0b", "a\nb", ".git/config", "a/.GIT/hooks/x",
    "git~1/x", ".git./x", "x" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_no_commit_writes_outside_the_tree_or_into_git(user: httpx2.Client, path: str) -> None:
    before = head(user)
    oid = "0" * 64
    for operation in (
        ("file", file(path, b"x")),
        ("lfsFile", {"path": path, "algo": "sha256", "oid": oid, "size": 1}),
        ("deletedFile", {"path": path}),
    ):
        assert commit(user, operation).status_code == 400
    assert head(user) == before


@pytest.mark.parametrize(
    "path",
    [
        "/local/refusals/resolve/main/..%2F..%2F..%2Fsecret",
        "/local/refusals/resolve/main/%2e%2e/%2e%2e/hub.json",
        "/local/refusals/resolve/..%2F..%2Fx/README.md",
        "/local/..%2F..%2Frefusals/resolve/main/README.md",
        "/local/refusals/resolve/main/a%00b",
        "/local/refusals/resolve/main/%ff",
        "/api/models/local/refusals/tree/main/..%2F..",
        "/api/models/..%2Flocal/refusals",
        "/lfs/verify/..%2f..%2fsecret?size=1&key=1-1",
        "/cas/x/v1/xorbs/default/..%2F..%2Fx",
    ],
)
def test_no_path_reaches_outside(hub: str, path: str) -> None:
    host, _, port = hub.removeprefix("http://").partition(":")
    answer = _raw_get(host, int(port), path)
    assert answer.split(" ")[1] in ("400", "404", "405"), answer


def _raw_get(host: str, port: int, path: str) -> str:
    """The status line for exactly this path: client libraries tidy `..` away before they send it."""
    import socket

    with socket.create_connection((host, port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return connection.makefile("rb").readline().decode()


@pytest.mark.parametrize(
    "name", ["../x", "a/b/c", "-a", "a-", ".a", "a..b", "a--b", "a b", "x" * 97, "x.git", "", "é"]
)
def test_no_repository_gets_a_name_that_the_hub_would_refuse(user: httpx2.Client, name: str) -> None:
    assert user.post("/api/repos/create", json={"name": name}).status_code == 400


@pytest.mark.parametrize(
    "ref", ["a..b", "a b", "-a", "/a", "a/", "a.lock", "a.lock/b", "refs/x", "a\0", "@", "a@{1", ""]
)
def test_no_branch_or_tag_gets_a_name_that_git_would_refuse(ref: str) -> None:
    with pytest.raises(HubError):
        checked_ref(ref)


def test_names_that_people_use_pass() -> None:
    assert checked_path("data/家庭 1/.gitkeep") == "data/家庭 1/.gitkeep"
    assert checked_ref("dev/step-100") == "dev/step-100"
    assert RepoName.parse("dataset", "my_org/soul.chat-2").url_path == "datasets/my_org/soul.chat-2"


@pytest.mark.parametrize(
    "body",
    [b"", b"no json\n", b'{"key": 1}\n', b"[]\n", b'{"key": "file", "value": {}}\n', b'{"key":"header","value":[]}\n'],
)
def test_a_malformed_commit_is_a_400(user: httpx2.Client, body: bytes) -> None:
    assert user.post(f"{REPO}/commit/main", content=body).status_code == 400


def test_a_commit_cannot_name_a_large_file_that_is_not_here(user: httpx2.Client) -> None:
    answer = commit(user, ("lfsFile", {"path": "x.bin", "algo": "sha256", "oid": "0" * 64, "size": 1}))
    assert answer.status_code == 400 and "not uploaded" in answer.headers["X-Error-Message"]


def test_a_commit_to_an_absent_branch_or_a_tag_is_refused(user: httpx2.Client) -> None:
    user.post(f"{REPO}/tag/main", json={"tag": "fixed"}).raise_for_status()
    body = b'{"key":"header","value":{"summary":"x"}}\n'
    absent = user.post(f"{REPO}/commit/absent", content=body)
    assert (absent.status_code, absent.headers["X-Error-Code"]) == (404, "RevisionNotFound")
    assert user.post(f"{REPO}/commit/fixed", content=body).status_code == 400


def test_a_stranger_cannot_send_a_large_body(stranger: httpx2.Client) -> None:
    assert stranger.post(f"{REPO}/commit/main", content=bytes(2 << 20)).status_code == 413


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{REPO}/commit/main"),
        ("POST", f"{REPO}/preupload/main"),
        ("POST", f"{REPO}/branch/b"),
        ("DELETE", f"{REPO}/branch/b"),
        ("POST", f"{REPO}/tag/main"),
        ("PUT", f"{REPO}/settings"),
        ("GET", f"{REPO}/xet-write-token/main"),
        ("POST", f"{REPO}/discussions"),
        ("POST", "/local/refusals.git/info/lfs/objects/batch"),
        ("POST", "/api/repos/create"),
        ("DELETE", "/api/repos/delete"),
        ("POST", "/api/repos/move"),
        ("POST", "/api/spaces/local/x/secrets"),
        ("GET", "/api/whoami-v2"),
    ],
)
def test_a_stranger_changes_nothing(stranger: httpx2.Client, method: str, path: str) -> None:
    assert stranger.request(method, path, json={}).status_code == 401


def test_an_unknown_token_is_told_so_in_the_words_clients_know(hub: str) -> None:
    answer = httpx2.get(f"{hub}{REPO}", headers={"Authorization": "Bearer hf_real"}, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["X-Error-Message"] == "Invalid credentials in Authorization header"


def test_every_client_process_gets_the_harness_list_in_its_exact_shape(stranger: httpx2.Client) -> None:
    assert stranger.get("/api/agent-harnesses").json() == {"standardEnvVars": [], "harnesses": {}}


def test_a_missing_file_names_the_commit_it_is_missing_from(user: httpx2.Client) -> None:
    answer = user.head("/local/refusals/resolve/main/absent.txt")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "EntryNotFound")
    assert answer.headers["X-Repo-Commit"] == head(user)


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        (None, 200, b"0123456789"),
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=5-99", 206, b"56789"),
        ("bytes=-99", 206, b"0123456789"),
        ("bytes=10-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=4-2", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_ranges_follow_the_standard(user: httpx2.Client, asked: str | None, status: int, body: bytes | None) -> None:
    answer = user.get("/local/refusals/resolve/main/notes/a%20b.txt", headers={"Range": asked} if asked else {})
    assert answer.status_code == status
    if body is not None:
        assert answer.content == body
        assert int(answer.headers["Content-Length"]) == len(body)
    assert ("Content-Range" in answer.headers) == (status in (206, 416))


def test_head_answers_as_get_does_without_a_body(user: httpx2.Client) -> None:
    path = "/local/refusals/resolve/main/notes/a%20b.txt"
    get, same = user.get(path), user.head(path)
    for header in ("ETag", "Content-Length", "X-Repo-Commit", "Accept-Ranges"):
        assert same.headers[header] == get.headers[header]
    assert same.content == b""
    assert user.get(path, headers={"If-None-Match": get.headers["ETag"]}).status_code == 304


def test_an_empty_file_has_no_range() -> None:
    assert byte_range(None, 0) is None
    with pytest.raises(HubError) as refused:
        byte_range("bytes=0-", 0)
    assert refused.value.headers == {"Content-Range": "bytes */0"}


def test_gitignore_rules_reach_the_upload_plan(user: httpx2.Client) -> None:
    files = [{"path": path, "size": 1, "sample": ""} for path in ("build/x", "kept.txt")]
    plan = user.post(f"{REPO}/preupload/main", json={"files": files, "gitIgnore": "build/\n"}).json()["files"]
    assert [entry["shouldIgnore"] for entry in plan] == [True, False]
    assert ignored_paths("*.pyc\n!keep.pyc\n/top\n", ["a/b.pyc", "keep.pyc", "top", "a/top"]) == {"a/b.pyc", "top"}


def test_storage_follows_name_content_and_size(user: httpx2.Client) -> None:
    def mode(path: str, size: int, sample: bytes) -> str:
        entry = {"path": path, "size": size, "sample": base64.b64encode(sample).decode()}
        return str(user.post(f"{REPO}/preupload/main", json={"files": [entry]}).json()["files"][0]["uploadMode"])

    assert mode("small.txt", 10, "你好".encode()) == "regular"
    assert mode("cut.txt", 600, "你好".encode()[:-1]) == "regular"
    assert mode("small.parquet", 10, b"text") == "lfs"
    assert mode("unknown.dat", 10, b"\x89\x00\x01") == "lfs"
    assert mode("long.txt", 11 << 20, b"text") == "lfs"


def test_a_large_file_that_no_pattern_names_is_named_in_gitattributes(user: httpx2.Client) -> None:
    oid = upload(user, b"long text")
    commit(user, ("lfsFile", {"path": "my notes.txt", "algo": "sha256", "oid": oid, "size": 9})).raise_for_status()
    attributes = user.get("/local/refusals/resolve/main/.gitattributes").text
    assert "/my[[:space:]]notes.txt filter=lfs" in attributes
    assert user.get("/local/refusals/resolve/main/my%20notes.txt").content == b"long text"


@pytest.mark.parametrize("card", ["---\na: [\n---\n", "---\n- list\n---\n", "---\nnever closed\n"])
def test_a_broken_card_is_refused_with_a_reason(user: httpx2.Client, card: str) -> None:
    answer = user.post("/api/validate-yaml", json={"content": card, "repoType": "model"})
    assert answer.status_code == 400 and answer.json()["errors"][0]["message"]


def test_a_card_with_dates_and_odd_keys_is_still_answered(user: httpx2.Client) -> None:
    assert card.errors("---\nlicense: mit\n---\n# x") == [] == card.errors("# no header")
    readme = "---\nreleased: 2026-01-01\n1: one\ntags: null\n---\n"
    commit(user, ("file", file("README.md", readme.encode()))).raise_for_status()
    assert user.get(REPO).json()["cardData"] == {"released": "2026-01-01", "1": "one", "tags": None}


def test_an_uploaded_page_is_served_as_text(user: httpx2.Client) -> None:
    commit(user, ("file", file("page.html", b"<script>1</script>"))).raise_for_status()
    headers = user.get("/local/refusals/resolve/main/page.html").headers
    assert headers["Content-Type"].startswith("text/plain") and headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/tiny/resolve/main/config.json", "RepoNotFound"),
        ("/api/datasets/tiny", "RepoNotFound"),
        ("/api/papers", None),
    ],
)
def test_an_id_without_a_namespace_is_a_missing_repository(user: httpx2.Client, path: str, code: str | None) -> None:
    answer = user.get(path)
    assert (answer.status_code, answer.headers.get("X-Error-Code")) == (404, code)
