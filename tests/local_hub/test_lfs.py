"""Large files over LFS in parts, as the unmodified client sends them, and what is refused on the way."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local_hub.api import lfs


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """Parts of 1 MB: the server runs in a thread of this process."""
    monkeypatch.setattr(lfs, "PART", 1 << 20)
    return 1 << 20


def batch(user: httpx2.Client, content: bytes, repo: str = "local/parts") -> dict[str, Any]:
    """What an LFS batch answers about one file."""
    oid = hashlib.sha256(content).hexdigest()
    objects = [{"oid": oid, "size": len(content)}]
    body = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": objects}
    answer = user.post(f"/{repo}.git/info/lfs/objects/batch", json=body).raise_for_status().json()
    found: dict[str, Any] = answer["objects"][0]
    return found


def actions(user: httpx2.Client, content: bytes, repo: str = "local/parts") -> dict[str, Any]:
    user.post("/api/repos/create", json={"name": "parts"})
    found: dict[str, Any] = batch(user, content, repo)["actions"]
    assert "chunk_size" in found["upload"]["header"]
    return found


def sent(user: httpx2.Client, upload: dict[str, Any], content: bytes) -> list[dict[str, Any]]:
    length = int(upload["header"]["chunk_size"])
    numbers = sorted(int(key) for key in upload["header"] if key.isdigit())
    parts = []
    for number in numbers:
        part = content[(number - 1) * length : number * length]
        answer = user.put(upload["header"][str(number)], content=part, headers={"Authorization": ""})
        parts.append({"partNumber": number, "etag": answer.raise_for_status().headers["ETag"]})
    return parts


def test_the_unmodified_client_sends_a_file_in_parts(clients: Any, small_parts: int, tmp_path: Path) -> None:
    source = tmp_path / "data.bin"
    source.write_bytes(os.urandom(3 * small_parts + 17))
    seen = clients.script("upload", "local/in-parts", str(source), HF_HUB_DISABLE_XET="1")
    assert seen == {"same": True, "lfs": True}


def test_parts_that_do_not_make_the_file_are_refused_and_dropped(
    user: httpx2.Client, hub_root: Path, small_parts: int
) -> None:
    content = os.urandom(2 * small_parts + 1)
    upload = actions(user, content)["upload"]
    sent(user, upload, content[::-1])
    answer = user.post(upload["href"], json={"oid": "x", "parts": []})
    assert answer.status_code == 400 and "hash to" in answer.json()["error"]
    assert not list((hub_root / "tmp").rglob("whole"))
    missing = user.post(upload["href"], json={})
    assert missing.status_code == 400 and "parts 1, 2, 3" in missing.json()["error"]


def test_the_name_of_anothers_file_with_other_parts_does_not_open_it(user: httpx2.Client, small_parts: int) -> None:
    content = os.urandom(small_parts + 10)
    upload = actions(user, content)["upload"]
    sent(user, upload, content)
    user.post(upload["href"], json={}).raise_for_status()
    user.post("/api/repos/create", json={"name": "thief"}).raise_for_status()
    stolen = actions(user, content, "local/thief")["upload"]
    sent(user, stolen, content[::-1])
    assert user.post(stolen["href"], json={}).status_code == 400
    assert "actions" in batch(user, content, "local/thief"), "the file is not the thief's"


def test_the_parts_that_one_repository_was_sent_are_no_others(user: httpx2.Client, small_parts: int) -> None:
    content = os.urandom(small_parts + 10)
    upload = actions(user, content)["upload"]
    sent(user, upload, content)
    user.post("/api/repos/create", json={"name": "waiter"})
    waiting = actions(user, content, "local/waiter")["upload"]
    assert user.post(waiting["href"], json={}).status_code in (400, 409)
    assert "actions" in batch(user, content, "local/waiter"), "no byte was sent there"
    user.post(upload["href"], json={}).raise_for_status()


def test_a_part_of_another_size_is_refused(user: httpx2.Client, small_parts: int) -> None:
    upload = actions(user, os.urandom(small_parts + 10))["upload"]
    assert user.put(upload["header"]["2"], content=b"short").status_code == 400
    assert user.put(upload["header"]["2"], content=b"x" * 11).status_code == 413


def test_an_address_is_signed_for_its_file_size_part_and_repository(user: httpx2.Client, small_parts: int) -> None:
    upload = actions(user, os.urandom(small_parts + 10))["upload"]
    good = upload["header"]["2"]
    for changed in (
        good.replace("size=10", "size=11"),
        good.replace("part=2", "part=1"),
        good.replace("local%2Fparts", "local%2Fother"),
        good.replace("/lfs/part/", "/lfs/put/"),
        good.partition("&key=")[0],
    ):
        assert changed != good
        assert user.put(changed, content=b"0123456789").status_code == 401
    assert user.put(good, content=b"0123456789").status_code == 200


def test_the_key_of_an_address_is_not_in_the_log(user: httpx2.Client, hub_root: Path, small_parts: int) -> None:
    content = os.urandom(small_parts + 10)
    upload = actions(user, content)["upload"]
    parts = sent(user, upload, content)
    user.post(upload["href"], content=json.dumps({"oid": "x", "parts": parts})).raise_for_status()
    log = (hub_root / "server.log").read_text()
    assert "/lfs/complete/" in log
    assert "key=" not in log and upload["href"].rpartition("key=")[2] not in log
