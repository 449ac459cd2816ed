"""Routes of an upload: what goes where (`preupload`), and the commit that ends it."""

import base64
import re
import tempfile
from pathlib import Path
from typing import Any

import pygit2
from starlette.responses import JSONResponse, Response

from local_hub import card
from local_hub.commits import branch_ref, commit_changes, is_large_by_name, read_commit
from local_hub.discussions import Requested, open_pull_request, opened_by
from local_hub.errors import HubError
from local_hub.names import checked_path
from local_hub.store import Repo
from local_hub.tree import File, find
from local_hub.web import Call, Route

MAX_TEXT = 10 << 20  # bytes of text that git takes inline; the Hub's own limit


_PULL_REQUEST = re.compile(r"refs/pr/([0-9]{1,9})")


def _target(call: Call) -> Repo:
    """The repository, if the caller may commit there: all who see it may to a pull request that they open."""
    own = _PULL_REQUEST.fullmatch(call.params["revision"])
    shared = call.shared_repo()
    if call.flag("create_pr") or (own and opened_by(shared, call.user, int(own[1]))):
        return shared
    return call.writable_repo()


def preupload(call: Call) -> Response:
    """Per file: its storage, whether .gitignore drops it, and what is there now, so that no-op uploads are skipped."""
    repo = _target(call)
    commit = repo.commit(call.params["revision"])
    asked = call.json()
    entries = asked.get("files")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise HubError(400, "preupload needs `files`, a list of objects")
    paths = [checked_path(entry.get("path")) for entry in entries]
    given = asked.get("gitIgnore")
    rules = given if isinstance(given, str) else _current_ignore_file(repo, commit)
    ignored = ignored_paths(rules, paths, call.store.temporary)
    plans = [_plan(repo, commit, path, entry) for path, entry in zip(paths, entries, strict=True)]
    return JSONResponse({"files": [{**plan, "shouldIgnore": plan["path"] in ignored} for plan in plans]})


def _plan(repo: Repo, commit: pygit2.Commit, path: str, entry: dict[str, Any]) -> dict[str, Any]:
    size = entry.get("size")
    large = is_large_by_name(repo, commit, path) or not isinstance(size, int) or size > MAX_TEXT
    now = find(repo.git, commit, path)
    return {
        "path": path,
        "uploadMode": "lfs" if large or _is_binary(entry.get("sample")) else "regular",
        "oid": now.etag if isinstance(now, File) else None,
    }


def _is_binary(sample: object) -> bool:
    """Whether the file's first bytes are no text: git would keep every version of it whole."""
    try:
        data = base64.b64decode(sample, validate=True) if isinstance(sample, str) else b""
    except ValueError:
        raise HubError(400, "preupload's `sample` is not base64") from None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:  # the sample may end inside a character
            return True
    return b"\0" in data


def _current_ignore_file(repo: Repo, commit: pygit2.Commit) -> str:
    found = find(repo.git, commit, ".gitignore")
    return repo.git[found.oid].data.decode("utf-8", "replace") if isinstance(found, File) else ""


def ignored_paths(rules: str, paths: list[str], temporary: Path | None = None) -> set[str]:
    """Which paths a .gitignore drops, read by git itself in an empty repository."""
    if not rules.strip():
        return set()
    with tempfile.TemporaryDirectory(dir=temporary) as folder:
        git = pygit2.init_repository(folder)
        Path(folder, ".gitignore").write_text(rules, encoding="utf-8")
        return {path for path in paths if git.path_is_ignored(path)}


def commit(call: Call) -> Response:
    repo = _target(call)
    user, revision = call.signed_in(), call.params["revision"]
    header, changes = read_commit(repo, call.body)
    if call.flag("create_pr"):
        request = Requested(title=header.summary, description=header.description, base=revision)
        opened = open_pull_request(repo, user, request, changes=changes, parent=header.parent)
        oid = str(repo.commit(opened.ref).id)
        extra = {"pullRequestUrl": f"{call.endpoint}/{repo.name.url_path}/discussions/{opened.number}"}
    else:
        branch_ref(repo, revision)
        oid = commit_changes(repo, revision, user, header, changes)
        extra = {}
    url = f"{call.endpoint}/{repo.name.url_path}/commit/{oid}"
    return JSONResponse({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": "", **extra})


def validate_yaml(call: Call) -> Response:
    errors = card.errors(str(call.json().get("content", "")))
    body = {"errors": [{"message": message} for message in errors], "warnings": []}
    return JSONResponse(body, status_code=400 if errors else 200)


ROUTES = [
    Route("POST", "/api/{kind}/{namespace}/{name}/preupload/{revision}", preupload),
    Route("POST", "/api/{kind}/{namespace}/{name}/commit/{revision}", commit),
    Route("POST", "/api/validate-yaml", validate_yaml),
]
