"""Downloads: `resolve/<revision>/<path>`, whole or by range."""

import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from local_hub.errors import HubError, entry_not_found, revision_not_found
from local_hub.names import checked_path
from local_hub.tree import File, find
from local_hub.web import Call, Route

_CHUNK = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and end of a Range header, or None for the whole file; several ranges also mean the whole."""
    match = _RANGE.fullmatch((header or "").strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if last and first and int(last) < int(first):
        return None  # not a valid range, which RFC 9110 has us ignore
    if start >= size or start >= end:
        message = f"range {header} is outside the file of {size} bytes"
        raise HubError(416, message, headers={"Content-Range": f"bytes */{size}"})
    return start, end


def resolve(call: Call) -> Response:
    repo = call.content_repo()
    revision = call.params["revision"]
    commit = repo.commit(revision)
    path = checked_path(call.params["path"])
    file = find(repo.git, commit, path)
    if not isinstance(file, File):
        raise entry_not_found(path, str(commit.id))
    stored = repo.large_file(file.pointer.sha256) if file.pointer else None
    if file.pointer and stored is None:
        message = f"the large file behind {path} is missing from this store; upload it again"
        raise HubError(404, message, "EntryNotFound")
    headers = _headers(file, str(commit.id))
    if call.request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    wanted = byte_range(call.request.headers.get("range"), file.size)
    start, end = wanted or (0, file.size)
    headers["Content-Length"] = str(end - start)
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 206 if wanted else 200
    if call.request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    if stored is None:
        return Response(repo.git[file.oid].data[start:end], status, headers)
    return StreamingResponse(_chunks(stored, start, end), status, headers)


def _headers(file: File, commit: str) -> dict[str, str]:
    name = file.path.rpartition("/")[2]
    headers = {
        "ETag": f'"{file.etag}"',
        "X-Repo-Commit": commit,
        "Accept-Ranges": "bytes",
        "Content-Type": _content_type(name),
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}",
        # A file is somebody's upload: a browser must neither guess its type nor run it.
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if file.pointer:
        headers |= {"X-Linked-ETag": f'"{file.etag}"', "X-Linked-Size": str(file.size)}
    return headers


def _content_type(name: str) -> str:
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = guessed.startswith("text/") or guessed in ("application/json", "application/javascript")
    return "text/plain; charset=utf-8" if text or name.endswith((".md", ".yaml", ".jsonl")) else guessed


def _chunks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(start)
        while start < end and (data := stream.read(min(_CHUNK, end - start))):
            start += len(data)
            yield data


def resolve_spelt_out(call: Call) -> Response:
    """`resolve/refs/pr/1/file`, as links in browsers have it."""
    head, _, rest = call.params["path"].partition("/")
    number, _, path = rest.partition("/")
    if head not in ("pr", "convert") or not path:
        raise revision_not_found("refs")
    call.params |= {"revision": f"refs/{head}/{number}", "path": path}
    return resolve(call)


_REPO = "/{prefix}{namespace}/{name}"
ROUTES = [
    Route("GET", f"{_REPO}/resolve/refs/{{path}}", resolve_spelt_out),
    Route("GET", f"{_REPO}/resolve/{{revision}}/{{path}}", resolve),
    Route("GET", f"{_REPO}/raw/{{revision}}/{{path}}", resolve),
]
