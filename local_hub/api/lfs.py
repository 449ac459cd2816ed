"""Large files over git-lfs: what clients use with HF_HUB_DISABLE_XET=1 and for open file objects.

A file goes in one PUT (`basic`) or, above `PART` and where the client can, in parts that are retried one by one
(`multipart`, the Hub's own extension). Neither brings an Authorization header, so each address carries a signature
for exactly this file in exactly this repository.
"""

import hashlib
import secrets
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from local_hub.auth import LIFETIME, check, sign
from local_hub.blobs import SHA256, Mismatch
from local_hub.errors import HubError
from local_hub.names import RepoName
from local_hub.store import Repo, Store
from local_hub.web import Call, Route

PART = 128 << 20  # bytes
_MAX_PARTS = 10_000
_COPIED = 8 << 20  # bytes at a time
_TYPE = "application/vnd.git-lfs+json"


def batch(call: Call) -> Response:
    body = call.json()
    repo = call.shared_repo()
    if body.get("operation") != "upload":
        raise HubError(501, "only uploads go over LFS here; download through resolve/")
    if body.get("hash_algo", "sha256") != "sha256":
        raise HubError(409, f"hash_algo {str(body['hash_algo'])[:80]!r} is not supported; use sha256")
    objects, transfers = body.get("objects"), body.get("transfers")
    if not isinstance(objects, list):
        raise HubError(400, "an LFS batch needs `objects`, a list")
    parts = isinstance(transfers, list) and "multipart" in transfers
    answers = [_answer(call, repo, item, parts) for item in objects]
    several = any("chunk_size" in answer.get("actions", {}).get("upload", {}).get("header", {}) for answer in answers)
    transfer = "multipart" if several else "basic"
    return JSONResponse({"transfer": transfer, "objects": answers, "hash_algo": "sha256"}, media_type=_TYPE)


def _answer(call: Call, repo: Repo, item: object, parts: bool) -> dict[str, Any]:
    """Where to put one file; without `actions` it is here already."""
    match item:
        case {"oid": str(oid), "size": size} if SHA256.fullmatch(oid) and type(size) is int and 0 <= size < 1 << 50:
            answer: dict[str, Any] = {"oid": oid, "size": size, "authenticated": True}
        case _:
            raise HubError(400, "an LFS object needs `oid`, a sha256 in lower-case hex, and `size`")
    if repo.blobs.size(oid) is not None and repo.owns(oid):
        return answer
    upload = (
        _multipart(call, repo, oid, size) if parts and size > PART else {"href": _href(call, repo, "put", oid, size)}
    )
    answer["actions"] = {"upload": upload, "verify": {"href": _href(call, repo, "verify", oid, size)}}
    return answer


def _multipart(call: Call, repo: Repo, oid: str, size: int) -> dict[str, Any]:
    """The address that ends the upload, and one address per part, as huggingface_hub reads them from `header`."""
    length = max(PART, -(-size // _MAX_PARTS))
    count = -(-size // length)
    parts = {
        str(n): _href(call, repo, "part", oid, min(length, size - (n - 1) * length), n) for n in range(1, count + 1)
    }
    _drop_abandoned(call.store)
    return {"href": _href(call, repo, "complete", oid, size), "header": {"chunk_size": str(length), **parts}}


def _purpose(step: str, oid: str, size: str, part: str, repo: str) -> str:
    return f"lfs-{step} {oid} {size} {part} {repo}"


def _href(call: Call, repo: Repo, step: str, oid: str, size: int, part: int = 0) -> str:
    where = repo.name.key
    key = sign(call.store.secret, _purpose(step, oid, str(size), str(part), where))
    return f"{call.endpoint}/lfs/{step}/{oid}?{urlencode({'size': size, 'part': part, 'repo': where, 'key': key})}"


def _checked(call: Call, step: str) -> int:
    """The announced size, once the signature holds; then the other parameters are what we wrote ourselves."""
    size, part, repo = call.query("size"), call.query("part"), call.query("repo")
    check(call.store.secret, _purpose(step, call.params["oid"], size, part, repo), call.query("key"))
    return int(size)


def _owned(call: Call) -> None:
    """The file is here and whole: let the repository that it was uploaded for name it."""
    call.store.open(RepoName.from_key(call.query("repo"))).own(call.params["oid"])


def admit_upload(call: Call) -> int:
    return _checked(call, "put")


def admit_part(call: Call) -> int:
    return _checked(call, "part")


def put(call: Call) -> Response:
    assert call.draft is not None
    try:
        call.store.blobs.adopt(call.draft, call.params["oid"])
    except Mismatch as error:
        raise HubError(400, str(error)) from None
    _owned(call)
    return Response(status_code=200)


def _parts_folder(call: Call) -> Path:
    """Of one file for one repository: parts are the proof of having it, so nobody may end another's upload."""
    whose = hashlib.sha256(f"{call.query('repo')} {call.params['oid']}".encode()).hexdigest()
    return call.store.temporary / f"parts-{whose}"


def _drop_abandoned(store: Store) -> None:
    for folder in store.temporary.glob("parts-*"):
        if folder.stat().st_mtime < time.time() - LIFETIME:
            shutil.rmtree(folder, ignore_errors=True)


def put_part(call: Call) -> Response:
    assert call.draft is not None
    size = int(call.query("size"))
    if call.draft.stat().st_size != size:
        raise HubError(
            400, f"part {call.query('part')} has {call.draft.stat().st_size} bytes, not {size}; send it again"
        )
    folder = _parts_folder(call)
    folder.mkdir(exist_ok=True)
    call.draft.rename(folder / call.query("part"))
    # Clients only hand it back: what counts is the hash of the whole.
    return Response(status_code=200, headers={"ETag": f'"{call.query("part")}-{size}"'})


def complete(call: Call) -> Response:
    """Join the parts; what does not hash to the file's name is refused, and its parts are dropped."""
    oid, size = call.params["oid"], _checked(call, "complete")
    folder = _parts_folder(call)
    length = max(PART, -(-size // _MAX_PARTS))
    paths = [folder / str(number) for number in range(1, -(-size // length) + 1)]
    if missing := [path.name for path in paths if not path.is_file()]:
        raise HubError(400, f"parts {', '.join(missing[:10])} of {oid} are not here; start the upload again")
    claimed = call.store.temporary / f"parts-{secrets.token_hex(16)}"
    try:
        folder.rename(claimed)  # out of reach: a part sent from now on must not change what is hashed here
    except OSError:
        raise HubError(409, f"the upload of {oid} is being completed already") from None
    try:
        # Also where another repository has the file: the parts are the proof of having it.
        _join(call.store, oid, [claimed / path.name for path in paths])
    finally:
        shutil.rmtree(claimed, ignore_errors=True)
    _owned(call)
    return JSONResponse({"oid": oid}, media_type=_TYPE)


def _join(store: Store, oid: str, paths: list[Path]) -> None:
    whole = paths[0].with_name("whole")
    with whole.open("wb") as stream:
        for path in paths:
            with path.open("rb") as part:
                shutil.copyfileobj(part, stream, _COPIED)
            path.unlink()  # so that the disk holds the file once and one part of it, not twice
    try:
        store.blobs.adopt(whole, oid)
    except Mismatch as error:
        whole.unlink()
        raise HubError(400, str(error)) from None


def verify(call: Call) -> Response:
    oid, size = call.params["oid"], _checked(call, "verify")
    if call.store.blobs.size(oid) != size:
        raise HubError(404, f"{oid} is not stored here with {size} bytes; upload it again")
    return JSONResponse({}, media_type=_TYPE)


ROUTES = [
    Route("POST", "/{prefix}{namespace}/{name}.git/info/lfs/objects/batch", batch),
    Route("PUT", "/lfs/put/{oid}", put, tokenless=True, admit=admit_upload),
    Route("PUT", "/lfs/part/{oid}", put_part, tokenless=True, admit=admit_part),
    Route("POST", "/lfs/complete/{oid}", complete, tokenless=True),
    Route("POST", "/lfs/verify/{oid}", verify, tokenless=True),
]
