"""Pull requests and discussions: `refs/pr/<n>` in git, the talk about them in the repository's settings."""

import secrets
from dataclasses import dataclass
from typing import Any

import pygit2
from starlette.responses import JSONResponse, Response

from local_hub import clock
from local_hub.commits import Delete, Put, advance, apply, branch_ref
from local_hub.diffs import unified
from local_hub.errors import HubError
from local_hub.names import RepoName
from local_hub.store import DEFAULT_BRANCH, Repo
from local_hub.web import Call, Route

_PAGE = 50
_MAX_TITLE = 250
_STATUSES = ("open", "closed")


@dataclass(frozen=True)
class Requested:
    title: str
    description: str = ""
    base: str = DEFAULT_BRANCH
    pull_request: bool = True


@dataclass(frozen=True)
class Opened:
    number: int
    ref: str


def _event(user: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": secrets.token_hex(12),
        "type": kind,
        "createdAt": clock.now(),
        "author": {"name": user},
        "data": data,
    }


def _comment(user: str, text: str) -> dict[str, Any]:
    return _event(user, "comment", {"edited": False, "hidden": False, "latest": {"raw": text}})


def _record(settings: dict[str, Any], user: str, asked: Requested) -> dict[str, Any]:
    known = settings.setdefault("discussions", [])
    record = {
        "num": len(known) + 1,
        "title": asked.title,
        "status": "draft" if asked.pull_request else "open",
        "createdAt": clock.now(),
        "author": {"name": user},
        "isPullRequest": asked.pull_request,
        "base": f"refs/heads/{asked.base}",
        "events": [_comment(user, asked.description)] if asked.description else [],
    }
    known.append(record)
    return dict(record)


def open_pull_request(
    repo: Repo,
    user: str,
    asked: Requested,
    changes: list[Put | Delete] | None = None,
    parent: str | None = None,
) -> Opened:
    """Branch `refs/pr/<n>` off the base (or off `parent`, an older commit of it) and commit `changes` there."""
    with repo.changing_settings() as settings:
        branch_ref(repo, asked.base)
        base = repo.commit(parent or asked.base)
        record = _record(settings, user, asked)
        opened = Opened(record["num"], f"refs/pr/{record['num']}")
        tree = apply(repo, base, changes or [])
        repo.git.create_reference(opened.ref, base.id, force=True)  # one left by a killed request has no record
        if tree != base.tree.id:
            advance(repo, opened.ref, base, tree, user, asked.title, [base.id])
    return opened


def _as_json(name: RepoName, record: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in record.items() if key not in ("events", "base", "mergeCommit")}
    return {**shown, "repo": {"name": name.repo_id, "type": name.kind}, "pinned": False}


def _found(settings: dict[str, Any], number: int) -> dict[str, Any]:
    known: list[dict[str, Any]] = settings.get("discussions", [])
    if not 0 < number <= len(known):
        raise HubError(404, f"there is no discussion {number}")
    return known[number - 1]


def create(call: Call) -> Response:
    repo, user, body = call.shared_repo(), call.signed_in(), call.json()
    title = str(body.get("title", "")).strip()[:_MAX_TITLE]
    if len(title) < 3:
        raise HubError(400, f"title {title!r} is too short; use at least 3 characters")
    asked = Requested(title, str(body.get("description", "")), pull_request=bool(body.get("pullRequest")))
    if asked.pull_request:
        number = open_pull_request(repo, user, asked).number
    else:
        with repo.changing_settings() as settings:
            number = _record(settings, user, asked)["num"]
    url = f"{call.endpoint}/{repo.name.url_path}/discussions/{number}"
    return JSONResponse({"num": number, "pullRequest": asked.pull_request, "url": url})


def listing(call: Call) -> Response:
    repo = call.repo()
    wanted = {"pull_request": (True,), "discussion": (False,)}.get(call.query("type"), (True, False))
    statuses = {"open": ("open", "draft"), "closed": ("closed", "merged")}.get(call.query("status"))
    author = call.query("author")
    found = [
        record
        for record in reversed(repo.settings().get("discussions", []))
        if record["isPullRequest"] in wanted
        and (statuses is None or record["status"] in statuses)
        and (not author or record["author"]["name"] == author)
    ]
    start = call.number("p") * _PAGE
    shown = [_as_json(repo.name, record) for record in found[start : start + _PAGE]]
    return JSONResponse({"discussions": shown, "count": len(found), "start": start})


def details(call: Call) -> Response:
    repo = call.repo()
    record = _found(repo.settings(), int(call.params["number"]))
    answer = {**_as_json(repo.name, record), "events": record["events"]}
    if record["isPullRequest"]:
        answer["changes"] = {"base": record["base"], "mergeCommitId": record.get("mergeCommit")}
        answer["filesWithConflicts"] = _conflicts(repo, record)
        if call.flag("diff"):
            answer["diff"] = pull_request_diff(repo, record)
    return JSONResponse(answer)


def _heads(repo: Repo, record: dict[str, Any]) -> tuple[pygit2.Commit, pygit2.Commit]:
    return repo.commit(record["base"]), repo.commit(f"refs/pr/{record['num']}")


def _conflicts(repo: Repo, record: dict[str, Any]) -> list[str]:
    if record["status"] == "merged":
        return []
    base, head = _heads(repo, record)
    conflicts = repo.git.merge_commits(base, head).conflicts
    return sorted({side.path for triple in conflicts or [] for side in triple if side is not None})


def pull_request_diff(repo: Repo, record: dict[str, Any]) -> str:
    """What the pull request changes, since it left its base; empty once the base is gone."""
    head = repo.commit(f"refs/pr/{record['num']}")
    if record["status"] == "merged":
        base = repo.commit(record["mergeCommit"]).parents[0]
    elif (ref := record["base"]) in repo.git.references:
        base = repo.git.references[ref].peel(pygit2.Commit)
    else:
        return ""
    common = repo.git.merge_base(base.id, head.id)
    return unified(repo.git, repo.git[common] if common else None, head)


def comment(call: Call) -> Response:
    user, text = call.signed_in(), str(call.json().get("comment", ""))
    event = _comment(user, text)
    with call.shared_repo().changing_settings() as settings:
        _found(settings, int(call.params["number"]))["events"].append(event)
    return JSONResponse({"newMessage": event})


def opened_by(repo: Repo, user: str | None, number: int) -> bool:
    known = repo.settings().get("discussions", [])
    return 0 < number <= len(known) and known[number - 1]["author"]["name"] == user


def _own_or_writable(call: Call) -> Repo:
    """The repository, if the caller may change this discussion: whoever opened it, and whoever may write here."""
    repo = call.shared_repo()
    return repo if opened_by(repo, call.user, int(call.params["number"])) else call.writable_repo()


def rename(call: Call) -> Response:
    user, title = call.signed_in(), str(call.json().get("title", "")).strip()[:_MAX_TITLE]
    if len(title) < 3:
        raise HubError(400, f"title {title!r} is too short; use at least 3 characters")
    with _own_or_writable(call).changing_settings() as settings:
        record = _found(settings, int(call.params["number"]))
        event = _event(user, "title-change", {"from": record["title"], "to": title})
        record["events"].append(event)
        record["title"] = title
    return JSONResponse({"newTitle": event})


def change_status(call: Call) -> Response:
    user, body = call.signed_in(), call.json()
    status = body.get("status")
    if status not in _STATUSES:
        raise HubError(400, f"status {str(status)[:80]!r} is unknown; use one of {', '.join(_STATUSES)}")
    with _own_or_writable(call).changing_settings() as settings:
        record = _found(settings, int(call.params["number"]))
        if record["status"] == "merged":
            raise HubError(400, f"pull request {record['num']} is merged and stays so; open another one")
        event = _event(user, "status-change", {"status": status})
        record["events"] += [_comment(user, str(body["comment"]))] if body.get("comment") else []
        record["events"].append(event)
        record["status"] = status
    return JSONResponse({"newStatus": event})


def merge(call: Call) -> Response:
    """Merge with a merge commit; 409 names the files in conflict."""
    repo, user, body = call.writable_repo(), call.signed_in(), call.json()
    with repo.changing_settings() as settings:
        record = _found(settings, int(call.params["number"]))
        if not record["isPullRequest"] or record["status"] not in ("draft", "open"):
            raise HubError(400, f"discussion {record['num']} is no open pull request")
        base, head = _heads(repo, record)
        index = repo.git.merge_commits(base, head)
        if index.conflicts:
            raise HubError(409, f"these files changed on both sides: {', '.join(_conflicts(repo, record))}")
        message = f"{record['title']} (#{record['num']})"
        tree = index.write_tree(repo.git)
        merged = advance(repo, record["base"], base, tree, user, message, [base.id, head.id])
        record["events"] += [_comment(user, str(body["comment"]))] if body.get("comment") else []
        record["events"].append(_event(user, "status-change", {"status": "merged"}))
        record.update(status="merged", mergeCommit=merged)
    return JSONResponse({"status": "merged", "mergeCommit": merged})


_ONE = "/api/{kind}/{namespace}/{name}/discussions/{number}"
ROUTES = [
    Route("POST", "/api/{kind}/{namespace}/{name}/discussions", create),
    Route("GET", "/api/{kind}/{namespace}/{name}/discussions", listing),
    Route("GET", _ONE, details),
    Route("POST", f"{_ONE}/comment", comment),
    Route("POST", f"{_ONE}/title", rename),
    Route("POST", f"{_ONE}/status", change_status),
    Route("POST", f"{_ONE}/merge", merge),
]
