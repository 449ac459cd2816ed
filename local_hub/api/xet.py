"""Uploads over Xet, the clients' default: take in xorbs, then rebuild and check each file that a shard names.

Downloads need none of this: without Xet headers in our answers, clients fetch over plain HTTP. Xorbs stay, because
clients remember them and send later files as references to them; the store's id is part of the address, so that
what a client remembers of one store is never asked of another.
"""

import os
import re
import shutil
import time
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from starlette.responses import JSONResponse, Response

from local_hub.auth import LIFETIME, check, sign
from local_hub.blobs import Mismatch, publish
from local_hub.errors import HubError
from local_hub.names import RepoName
from local_hub.store import Repo, Store
from local_hub.web import Call, Route
from local_hub.xet_format import Malformed, Segment, XetFile, chunk_offsets, shard_files, unpack_chunk

MAX_XORB = 80 << 20  # clients fill them up to 64 MiB
MAX_SHARD = 64 << 20  # clients cut them there
MAX_REBUILT = 64 << 30  # bytes of all files of a shard: a chunk named often enough makes any size
MAX_OPEN_XORBS = 16  # at once, while one shard is worked on
_HASH = re.compile(r"[0-9a-f]{64}")


def write_token(call: Call) -> Response:
    """The key to this store's CAS. The revision is not looked at: clients may ask before it exists."""
    where = call.shared_repo().name.key
    key, address = f"{sign(call.store.secret, _purpose(where))}/{where}", f"{call.endpoint}/cas/{call.store.id}"
    expires = int(time.time()) + LIFETIME - 60
    headers = {"X-Xet-Cas-Url": address, "X-Xet-Access-Token": key, "X-Xet-Token-Expiration": str(expires)}
    return JSONResponse({"casUrl": address, "accessToken": key, "exp": expires}, headers=headers)


def _purpose(repo: str) -> str:
    return f"xet-write {repo}"


def _admit(call: Call) -> Repo:
    """The repository that the caller's key was given out for."""
    if call.params["store"] != call.store.id:
        raise HubError(404, "this store was replaced; start the upload again")
    key, _, where = call.request.headers.get("authorization", "").removeprefix("Bearer ").partition("/")
    check(call.store.secret, _purpose(where), key)
    return call.store.open(RepoName.from_key(where))


def admit_xorb(call: Call) -> int:
    _admit(call)
    if not _HASH.fullmatch(call.params["hash"]):
        raise HubError(400, f"{call.params['hash'][:80]!r} is not a hash of 64 hex digits")
    return MAX_XORB


def admit_shard(call: Call) -> int:
    _admit(call)
    return MAX_SHARD


def xorb_path(store: Store, xorb: str) -> Path:
    return store.root / "xorbs" / xorb[:2] / xorb


class _File:
    """A file's bytes by slices. Not mapped: pages of a mapping count as this process's memory, 64 MiB a xorb."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb", buffering=0)
        self._size = os.fstat(self._stream.fileno()).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, end, _ = part.indices(self._size)
        return os.pread(self._stream.fileno(), max(0, end - start), start)

    def close(self) -> None:
        self._stream.close()


def put_xorb(call: Call) -> Response:
    """A second upload replaces the first: should one ever be damaged, sending it again heals it."""
    assert call.draft is not None
    xorb = call.params["hash"]
    try:
        with closing(_File(call.draft)) as draft:
            chunk_offsets(draft)
    except Malformed as error:
        raise HubError(400, f"xorb {xorb} is malformed: {error}") from None
    publish(call.draft, xorb_path(call.store, xorb))
    return JSONResponse({"was_inserted": True})


def put_shard(call: Call) -> Response:
    assert call.draft is not None
    rebuild_files(_admit(call), call.draft)
    return JSONResponse({"result": 1})


class _Xorbs:
    """Xorbs opened while one shard is worked on, each indexed once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: dict[str, tuple[_File, array[int]]] = {}

    def chunks(self, segment: Segment) -> Iterator[bytes | memoryview]:
        file, offsets = self._opened(segment.xorb)
        if not segment.first < segment.end < len(offsets):
            raise Malformed(f"xorb {segment.xorb} has no chunks {segment.first} to {segment.end}")
        for number in range(segment.first, segment.end):
            yield unpack_chunk(file[offsets[number] : offsets[number + 1]])

    def _opened(self, xorb: str) -> "tuple[_File, array[int]]":
        if xorb not in self._open:
            if len(self._open) >= MAX_OPEN_XORBS:
                self.close()
            path = xorb_path(self._store, xorb)
            if not path.is_file():
                raise Malformed(f"xorb {xorb} is not here; upload it before the shard")
            file = _File(path)
            self._open[xorb] = file, chunk_offsets(file)
        return self._open[xorb]

    def close(self) -> None:
        for file, _ in self._open.values():
            file.close()
        self._open.clear()


def rebuild_files(repo: Repo, path: Path) -> None:
    """Store every file of the shard under its sha256; one that does not hash to it refuses the shard.

    A file that another repository has is read all the same: its name alone is no proof of having it.
    """
    shard = memoryview(path.read_bytes())
    with closing(_Xorbs(repo.store)) as xorbs:
        try:
            _check_total(repo.store, shard)
            for file in shard_files(shard):
                if repo.blobs.size(file.sha256) is None or not repo.owns(file.sha256):
                    _rebuild(repo.store, xorbs, file)
                    repo.own(file.sha256)
        except (Malformed, Mismatch) as error:
            raise HubError(400, f"shard refused: {error}") from None


def _check_total(store: Store, shard: memoryview) -> None:
    """A few bytes of a shard can name the same chunk a thousand times: refuse what no disk here would hold."""
    total = sum(segment.size for file in shard_files(shard) for segment in file.segments)
    room = min(MAX_REBUILT, shutil.disk_usage(store.root).free)
    if total > room:
        raise HubError(413, f"the files of this shard have {total:,} bytes; there is room for {room:,} at a time")


def _rebuild(store: Store, xorbs: _Xorbs, file: XetFile) -> None:
    with store.blobs.writing(file.sha256) as writer:
        for segment in file.segments:
            before = writer.size
            for chunk in xorbs.chunks(segment):
                if writer.size - before + len(chunk) > segment.size:
                    raise Malformed(f"a segment has more than its {segment.size} bytes")
                writer.write(chunk)
            if writer.size - before != segment.size:
                raise Malformed(f"a segment has {writer.size - before} bytes, not {segment.size}")


def telemetry(call: Call) -> Response:
    """Clients report upload statistics at the root of the host; nothing is kept."""
    return JSONResponse({})


ROUTES = [
    Route("GET", "/api/{kind}/{namespace}/{name}/xet-write-token/{revision}", write_token),
    Route("POST", "/cas/{store}/v1/xorbs/default/{hash}", put_xorb, tokenless=True, admit=admit_xorb),
    Route("POST", "/cas/{store}/v1/shards", put_shard, tokenless=True, admit=admit_shard),
    Route("POST", "/v1/telemetry", telemetry, tokenless=True),
]
