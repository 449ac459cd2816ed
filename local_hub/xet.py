"""Uploads over Xet, the clients' default: take in xorbs, then rebuild and check each file that a shard names.

Downloads need none of this: without Xet headers in our answers, clients fetch over plain HTTP. Xorbs stay, because
clients remember them and send later files as references to them; the store's id is part of the address, so that
what a client remembers of one store is never asked of another.
"""

import mmap
import re
import time
from collections.abc import Iterator
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
MAX_OPEN_XORBS = 16  # mapped at once while one file is rebuilt
_HASH = re.compile(r"[0-9a-f]{64}")


def write_token(call: Call) -> Response:
    """The key to this store's CAS. The revision is not looked at: clients may ask before it exists."""
    name = call.shared_repo().name
    where = f"{name.kind}/{name.repo_id}"
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
    kind, _, repo_id = where.partition("/")
    return call.store.open(RepoName.parse(kind, repo_id))


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


def _mapped(path: Path) -> memoryview:
    if path.stat().st_size == 0:
        raise Malformed("it is empty")
    with path.open("rb") as stream:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def put_xorb(call: Call) -> Response:
    """A second upload replaces the first: should one ever be damaged, sending it again heals it."""
    assert call.draft is not None
    xorb = call.params["hash"]
    try:
        chunk_offsets(_mapped(call.draft))
    except Malformed as error:
        raise HubError(400, f"xorb {xorb} is malformed: {error}") from None
    publish(call.draft, xorb_path(call.store, xorb))
    return JSONResponse({"was_inserted": True})


def put_shard(call: Call) -> Response:
    assert call.draft is not None
    rebuild_files(_admit(call), call.draft)
    return JSONResponse({"result": 1})


class _Xorbs:
    """Xorbs opened while one shard is worked on, each mapped and indexed once.

    A mapping goes with the last view of it, so nothing is closed by hand: a view may still be alive in a traceback.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: dict[str, tuple[memoryview, list[int]]] = {}

    def chunks(self, segment: Segment) -> Iterator[bytes]:
        view, offsets = self._opened(segment.xorb)
        if not segment.first < segment.end < len(offsets):
            raise Malformed(f"xorb {segment.xorb} has no chunks {segment.first} to {segment.end}")
        for number in range(segment.first, segment.end):
            yield unpack_chunk(view[offsets[number] : offsets[number + 1]])

    def _opened(self, xorb: str) -> tuple[memoryview, list[int]]:
        if xorb not in self._open:
            if len(self._open) >= MAX_OPEN_XORBS:
                self._open.clear()
            path = xorb_path(self._store, xorb)
            if not path.is_file():
                raise Malformed(f"xorb {xorb} is not here; upload it before the shard")
            view = _mapped(path)
            self._open[xorb] = view, chunk_offsets(view)
        return self._open[xorb]


def rebuild_files(repo: Repo, path: Path) -> None:
    """Store every file of the shard under its sha256; one that does not hash to it refuses the shard.

    A file that another repository has is read all the same: its name alone is no proof of having it.
    """
    xorbs = _Xorbs(repo.store)
    try:
        shard = _mapped(path)
        total = sum(segment.size for file in shard_files(shard) for segment in file.segments)
        if total > MAX_REBUILT:
            raise HubError(
                413, f"the files of this shard have {total:,} bytes; upload at most {MAX_REBUILT:,} at a time"
            )
        for file in shard_files(shard):
            if repo.blobs.size(file.sha256) is None or not repo.owns(file.sha256):
                _rebuild(repo.store, xorbs, file)
                repo.own(file.sha256)
    except (Malformed, Mismatch) as error:
        raise HubError(400, f"shard refused: {error}") from None


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
