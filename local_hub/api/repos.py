"""Routes about whole repositories: create, delete, move, duplicate, settings, list, info."""

from contextlib import suppress
from typing import Any

import pygit2
from starlette.responses import JSONResponse, Response

from local_hub import card, clock
from local_hub.api.spaces import set_entry, state_of
from local_hub.errors import HubError
from local_hub.names import RepoName
from local_hub.store import DEFAULT_BRANCH, Repo
from local_hub.tree import File, files, readme
from local_hub.web import Call, Route

_GATES = (False, "auto", "manual")


def _private(body: dict[str, Any]) -> bool | None:
    """What the body says about visibility, in either of the two ways that clients say it."""
    if "visibility" in body:
        if body["visibility"] not in ("public", "private", "protected"):
            raise HubError(400, f"visibility {body['visibility']!r} is unknown; use public or private")
        return bool(body["visibility"] != "public")
    return bool(body["private"]) if body.get("private") is not None else None


def _body_name(body: dict[str, Any], user: str) -> RepoName:
    kind, name = body.get("type") or "model", body.get("name")
    if not isinstance(kind, str) or not isinstance(name, str):
        raise HubError(400, "this needs `name` (and `type`, for anything but a model) as strings")
    return RepoName.parse(kind, name if "/" in name else f"{body.get('organization') or user}/{name}")


def create(call: Call) -> Response:
    body = call.json()
    name = _body_name(body, call.signed_in())
    user = call.writes_in(name.namespace)
    settings: dict[str, Any] = {"private": bool(_private(body))}
    if name.kind == "space":
        settings["sdk"] = str(body.get("sdk") or "static")
        settings["hardware"], settings["sleepTime"] = body.get("hardware"), body.get("sleepTimeSeconds")
    answer = {"url": f"{call.endpoint}/{name.url_path}", "name": name.repo_id, "id": name.repo_id}
    if call.store.create(name, user, settings):
        if name.kind == "space":
            _furnish(call.store.open(name), body)
        return JSONResponse(answer)
    return _taken(f"You already created this {name.kind} repo", answer)


def _furnish(space: Repo, body: dict[str, Any]) -> None:
    """The secrets and variables that a new Space comes with."""
    for shelf in ("secrets", "variables"):
        given = body.get(shelf)
        for entry in given if isinstance(given, list) else []:
            set_entry(space, shelf, entry if isinstance(entry, dict) else {})


def _taken(message: str, answer: dict[str, Any]) -> Response:
    """A 409 that names the repository that is there: with `exist_ok`, clients go on with its `url`."""
    return JSONResponse({"error": message, **answer}, status_code=409, headers={"X-Error-Message": message})


def without_namespace(call: Call) -> Response:
    raise HubError(404, f"Repository {call.params['name'][:80]} not found: write namespace/name", "RepoNotFound")


def delete(call: Call) -> Response:
    name = _writable(call, _body_name(call.json(), call.signed_in()))
    call.store.delete(name)
    _end_space(call, name)
    return Response("OK")


def _end_space(call: Call, name: RepoName) -> None:
    if call.store.runner is not None and name.kind == "space":
        call.store.runner.forget(name)


def _writable(call: Call, name: RepoName) -> RepoName:
    """`name`, if there is such a repository and the caller may change it."""
    call.params |= {"kind": f"{name.kind}s", "namespace": name.namespace, "name": name.name}
    return call.writable_repo().name


def move(call: Call) -> Response:
    call.signed_in()
    body = call.json()
    kind = str(body.get("type") or "model")
    target = RepoName.parse(kind, str(body.get("toRepo")))
    call.writes_in(target.namespace)
    source = _writable(call, RepoName.parse(kind, str(body.get("fromRepo"))))
    call.store.move(source, target)
    _end_space(call, source)
    if call.store.runner is not None and target.kind == "space":
        call.store.runner.changed(call.store.open(target))
    return Response("OK")


def change_settings(call: Call) -> Response:
    repo, body = call.writable_repo(), call.json()
    if body.get("gated", False) not in _GATES:
        raise HubError(400, f"gated {body['gated']!r} is unknown; use auto, manual or false")
    with repo.changing_settings() as settings:
        private = _private(body)
        if private is not None:
            settings["private"] = private
        if "gated" in body:
            settings["gated"] = body["gated"]
    return JSONResponse({"private": settings["private"], "gated": settings["gated"]})


def card_data(repo: Repo, revision: str) -> dict[str, Any]:
    """The YAML header of the README, or nothing where it is absent or broken."""
    return card.data(readme(repo.git, repo.commit(revision)))


def describe(repo: Repo, revision: str, *, siblings: bool, blobs: bool = False) -> dict[str, Any]:
    """A repository as `repo_info` and the lists answer it."""
    commit = repo.commit(revision)
    settings, about = repo.settings(), card_data(repo, str(commit.id))
    answer: dict[str, Any] = {
        "_id": str(repo.git.revparse_single(DEFAULT_BRANCH).id)[:24],
        "id": repo.name.repo_id,
        "author": repo.name.namespace,
        "sha": str(commit.id),
        "private": settings["private"],
        "gated": settings["gated"],
        "disabled": False,
        "createdAt": settings["created"],
        # Git counts whole seconds: the first commit would be older than the repository.
        "lastModified": max(settings["created"], clock.at(commit.commit_time)),
        "tags": card.tags(about),
        "downloads": 0,
        "likes": 0,
    }
    if repo.name.kind == "model":
        answer["modelId"] = repo.name.repo_id
        answer |= {key: about[key] for key in ("library_name", "pipeline_tag") if isinstance(about.get(key), str)}
    if repo.name.kind == "space":
        answer["sdk"] = about.get("sdk") or settings.get("sdk")
        if (state := state_of(repo)).url:
            answer["host"] = state.url  # where gradio_client goes
    if siblings:
        answer["cardData"] = about or None
        answer["siblings"] = [_sibling(file, blobs) for file in files(repo.git, commit)]
    return answer


def _sibling(file: File, blobs: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"rfilename": file.path}
    if blobs:
        answer |= {"size": file.size, "blobId": file.oid}
        if file.pointer:
            answer["lfs"] = {"sha256": file.pointer.sha256, "size": file.size, "pointerSize": file.git_size}
    return answer


def list_repos(call: Call) -> Response:
    """`author`, `search` and `filter` narrow the list; newest change first, as the Hub has it."""
    author, search = call.query("author"), call.query("search").lower()
    wanted = set(call.request.query_params.getlist("filter"))
    found = []
    for repo in call.store.all(call.params["kind"].removesuffix("s")):
        if author not in ("", repo.name.namespace) or search not in repo.name.repo_id.lower():
            continue
        with suppress(HubError, KeyError, pygit2.GitError):  # deleted meanwhile
            if call.sees(repo):
                answer = describe(repo, DEFAULT_BRANCH, siblings=call.flag("full"))
                if wanted <= set(answer["tags"]):
                    found.append(answer)
    found.sort(key=lambda answer: answer["lastModified"], reverse=True)
    return JSONResponse(found[: call.number("limit") or None])


def info(call: Call) -> Response:
    repo = call.repo()
    revision = call.params.get("revision", DEFAULT_BRANCH)
    return JSONResponse(describe(repo, revision, siblings=True, blobs=call.flag("blobs")))


def duplicate(call: Call) -> Response:
    """A copy with the whole history, as `duplicate_repo` asks for it; discussions and access stay behind."""
    source, body = call.content_repo(), call.json()
    target = RepoName.parse(source.name.kind, str(body.get("repository")))
    user = call.writes_in(target.namespace)
    settings: dict[str, Any] = {"private": source.private if (wanted := _private(body)) is None else wanted}
    if source.name.kind == "space":
        settings["sdk"] = source.settings().get("sdk")
        settings["hardware"], settings["sleepTime"] = body.get("hardware"), body.get("sleepTimeSeconds")
    answer = {"url": f"{call.endpoint}/{target.url_path}", "name": target.repo_id, "filesCopyPending": False}
    if not call.store.create(target, user, settings, copied=source):
        return _taken(f"{target.repo_id} exists already; choose another name or delete it first", answer)
    if target.kind == "space":
        copy = call.store.open(target)
        _furnish(copy, body)
        if call.store.runner is not None:
            call.store.runner.changed(copy)
    return JSONResponse(answer)


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES = [
    Route("POST", "/api/repos/create", create),
    Route("DELETE", "/api/repos/delete", delete),
    Route("POST", "/api/repos/move", move),
    Route("GET", "/api/{kind}", list_repos),
    Route("GET", _REPO, info),
    Route("GET", f"{_REPO}/revision/{{revision}}", info),
    Route("PUT", f"{_REPO}/settings", change_settings),
    Route("POST", f"{_REPO}/duplicate", duplicate),
]
