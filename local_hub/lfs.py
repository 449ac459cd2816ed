"""Large files over git-lfs's `basic` transfer: what clients use with HF_HUB_DISABLE_XET=1 and for open file objects.

The PUT comes without an Authorization header, so its address carries a signature for exactly this file.
"""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from local_hub.auth import check, sign
from local_hub.blobs import SHA256, Mismatch
from local_hub.errors import HubError
from local_hub.store import Repo
from local_hub.web import Call, Route

_TYPE = "application/vnd.git-lfs+json"


def batch(call: Call) -> Response:
    body = call.json()
    repo = call.writable_repo()
    if body.get("operation") != "upload":
        raise HubError(501, "only uploads go over LFS here; download through resolve/")
    if body.get("hash_algo", "sha256") != "sha256":
        raise HubError(409, f"hash_algo {body['hash_algo']!r} is not supported; use sha256")
    objects = body.get("objects")
    if not isinstance(objects, list):
        raise HubError(400, "an LFS batch needs `objects`, a list")
    answers = [_answer(call, repo, item) for item in objects]
    return JSONResponse({"transfer": "basic", "objects": answers, "hash_algo": "sha256"}, media_type=_TYPE)


def _answer(call: Call, repo: Repo, item: object) -> dict[str, Any]:
    """Where to put one file; without `actions` it is here already."""
    match item:
        case {"oid": str(oid), "size": int(size)} if SHA256.fullmatch(oid) and size >= 0:
            answer: dict[str, Any] = {"oid": oid, "size": size, "authenticated": True}
        case _:
            raise HubError(400, "an LFS object needs `oid`, a sha256 in lower-case hex, and `size`")
    if repo.blobs.size(oid) is None:
        answer["actions"] = {purpose: {"href": _href(call, purpose, oid, size)} for purpose in ("upload", "verify")}
    return answer


def _href(call: Call, purpose: str, oid: str, size: int) -> str:
    key = sign(call.store.secret, f"lfs-{purpose} {oid} {size}")
    return f"{call.endpoint}/lfs/{purpose}/{oid}?{urlencode({'size': size, 'key': key})}"


def _checked(call: Call, purpose: str) -> int:
    """The file's announced size, once the signature holds."""
    size = call.query("size")
    check(call.store.secret, f"lfs-{purpose} {call.params['oid']} {size}", call.query("key"))
    return int(size)


def admit_upload(call: Call) -> int:
    return _checked(call, "upload")


def put(call: Call) -> Response:
    assert call.draft is not None
    try:
        call.store.blobs.adopt(call.draft, call.params["oid"])
    except Mismatch as error:
        raise HubError(400, str(error)) from None
    return Response(status_code=200)


def verify(call: Call) -> Response:
    oid, size = call.params["oid"], _checked(call, "verify")
    if call.store.blobs.size(oid) != size:
        raise HubError(404, f"{oid} is not stored here with {size} bytes; upload it again")
    return JSONResponse({}, media_type=_TYPE)


ROUTES = [
    Route("POST", "/{prefix}{namespace}/{name}.git/info/lfs/objects/batch", batch),
    Route("PUT", "/lfs/upload/{oid}", put, tokenless=True, admit=admit_upload),
    Route("POST", "/lfs/verify/{oid}", verify, tokenless=True),
]
