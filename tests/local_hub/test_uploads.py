"""Large files by every road, and what must not go wrong on the way."""

import hashlib
import random
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_hub import serving
from local_hub.xet_format import Malformed, chunk_offsets, hash_text, shard_files, unpack_chunk


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MB that compress in parts, so that plain and LZ4 chunks both occur."""
    path = tmp_path_factory.mktemp("large") / "data.bin"
    noise = random.Random(7)
    path.write_bytes(
        noise.randbytes(8 << 20) + bytes(4 << 20) + struct.pack("<2000000f", *map(float, range(2_000_000)))
    )
    return path


@pytest.mark.parametrize(
    ("road", "arguments", "environment"),
    [
        ("xet", [], {}),
        ("lfs", [], {"HF_HUB_DISABLE_XET": "1"}),
        ("stream", ["--as-stream"], {}),
    ],
)
def test_a_large_file_comes_back_with_its_sha256(
    clients: Any, large_file: Path, tmp_path: Path, road: str, arguments: list[str], environment: dict[str, str]
) -> None:
    own = tmp_path / "own.bin"  # else the second road would find the first one's bytes in place
    own.write_bytes(road.encode() + large_file.read_bytes())
    seen = clients.script("upload", f"local/large-{road}", str(own), *arguments, **environment)
    assert seen == {"same": True, "lfs": True}


def test_a_wiped_root_takes_files_that_the_client_remembers_uploading(
    clients: Any, large_file: Path, tmp_path: Path
) -> None:
    root = tmp_path / "hub"
    with serving(root) as url:
        port = int(url.rpartition(":")[2])
        assert replace(clients, url=url).script("upload", "local/again", str(large_file))["same"]
    shutil.rmtree(root)
    with serving(root, port) as url:  # the very same address, so that only the store's id tells them apart
        assert replace(clients, url=url).script("upload", "local/again", str(large_file))["same"]


def test_a_restarted_server_has_everything_and_still_deduplicates(
    clients: Any, large_file: Path, tmp_path: Path
) -> None:
    longer = tmp_path / "longer.bin"
    longer.write_bytes(large_file.read_bytes() + b"and more")
    with serving(tmp_path / "hub") as url:
        port = int(url.rpartition(":")[2])
        replace(clients, url=url).script("upload", "local/kept", str(large_file))
    with serving(tmp_path / "hub", port) as url:
        seen = replace(clients, url=url).script("upload", "local/kept", str(longer))
        assert seen["same"]
        xorbs = sum(path.stat().st_size for path in (tmp_path / "hub" / "xorbs").rglob("*") if path.is_file())
        assert xorbs < 1.5 * large_file.stat().st_size


def test_two_pushers_at_once_lose_nothing(clients: Any, user: httpx2.Client, hub_root: Path) -> None:
    user.post("/api/repos/create", json={"name": "busy"}).raise_for_status()
    script = str(Path(__file__).parent / "clients" / "pusher.py")
    pushers = [
        subprocess.Popen([sys.executable, script, who], env=clients.environment(), stdout=subprocess.DEVNULL)
        for who in ("a", "b")
    ]
    assert [pusher.wait(timeout=60) for pusher in pushers] == [0, 0]
    found = user.get("/api/models/local/busy/tree/main?recursive=true").json()
    assert sum(entry["type"] == "file" and entry["path"] != ".gitattributes" for entry in found) == 20
    assert len(user.get("/api/models/local/busy/commits/main").json()) == 21
    bare = hub_root / "repos/models/local/busy.git"
    fsck = subprocess.run(["git", "-C", bare, "fsck", "--strict", "--no-dangling"], capture_output=True, text=True)
    assert (fsck.returncode, fsck.stdout) == (0, "")


def test_an_lfs_upload_with_other_bytes_is_refused_and_not_stored(
    user: httpx2.Client, stranger: httpx2.Client
) -> None:
    user.post("/api/repos/create", json={"name": "strict"})
    oid = hashlib.sha256(b"promised").hexdigest()
    wanted = {"operation": "upload", "objects": [{"oid": oid, "size": 8}]}
    actions = user.post("/local/strict.git/info/lfs/objects/batch", json=wanted).json()["objects"][0]["actions"]
    assert stranger.put(actions["upload"]["href"], content=b"tampered").status_code == 400
    assert stranger.put(actions["upload"]["href"], content=b"promised and more").status_code == 413
    assert stranger.put(actions["upload"]["href"] + "0", content=b"promised").status_code == 401
    assert stranger.post(actions["verify"]["href"], json={}).status_code == 404
    assert stranger.put(actions["upload"]["href"], content=b"promised").status_code == 200
    assert stranger.post(actions["verify"]["href"], json={}).status_code == 200


# The formats, without a client.


def _chunk(data: bytes, scheme: int) -> bytes:
    grouped = b"".join(data[lane::4] for lane in range(4)) if scheme == 2 else data
    packed = lz4.frame.compress(grouped) if scheme else data
    return bytes([0]) + len(packed).to_bytes(3, "little") + bytes([scheme]) + len(data).to_bytes(3, "little") + packed


def _shard(sha256: bytes, xorb: bytes, size: int, end: int) -> bytes:
    file = bytes(32) + struct.pack("<II", 3 << 30, 1) + bytes(8)
    segment = xorb + struct.pack("<4I", 0, size, 0, end)
    return bytes(48) + file + segment + bytes(48) + sha256 + bytes(16) + b"\xff" * 32 + bytes(16)


def _raw(text: str) -> bytes:
    return b"".join(struct.pack("<Q", int(text[i : i + 16], 16)) for i in range(0, 64, 16))


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=300), st.sampled_from([0, 1, 2])), min_size=1, max_size=5))
def test_chunks_unpack_to_what_was_packed(parts: list[tuple[bytes, int]]) -> None:
    xorb = memoryview(b"".join(_chunk(data, scheme) for data, scheme in parts))
    offsets = chunk_offsets(xorb)
    unpacked = [unpack_chunk(xorb[start:end]) for start, end in pairwise(offsets)]
    assert unpacked == [data for data, _ in parts]


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_parsers(data: bytes) -> None:
    for parse in (lambda: list(shard_files(data)), lambda: chunk_offsets(memoryview(data))):
        try:
            parse()
        except Malformed:
            continue


def test_a_chunk_that_lies_about_its_size_is_malformed() -> None:
    bomb = bytearray(_chunk(bytes(10_000_000), 1))
    bomb[5:8] = (100).to_bytes(3, "little")
    with pytest.raises(Malformed, match="unpacks to 101 bytes, not 100"):
        unpack_chunk(memoryview(bytes(bomb)))


def test_a_shard_is_refused_unless_its_file_hashes_to_what_it_says(user: httpx2.Client, hub: str) -> None:
    user.post("/api/repos/create", json={"name": "strict"})
    token = user.get("/api/models/local/strict/xet-write-token/main").json()
    with httpx2.Client(headers={"Authorization": f"Bearer {token['accessToken']}"}, trust_env=False) as cas:
        xorb, data = "ab" * 32, b"some bytes of a file"
        right = hashlib.sha256(data).hexdigest()
        shard = f"{token['casUrl']}/v1/shards"
        good = _shard(_raw(right), _raw(xorb), len(data), 1)
        assert "is not here" in cas.post(shard, content=good).json()["error"]
        chunks = _chunk(data, 2)
        assert cas.post(f"{token['casUrl']}/v1/xorbs/default/{xorb}", content=chunks[:-1]).status_code == 400
        assert cas.post(f"{token['casUrl']}/v1/xorbs/default/{xorb}", content=chunks).status_code == 200
        for bad in (
            _shard(_raw("cd" * 32), _raw(xorb), len(data), 1),
            _shard(_raw(right), _raw(xorb), len(data), 2),
            _shard(_raw(right), _raw(xorb), len(data) + 1, 1),
            good[:100],
            b"",
        ):
            assert cas.post(shard, content=bad).status_code == 400
        assert cas.post(shard, content=good).status_code == 200
        assert cas.post(f"{hub}/cas/{'0' * 32}/v1/shards", content=good).status_code == 404
        assert cas.post(shard, content=good, headers={"Authorization": "Bearer local"}).status_code == 401


def test_a_hash_prints_as_four_little_endian_words() -> None:
    assert hash_text(bytes(range(32))).startswith("0706050403020100")
