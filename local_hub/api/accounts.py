"""Routes about who calls: the account, users and organisations, and access to gated repositories."""

import json
import secrets
from contextlib import suppress
from typing import Any

from starlette.responses import JSONResponse, RedirectResponse, Response

from local_hub import clock
from local_hub.accounts import ADMIN
from local_hub.errors import HubError
from local_hub.names import KINDS
from local_hub.store import Repo, Store
from local_hub.web import Call, Route

_STATUSES = ("pending", "accepted", "rejected")
_MAX_FIELDS = 8 << 10  # characters; kept in the settings, which every list reads


def agent_harnesses(call: Call) -> Response:
    """Asked by every client process. This very shape: clients cache it for a day and crash on any other."""
    return JSONResponse({"standardEnvVars": [], "harnesses": {}})


def whoami(call: Call) -> Response:
    user = call.signed_in()
    assert call.account is not None
    # The person whose machine this is writes everywhere, so every namespace that is no user's is theirs.
    names = _organisations(call.store) if user == ADMIN else call.account.orgs
    orgs = [{"type": "org", "name": name, "fullname": name} for name in sorted(names)]
    access = {
        "type": "access_token",
        "accessToken": {"displayName": call.account.token, "role": call.account.role},
    }
    return JSONResponse({"type": "user", "id": user, "name": user, "fullname": user, "orgs": orgs, "auth": access})


def _organisations(store: Store) -> set[str]:
    named = {org for record in store.tokens.all() for org in record.orgs}
    return (store.namespaces() | named) - store.users()


def login(call: Call) -> Response:
    """How a browser signs in: it asks its user for a name and a password, which is a token of this Hub."""
    if call.account is None:
        raise HubError(401, "sign in with any name, and a token of this Hub as the password")
    return RedirectResponse("/", status_code=303)


def user_overview(call: Call) -> Response:
    name = call.params["name"]
    if name not in call.store.users():
        raise HubError(404, f"there is no user {name[:80]!r} here")
    counts = {f"num{kind.capitalize()}s": _count(call, kind, name) for kind in KINDS}
    named = {org for record in call.store.tokens.all() if record.user == name for org in record.orgs}
    orgs = [{"name": org, "fullname": org} for org in sorted(named)]
    return JSONResponse({"user": name, "fullname": name, "type": "user", "orgs": orgs, "isPro": False, **counts})


def organisation_overview(call: Call) -> Response:
    name = call.params["name"]
    counts = {f"num{kind.capitalize()}s": _count(call, kind, name) for kind in KINDS}
    # A namespace of private repositories alone is nobody else's to know of.
    known = any(counts.values()) or _members(call, name) or (call.account and call.account.belongs_to(name))
    if name not in _organisations(call.store) or not known:
        raise HubError(404, f"there is no organisation {name[:80]!r} here")
    return JSONResponse(
        {"name": name, "fullname": name, "type": "org", "numUsers": len(_members(call, name)), **counts}
    )


def _count(call: Call, kind: str, namespace: str) -> int:
    count = 0
    for repo in call.store.all(kind):
        with suppress(HubError):  # deleted meanwhile
            count += repo.name.namespace == namespace and call.sees(repo)
    return count


def _members(call: Call, organisation: str) -> list[str]:
    return sorted({record.user for record in call.store.tokens.all() if organisation in record.orgs})


def members(call: Call) -> Response:
    call.signed_in()
    return JSONResponse(
        [{"user": name, "fullname": name, "type": "user"} for name in _members(call, call.params["name"])]
    )


def auth_check(call: Call) -> Response:
    (call.writable_repo if call.request.url.path.endswith("/write") else call.content_repo)()
    return JSONResponse({})


def ask_access(call: Call) -> Response:
    """What the button on a gated repository's page does on the Hub. `auto` grants at once, `manual` waits."""
    user, repo = call.signed_in(), call.repo()
    gated = repo.settings()["gated"]
    if not gated:
        raise HubError(400, f"{repo.name.repo_id} is not gated; read it as it is")
    fields = call.json() if call.request.headers.get("content-type", "").startswith("application/json") else {}
    if len(json.dumps(fields)) > _MAX_FIELDS:
        raise HubError(413, f"the fields are longer than {_MAX_FIELDS:,} characters; shorten them")
    with repo.changing_settings() as settings:
        requests = settings.setdefault("access", {})
        if user not in requests:
            requests[user] = _request("accepted" if gated == "auto" else "pending", fields)
        return JSONResponse({"status": requests[user]["status"]})


def _request(status: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"requestId": secrets.token_hex(12), "status": status, "timestamp": clock.now(), "fields": fields or None}


def _gated(call: Call) -> Repo:
    """The gated repository of this path, if the caller decides who reads it."""
    repo = call.writable_repo()
    if not repo.settings()["gated"]:
        raise HubError(400, f"{repo.name.repo_id} is not gated; set that in its settings first")
    return repo


def access_requests(call: Call) -> Response:
    repo, status = _gated(call), call.params["status"]
    if status not in _STATUSES:
        raise HubError(404, f"status {status[:80]!r} is unknown; use one of {', '.join(_STATUSES)}")
    requests = repo.settings().get("access", {}).items()
    return JSONResponse(
        [
            {**request, "user": {"user": user, "fullname": user}}
            for user, request in requests
            if request["status"] == status
        ]
    )


def handle_access(call: Call) -> Response:
    repo, body = _gated(call), call.json()
    status = body.get("status")
    if status not in _STATUSES:
        raise HubError(400, f"status {str(status)[:80]!r} is unknown; use one of {', '.join(_STATUSES)}")
    with repo.changing_settings() as settings:
        requests = settings.get("access", {})
        chosen = [
            user
            for user, request in requests.items()
            if body.get("user") == user or (body.get("requestId") and body["requestId"] == request["requestId"])
        ]
        if not chosen:
            raise HubError(404, "there is no such access request; the user must ask first, or be granted access")
        if requests[chosen[0]]["status"] == status:
            raise HubError(404, f"the access request of {chosen[0]} is {status} already")
        requests[chosen[0]] |= {"status": status, "rejectionReason": body.get("rejectionReason")}
    return JSONResponse({})


def grant_access(call: Call) -> Response:
    repo, user = _gated(call), call.json().get("user")
    if not isinstance(user, str) or user not in call.store.users():
        raise HubError(404, f"there is no user {str(user)[:80]!r} here")
    with repo.changing_settings() as settings:
        requests = settings.setdefault("access", {})
        if requests.get(user, {}).get("status") == "accepted":
            raise HubError(400, f"{user} has access already")
        requests[user] = _request("accepted")
    return JSONResponse({})


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES = [
    Route("GET", "/api/agent-harnesses", agent_harnesses, tokenless=True),
    Route("GET", "/api/whoami-v2", whoami),
    Route("GET", "/login", login),
    Route("GET", "/api/users/{name}/overview", user_overview),
    Route("GET", "/api/organizations/{name}/overview", organisation_overview),
    Route("GET", "/api/organizations/{name}/members", members),
    Route("GET", f"{_REPO}/auth-check", auth_check),
    Route("GET", f"{_REPO}/auth-check/write", auth_check),
    Route("POST", "/{prefix}{namespace}/{name}/ask-access", ask_access),
    Route("GET", f"{_REPO}/user-access-request/{{status}}", access_requests),
    Route("POST", f"{_REPO}/user-access-request/handle", handle_access),
    Route("POST", f"{_REPO}/user-access-request/grant", grant_access),
]
