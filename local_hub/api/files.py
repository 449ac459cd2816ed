"""Routes about the files of a revision, and about the large files of a repository."""

from typing import Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response

from local_hub import clock
from local_hub.blobs import SHA256
from local_hub.errors import HubError, entry_not_found
from local_hub.names import RepoName, checked_path
from local_hub.rewrite import without_files
from local_hub.tree import File, Folder, as_json, find, last_commits, listing, pointers
from local_hub.web import MAX_JSON, Call, Route

_PAGE = 1000


def tree(call: Call) -> Response:
    repo = call.repo()
    commit = repo.commit(call.params["revision"])
    path = call.params.get("path", "").strip("/")
    folder = find(repo.git, commit, checked_path(path) if path else "")
    if not isinstance(folder, Folder):
        raise entry_not_found(path, str(commit.id))
    entries = list(listing(repo.git, commit, folder, recursive=call.flag("recursive")))
    last = last_commits(repo.git, commit, entries) if call.flag("expand") else {}
    answer = [as_json(entry, last.get(entry.path)) for entry in entries]
    return JSONResponse(answer, headers={"X-Repo-Commit": str(commit.id)})


def paths_info(call: Call) -> Response:
    """The one call that clients send form-encoded; paths that are missing are left out."""
    repo = call.repo()
    commit = repo.commit(call.params["revision"])
    try:
        form = parse_qs(call.body.read(MAX_JSON).decode(), max_num_fields=100_000)
    except ValueError:
        raise HubError(400, "paths-info takes a form with `paths` and `expand`, in UTF-8") from None
    found = [find(repo.git, commit, checked_path(path.strip("/"))) for path in form.get("paths", [])]
    entries = [entry for entry in found if entry is not None]
    expand = form.get("expand", [""])[0].lower() in ("1", "true")
    last = last_commits(repo.git, commit, entries) if expand else {}
    return JSONResponse([as_json(entry, last.get(entry.path)) for entry in entries])


def large_files(call: Call) -> Response:
    """Every large file that was ever uploaded here, newest first, also those that no revision names."""
    repo = call.writable_repo()
    named = pointers(repo.git)
    uploads = sorted(repo.owned().items(), key=lambda item: (-item[1], item[0]))
    shown, headers = call.paged(uploads, _PAGE)
    return JSONResponse(
        [_large(sha256, at, named.get(sha256), repo.blobs.size(sha256)) for sha256, at in shown], headers=headers
    )


def _large(sha256: str, at: int, file: File | None, size: int | None) -> dict[str, Any]:
    return {
        "fileOid": sha256,
        "oid": sha256,
        "filename": file.path if file else "",
        "pushedAt": clock.at(at),
        "ref": "main" if file else None,
        "size": size or 0,
    }


def delete_large_files(call: Call) -> Response:
    """Take large files away for good, out of every commit too unless `rewriteHistory` is false.

    The bytes themselves go with `python -m local_hub gc`, once no other repository has them.
    """
    repo = call.writable_repo()
    match call.json().get("deletions"):
        case {"sha": list(listed), **rest} if all(isinstance(sha, str) and SHA256.fullmatch(sha) for sha in listed):
            gone = set(listed)
        case _:
            raise HubError(400, "this needs `deletions` with `sha`, a list of sha256 in lower-case hex")
    with repo.lock:
        if rest.get("rewriteHistory", True):
            without_files(repo, gone)
        for sha256 in gone:
            repo.disown(sha256)
    return JSONResponse({})


def share_large_files(call: Call) -> Response:
    """Let another repository of the caller name large files of this one, ahead of a copy between the two."""
    source, body = call.content_repo(), call.json()
    match body:
        case {"target": {"type": str(kind), "name": str(repo_id)}, "files": list(listed)}:
            name = RepoName.parse(kind, repo_id)
        case _:
            raise HubError(400, "this needs `target` with `type` and `name`, and `files`")
    call.writes_in(name.namespace)
    target = call.store.open(name)
    failed = []
    for item in listed:
        sha256 = str(item.get("sha256")) if isinstance(item, dict) else ""
        if SHA256.fullmatch(sha256) and source.owns(sha256):
            target.own(sha256)
        else:
            failed.append({"sha256": sha256, "error": "not a large file of the source"})
    return JSONResponse({"success": len(listed) - len(failed), "failed": failed})


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES = [
    Route("GET", f"{_REPO}/tree/{{revision}}", tree),
    Route("GET", f"{_REPO}/tree/{{revision}}/{{path}}", tree),
    Route("POST", f"{_REPO}/paths-info/{{revision}}", paths_info),
    Route("GET", f"{_REPO}/lfs-files", large_files),
    Route("POST", f"{_REPO}/lfs-files/batch", delete_large_files),
    Route("POST", f"{_REPO}/lfs-files/duplicate", share_large_files),
]
