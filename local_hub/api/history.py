"""Routes about commits: the list of them, what they changed, and squashing."""

from typing import Any

import pygit2
from pygit2.enums import SortMode
from starlette.responses import JSONResponse, PlainTextResponse, Response

from local_hub import clock
from local_hub.diffs import unified
from local_hub.errors import HubError
from local_hub.rewrite import squash
from local_hub.web import Call, Route

_PAGE = 1000


def commits(call: Call) -> Response:
    repo = call.repo()
    head = repo.commit(call.params["revision"])
    shown, headers = call.paged(repo.git.walk(head.id, SortMode.TOPOLOGICAL), _PAGE)
    return JSONResponse([_commit_json(commit) for commit in shown], headers=headers)


def _commit_json(commit: pygit2.Commit) -> dict[str, Any]:
    title, _, message = commit.message.partition("\n")
    return {
        "id": str(commit.id),
        "title": title,
        "message": message.strip(),
        "date": clock.at(commit.commit_time),
        "authors": [{"user": commit.author.name}],
    }


def compare(call: Call) -> Response:
    """The diff of one commit (`<revision>`) or between two (`<revision>..<revision>`); text with `raw=1`."""
    repo = call.content_repo()
    old, dots, new = call.params["spec"].partition("..")
    if not dots:
        head = repo.commit(old)
        base = head.parents[0] if head.parents else None
    else:
        base, head = repo.commit(old), repo.commit(new.removeprefix("."))
        if new.startswith("."):  # three dots: since the two parted
            common = repo.git.merge_base(base.id, head.id)
            base = repo.git[common] if common else base
    text = unified(repo.git, base, head)
    if call.flag("raw"):
        return PlainTextResponse(text)
    return JSONResponse({"base": str(base.id) if base else None, "head": str(head.id), "diff": text})


def super_squash(call: Call) -> Response:
    repo = call.writable_repo()
    branch = call.params["revision"]
    message = call.json().get("message") or f"Super-squash branch '{branch}'"
    if not isinstance(message, str) or "\0" in message:
        raise HubError(400, "the commit `message` must be text")
    return JSONResponse({"commitOid": squash(repo, branch, call.signed_in(), message)})


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES = [
    Route("GET", f"{_REPO}/commits/{{revision}}", commits),
    Route("GET", f"{_REPO}/compare/{{spec}}", compare),
    Route("POST", f"{_REPO}/super-squash/{{revision}}", super_squash),
]
