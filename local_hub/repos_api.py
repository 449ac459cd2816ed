"""Routes about whole repositories: create, delete, move, settings, list, info; and who the caller is."""

from typing import Any
from urllib.parse import parse_qs

import yaml
from starlette.responses import JSONResponse, Response

from local_hub import clock
from local_hub.auth import USER
from local_hub.errors import HubError, entry_not_found
from local_hub.names import RepoName, checked_path
from local_hub.store import DEFAULT_BRANCH, Repo
from local_hub.tree import File, Folder, as_json, files, find, last_commits, listing
from local_hub.web import Call, Route

_GATES = (False, "auto", "manual")


def agent_harnesses(call: Call) -> Response:
    """Asked by every client process. This very shape: clients cache it for a day and crash on any other."""
    return JSONResponse({"standardEnvVars": [], "harnesses": {}})


def whoami(call: Call) -> Response:
    user = call.signed_in()
    orgs = [{"type": "org", "name": name, "fullname": name} for name in sorted(call.store.namespaces() - {USER})]
    access = {"type": "access_token", "accessToken": {"displayName": user, "role": "write"}}
    return JSONResponse(
        {"type": "user", "id": user, "name": user, "fullname": "Local user", "orgs": orgs, "auth": access}
    )


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
    user, body = call.signed_in(), call.json()
    name = _body_name(body, user)
    settings: dict[str, Any] = {"private": bool(_private(body))}
    if name.kind == "space":
        settings["sdk"] = str(body.get("sdk") or "static")
    answer = {"url": f"{call.endpoint}/{name.url_path}", "name": name.repo_id, "id": name.repo_id}
    if call.store.create(name, user, settings):
        return JSONResponse(answer)
    message = f"You already created this {name.kind} repo"
    return JSONResponse({"error": message, **answer}, status_code=409, headers={"X-Error-Message": message})


def delete(call: Call) -> Response:
    user = call.signed_in()
    call.store.delete(_body_name(call.json(), user))
    return Response("OK")


def move(call: Call) -> Response:
    call.signed_in()
    body = call.json()
    kind = str(body.get("type") or "model")
    call.store.move(RepoName.parse(kind, str(body.get("fromRepo"))), RepoName.parse(kind, str(body.get("toRepo"))))
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
    readme = find(repo.git, repo.commit(revision), "README.md")
    if not isinstance(readme, File) or readme.pointer:
        return {}
    text = repo.git[readme.oid].data.decode("utf-8", "replace")
    if not text.startswith("---"):
        return {}
    try:
        loaded = yaml.safe_load(text.removeprefix("---").partition("\n---")[0])
    except yaml.YAMLError:
        return {}
    # YAML has dates and non-string keys, JSON has not.
    return {str(key): _plain(value) for key, value in loaded.items()} if isinstance(loaded, dict) else {}


def _plain(value: object) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case str() | bool() | int() | float() | None:
            return value
        case _:
            return str(value)


def _tags(card: dict[str, Any]) -> list[str]:
    def words(key: str) -> list[str]:
        value = card.get(key)
        return [str(item) for item in value] if isinstance(value, list) else [] if value is None else [str(value)]

    plain = words("tags") + words("library_name") + words("pipeline_tag") + words("language")
    return plain + [f"{key}:{word}" for key in ("license", "base_model", "datasets") for word in words(key)]


def describe(repo: Repo, revision: str, *, siblings: bool, blobs: bool = False) -> dict[str, Any]:
    """A repository as `repo_info` and the lists answer it."""
    commit = repo.commit(revision)
    settings, card = repo.settings(), card_data(repo, str(commit.id))
    answer: dict[str, Any] = {
        "_id": str(repo.git.revparse_single(DEFAULT_BRANCH).id)[:24],
        "id": repo.name.repo_id,
        "author": repo.name.namespace,
        "sha": str(commit.id),
        "private": settings["private"],
        "gated": settings["gated"],
        "disabled": False,
        "createdAt": settings["created"],
        "lastModified": clock.at(commit.commit_time),
        "tags": _tags(card),
        "downloads": 0,
        "likes": 0,
    }
    if repo.name.kind == "model":
        answer["modelId"] = repo.name.repo_id
        answer |= {key: card[key] for key in ("library_name", "pipeline_tag") if isinstance(card.get(key), str)}
    if repo.name.kind == "space":
        answer["sdk"] = settings.get("sdk")
    if siblings:
        answer["cardData"] = card or None
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
    tags = set(call.request.query_params.getlist("filter"))
    found = []
    for repo in call.store.all(call.params["kind"].removesuffix("s")):
        if (repo.private and call.user is None) or author not in ("", repo.name.namespace):
            continue
        if search in repo.name.repo_id.lower():
            answer = describe(repo, DEFAULT_BRANCH, siblings=call.flag("full"))
            if tags <= set(answer["tags"]):
                found.append(answer)
    found.sort(key=lambda answer: answer["lastModified"], reverse=True)
    limit = call.query("limit")
    return JSONResponse(found[: int(limit)] if limit.isdecimal() else found)


def info(call: Call) -> Response:
    repo = call.repo()
    revision = call.params.get("revision", DEFAULT_BRANCH)
    return JSONResponse(describe(repo, revision, siblings=True, blobs=call.flag("blobs")))


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
        form = parse_qs(call.body.read().decode())
    except UnicodeDecodeError:
        raise HubError(400, "paths-info takes a form with `paths` and `expand`, in UTF-8") from None
    found = [find(repo.git, commit, checked_path(path.strip("/"))) for path in form.get("paths", [])]
    entries = [entry for entry in found if entry is not None]
    expand = form.get("expand", [""])[0].lower() in ("1", "true")
    last = last_commits(repo.git, commit, entries) if expand else {}
    return JSONResponse([as_json(entry, last.get(entry.path)) for entry in entries])


def auth_check(call: Call) -> Response:
    (call.writable_repo if call.request.url.path.endswith("/write") else call.content_repo)()
    return JSONResponse({})


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES = [
    Route("GET", "/api/agent-harnesses", agent_harnesses, tokenless=True),
    Route("GET", "/api/whoami-v2", whoami),
    Route("POST", "/api/repos/create", create),
    Route("DELETE", "/api/repos/delete", delete),
    Route("POST", "/api/repos/move", move),
    Route("GET", "/api/{kind}", list_repos),
    Route("GET", _REPO, info),
    Route("GET", f"{_REPO}/revision/{{revision}}", info),
    Route("PUT", f"{_REPO}/settings", change_settings),
    Route("GET", f"{_REPO}/tree/{{revision}}", tree),
    Route("GET", f"{_REPO}/tree/{{revision}}/{{path}}", tree),
    Route("POST", f"{_REPO}/paths-info/{{revision}}", paths_info),
    Route("GET", f"{_REPO}/auth-check", auth_check),
    Route("GET", f"{_REPO}/auth-check/write", auth_check),
]
