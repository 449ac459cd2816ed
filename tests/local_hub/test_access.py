"""Several people on one Hub: who may see, read and write what, and by which token."""

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from local_hub.accounts import Tokens
from local_hub.auth import is_loopback
from local_hub.errors import HubError
from local_hub.hosts import check_host

LINE = b'{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"a.txt","content":"b"}}\n'


@pytest.fixture(scope="module")
def people(hub: str, hub_root: Path) -> Iterator[dict[str, httpx2.Client]]:
    """alice (who is in lab), bob, and carol, whose token only reads."""
    tokens = Tokens(hub_root)
    made = {
        "alice": tokens.create("alice", "write", ["lab"]),
        "bob": tokens.create("bob", "write", []),
        "carol": tokens.create("carol", "read", []),
    }
    clients = {
        name: httpx2.Client(base_url=hub, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        for name, token in made.items()
    }
    yield clients
    for client in clients.values():
        client.close()


def made(client: httpx2.Client, repo_id: str, **settings: object) -> str:
    organization, _, name = repo_id.partition("/")
    body = {"organization": organization, "name": name, "private": False}
    client.post("/api/repos/create", json=body).raise_for_status()
    if settings:
        client.put(f"/api/models/{repo_id}/settings", json=settings).raise_for_status()
    return f"/api/models/{repo_id}"


def test_whoami_tells_name_role_and_organisations(people: dict[str, httpx2.Client]) -> None:
    alice, carol = people["alice"].get("/api/whoami-v2").json(), people["carol"].get("/api/whoami-v2").json()
    assert (alice["name"], [org["name"] for org in alice["orgs"]]) == ("alice", ["lab"])
    assert (carol["name"], carol["auth"]["accessToken"]["role"]) == ("carol", "read")


def test_one_writes_below_ones_own_names_only(people: dict[str, httpx2.Client]) -> None:
    made(people["alice"], "alice/own")
    made(people["alice"], "lab/shared")
    refused = people["bob"].post("/api/repos/create", json={"organization": "lab", "name": "mine"})
    assert refused.status_code == 403 and "may not write below lab/" in refused.json()["error"]
    for answer in (
        people["bob"].post("/api/models/lab/shared/commit/main", content=LINE),
        people["bob"].put("/api/models/lab/shared/settings", json={"private": True}),
        people["bob"].request("DELETE", "/api/repos/delete", json={"organization": "lab", "name": "shared"}),
        people["bob"].post("/api/repos/move", json={"fromRepo": "lab/shared", "toRepo": "bob/stolen"}),
        people["alice"].post("/api/repos/move", json={"fromRepo": "alice/own", "toRepo": "bob/planted"}),
        people["bob"].post("/api/models/lab/shared/super-squash/main", json={}),
        people["bob"].post("/api/models/lab/shared/tag/main", json={"tag": "v1"}),
    ):
        assert answer.status_code == 403, answer.request.url
    assert people["alice"].post("/api/models/lab/shared/commit/main", content=LINE).status_code == 200


def test_a_token_that_reads_does_not_write_even_below_its_own_name(people: dict[str, httpx2.Client]) -> None:
    answer = people["carol"].post("/api/repos/create", json={"name": "x"})
    assert answer.status_code == 403 and "may only read" in answer.json()["error"]


def test_a_private_repository_is_there_for_its_namespace_and_for_the_machines_owner(
    people: dict[str, httpx2.Client], user: httpx2.Client, stranger: httpx2.Client
) -> None:
    repo = made(people["alice"], "lab/hidden", private=True)
    seen = {name: people[name].get(repo).status_code for name in people}
    assert seen == {"alice": 200, "bob": 404, "carol": 404}
    assert (user.get(repo).status_code, stranger.get(repo).status_code) == (200, 401)
    listed = [item["id"] for item in people["bob"].get("/api/models").json()]
    assert "lab/hidden" not in listed and "lab/shared" in listed


def test_others_may_open_a_pull_request_and_commit_to_it_but_not_merge(people: dict[str, httpx2.Client]) -> None:
    repo = made(people["alice"], "alice/open")
    opened = people["bob"].post(f"{repo}/commit/main?create_pr=1", content=LINE)
    assert opened.status_code == 200 and opened.json()["pullRequestUrl"].endswith("/alice/open/discussions/1")
    more = LINE.replace(b"a.txt", b"b.txt")
    assert people["bob"].post(f"{repo}/commit/refs%2Fpr%2F1", content=more).status_code == 200
    assert people["carol"].post(f"{repo}/discussions/1/comment", json={"comment": "?"}).status_code == 403
    assert people["bob"].post(f"{repo}/discussions/1/merge", json={}).status_code == 403
    diff = people["alice"].get(f"{repo}/discussions/1?diff=1").json()["diff"]
    assert "+++ b/a.txt" in diff and "+++ b/b.txt" in diff
    assert people["alice"].post(f"{repo}/discussions/1/merge", json={}).status_code == 200


def test_a_pull_request_of_another_is_not_ones_to_commit_to(people: dict[str, httpx2.Client]) -> None:
    repo = made(people["alice"], "alice/open-too")
    people["alice"].post(f"{repo}/commit/main?create_pr=1", content=LINE).raise_for_status()
    assert people["bob"].post(f"{repo}/commit/refs%2Fpr%2F1", content=LINE).status_code == 403


def test_a_gated_repository_is_read_after_its_owner_said_yes(
    people: dict[str, httpx2.Client], stranger: httpx2.Client
) -> None:
    repo = made(people["alice"], "alice/gated", gated="manual")
    people["alice"].post(f"{repo}/commit/main", content=LINE).raise_for_status()
    file = "/alice/gated/resolve/main/a.txt"

    def status(name: str) -> int:
        return people[name].get(file).status_code

    anonymous = stranger.get(file)
    assert (anonymous.status_code, anonymous.headers["X-Error-Code"]) == (401, "GatedRepo")
    assert (status("alice"), status("bob")) == (200, 403)
    assert people["bob"].post("/alice/gated/ask-access", json={"why": "research"}).json() == {"status": "pending"}
    assert status("bob") == 403
    assert people["bob"].get(f"{repo}/user-access-request/pending").status_code == 403
    pending = people["alice"].get(f"{repo}/user-access-request/pending").json()
    assert [(entry["user"]["user"], entry["fields"]) for entry in pending] == [("bob", {"why": "research"})]
    handle = f"{repo}/user-access-request/handle"
    assert people["bob"].post(handle, json={"user": "bob", "status": "accepted"}).status_code == 403
    assert people["alice"].post(handle, json={"user": "bob", "status": "accepted"}).status_code == 200
    assert status("bob") == 200
    assert people["alice"].post(handle, json={"user": "bob", "status": "rejected"}).status_code == 200
    assert status("bob") == 403


def test_a_gate_that_opens_by_itself_and_access_that_is_given(people: dict[str, httpx2.Client]) -> None:
    repo = made(people["alice"], "alice/auto", gated="auto")
    assert people["bob"].post("/alice/auto/ask-access").json() == {"status": "accepted"}
    assert people["bob"].get(f"{repo}/auth-check").status_code == 200
    grant = f"{repo}/user-access-request/grant"
    assert [people["alice"].post(grant, json={"user": name}).status_code for name in ("carol", "carol", "nobody")] == [
        200,
        400,
        404,
    ]
    assert people["carol"].get(f"{repo}/auth-check").status_code == 200


def test_a_browser_signs_in_with_a_token_as_password_and_only_reads_by_that(
    hub: str, people: dict[str, httpx2.Client]
) -> None:
    token = people["alice"].headers["Authorization"].removeprefix("Bearer ")
    basic = {"Authorization": "Basic " + base64.b64encode(f"whoever:{token}".encode()).decode()}
    with httpx2.Client(base_url=hub, headers={**basic, "Accept": "text/html"}, trust_env=False) as browser:
        assert browser.get("/login").headers["Location"] == "/"
        assert browser.get("/lab/hidden").status_code == 200
        assert browser.post("/api/repos/create", json={"name": "by-another-site"}).status_code == 401


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic bG9jYWw=", "Bearer", "Digest x", "local"])
def test_credentials_that_are_none_are_refused(stranger: httpx2.Client, header: str) -> None:
    assert stranger.get("/api/whoami-v2", headers={"Authorization": header}).status_code == 401


def test_a_revoked_token_is_refused_at_once(hub: str, hub_root: Path) -> None:
    tokens = Tokens(hub_root)
    headers = {"Authorization": "Bearer " + tokens.create("dave", "write", [])}
    assert httpx2.get(f"{hub}/api/whoami-v2", headers=headers, trust_env=False).status_code == 200
    tokens.revoke(next(record.id for record in tokens.all() if record.user == "dave"))
    assert httpx2.get(f"{hub}/api/whoami-v2", headers=headers, trust_env=False).status_code == 401


def test_tokens_are_kept_hashed_and_for_the_owner_of_the_files_only(tmp_path: Path) -> None:
    token = Tokens(tmp_path).create("alice", "write", [])
    kept = tmp_path / "tokens.json"
    assert token not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (found := Tokens(tmp_path).account_of(token)) is not None and found.name == "alice"
    assert Tokens(tmp_path).account_of(token + "x") is None


@pytest.mark.parametrize("user", ["../x", "datasets", "", "a b"])
def test_no_token_is_made_for_a_name_that_no_repository_could_have(tmp_path: Path, user: str) -> None:
    with pytest.raises(HubError):
        Tokens(tmp_path).create(user, "write", [])


def test_the_hash_of_anothers_private_file_does_not_open_it(people: dict[str, httpx2.Client]) -> None:
    from tests.local_hub.test_refusals import upload

    made(people["alice"], "alice/secret-file", private=True)
    oid = upload(people["alice"], b"for alice alone", "alice/secret-file")
    repo = made(people["bob"], "bob/thief")
    large = f'{{"key":"lfsFile","value":{{"path":"x.bin","algo":"sha256","oid":"{oid}","size":15}}}}\n'
    pointer = f"version https://git-lfs.github.com/spec/v1\\noid sha256:{oid}\\nsize 15\\n"
    inline = f'{{"key":"file","value":{{"path":"x.bin","content":"{pointer}"}}}}\n'
    header = '{"key":"header","value":{"summary":"x"}}\n'
    for line in (large, inline):
        answer = people["bob"].post(f"{repo}/commit/main", content=(header + line).encode())
        assert answer.status_code == 400 and "not uploaded" in answer.json()["error"]


HOSTS_TAKEN = [
    "127.0.0.1:7777",
    "localhost",
    "LOCALHOST:1",
    "[::1]:80",
    "192.168.0.7:8080",
    "hub.lan:1",
    "a.localhost",
]
HOSTS_REFUSED = ["evil.example", "evil.example:7777", "127.0.0.1.evil.example", "", None, "a b", "x/y", "hub.lan.evil"]


@pytest.mark.parametrize("host", HOSTS_TAKEN)
def test_an_address_localhost_and_allowed_names_are_taken_as_host(host: str) -> None:
    check_host(host, frozenset(["hub.lan"]))


@pytest.mark.parametrize("host", HOSTS_REFUSED)
def test_a_name_that_another_site_could_point_here_is_refused(host: str | None) -> None:
    with pytest.raises(HubError):
        check_host(host, frozenset(["hub.lan"]))


def test_a_request_by_another_name_gets_no_answer(hub: str) -> None:
    answer = httpx2.get(f"{hub}/api/models", headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 421 and "--allow-host" in answer.json()["error"]


@pytest.mark.parametrize(
    ("address", "near"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.1", False)],
)
def test_loopback_is_what_none_but_this_machine_reaches(address: str, near: bool) -> None:
    assert is_loopback(address) is near


def test_a_merge_that_makes_a_pointer_opens_no_file_of_another(people: dict[str, httpx2.Client]) -> None:
    """Neither side is a pointer when it is committed, so only a reader can notice."""
    from tests.local_hub.test_refusals import upload

    made(people["alice"], "alice/vault", private=True)
    oid = upload(people["alice"], b"for alice alone, too", "alice/vault")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 20\n"
    repo = made(people["bob"], "bob/maker")

    def put(text: str, where: str) -> None:
        lines = [
            {"key": "header", "value": {"summary": "x"}},
            {"key": "file", "value": {"path": "x", "content": text}},
        ]
        body = "".join(json.dumps(line) + "\n" for line in lines)
        people["bob"].post(f"{repo}/commit/{where}", content=body.encode()).raise_for_status()

    put(f"A\n{pointer}B\n", "main")
    put(f"A\n{pointer}", "main?create_pr=1")
    put(f"{pointer}B\n", "main")
    people["bob"].post(f"{repo}/discussions/1/merge", json={}).raise_for_status()
    assert people["bob"].get(f"{repo}/tree/main").json()[-1]["lfs"]["oid"] == oid, "it is a pointer now"
    for address in ("resolve", "raw", "blob"):
        answer = people["bob"].get(f"/bob/maker/{address}/main/x")
        assert b"for alice alone" not in answer.content
        assert address == "blob" or answer.status_code == 404
