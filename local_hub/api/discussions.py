"""Routes about pull requests and discussions."""

from typing import Any

from starlette.responses import JSONResponse, Response

from local_hub import clock, discussions
from local_hub.discussions import Requested, as_json, comment_event
from local_hub.errors import HubError
from local_hub.store import Repo
from local_hub.web import Call, Route

_PAGE = 50
_MAX_TITLE = 250
_MAX_COMMENT = 64 << 10  # characters; they are kept in the settings, which every list reads
_MAX_EVENTS = 500  # of one discussion
_STATUSES = ("open", "closed")


def _said(body: dict[str, Any], key: str) -> str:
    text = str(body.get(key) or "")
    if len(text) > _MAX_COMMENT:
        raise HubError(413, f"the {key} is longer than {_MAX_COMMENT:,} characters; shorten it")
    return text


def create(call: Call) -> Response:
    repo, user, body = call.shared_repo(), call.signed_in(), call.json()
    title = str(body.get("title", "")).strip()[:_MAX_TITLE]
    if len(title) < 3:
        raise HubError(400, f"title {title!r} is too short; use at least 3 characters")
    asked = Requested(title, _said(body, "description"), pull_request=bool(body.get("pullRequest")))
    if asked.pull_request:
        number = discussions.open_pull_request(repo, user, asked).number
    else:
        with repo.changing_settings() as settings:
            number = discussions.add_record(settings, user, asked)["num"]
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
    shown = [as_json(repo.name, record) for record in found[start : start + _PAGE]]
    return JSONResponse({"discussions": shown, "count": len(found), "start": start})


def details(call: Call) -> Response:
    # A diff shows files, so it takes what reading them takes.
    repo = call.content_repo() if call.flag("diff") else call.repo()
    record = discussions.found(repo.settings(), int(call.params["number"]))
    answer = {**as_json(repo.name, record), "events": record["events"]}
    if record["isPullRequest"]:
        answer["changes"] = {"base": record["base"], "mergeCommitId": record.get("mergeCommit")}
        answer["filesWithConflicts"] = discussions.conflicts(repo, record)
        if call.flag("diff"):
            answer["diff"] = discussions.pull_request_diff(repo, record)
    return JSONResponse(answer)


def comment(call: Call) -> Response:
    user, text = call.signed_in(), _said(call.json(), "comment")
    event = comment_event(user, text)
    with call.shared_repo().changing_settings() as settings:
        events = discussions.found(settings, int(call.params["number"]))["events"]
        if len(events) >= _MAX_EVENTS:
            raise HubError(403, f"this discussion has {_MAX_EVENTS} entries and takes no more; open another one")
        events.append(event)
    return JSONResponse({"newMessage": event})


def change_comment(call: Call) -> Response:
    """`edit` a comment, or `hide` it: whoever wrote it may, and whoever may write to the repository."""
    user, body = call.signed_in(), call.json()
    repo = call.shared_repo()
    with repo.changing_settings() as settings:
        events = discussions.found(settings, int(call.params["number"]))["events"]
        event = next((e for e in events if e["id"] == call.params["comment"] and e["type"] == "comment"), None)
        if event is None:
            raise HubError(404, f"there is no comment {call.params['comment'][:80]!r}")
        if event["author"]["name"] != user and not call.may_write(repo):
            raise HubError(
                403, f"only {event['author']['name']} and the owner of the repository may change that comment"
            )
        data = event["data"]
        if call.params["what"] == "hide":
            kept = {key: value for key, value in data.items() if key != "history"}
            event["data"] = {**kept, "hidden": True, "hiddenBy": user, "latest": {"raw": ""}}
        elif data.get("hidden"):
            raise HubError(400, "that comment is hidden and stays so; write another one")
        else:
            history = [data["latest"], *data.get("history", [])][:10]
            latest = {"raw": _said(body, "content"), "updatedAt": clock.now(), "author": {"name": user}}
            event["data"] = {**data, "edited": True, "latest": latest, "history": history}
    return JSONResponse({"updatedComment": event})


def _own_or_writable(call: Call) -> Repo:
    """The repository, if the caller may change this discussion: whoever opened it, and whoever may write here."""
    repo = call.shared_repo()
    return repo if discussions.opened_by(repo, call.user, int(call.params["number"])) else call.writable_repo()


def rename(call: Call) -> Response:
    user, title = call.signed_in(), str(call.json().get("title", "")).strip()[:_MAX_TITLE]
    if len(title) < 3:
        raise HubError(400, f"title {title!r} is too short; use at least 3 characters")
    with _own_or_writable(call).changing_settings() as settings:
        record = discussions.found(settings, int(call.params["number"]))
        event = discussions.event(user, "title-change", {"from": record["title"], "to": title})
        record["events"].append(event)
        record["title"] = title
    return JSONResponse({"newTitle": event})


def change_status(call: Call) -> Response:
    user, body = call.signed_in(), call.json()
    status = body.get("status")
    if status not in _STATUSES:
        raise HubError(400, f"status {str(status)[:80]!r} is unknown; use one of {', '.join(_STATUSES)}")
    with _own_or_writable(call).changing_settings() as settings:
        record = discussions.found(settings, int(call.params["number"]))
        if record["status"] == "merged":
            raise HubError(400, f"pull request {record['num']} is merged and stays so; open another one")
        event = discussions.event(user, "status-change", {"status": status})
        record["events"] += [comment_event(user, _said(body, "comment"))] if body.get("comment") else []
        record["events"].append(event)
        record["status"] = status
    return JSONResponse({"newStatus": event})


def merge(call: Call) -> Response:
    """Merge with a merge commit; 409 names the files in conflict."""
    repo, user, body = call.writable_repo(), call.signed_in(), call.json()
    with repo.changing_settings() as settings:
        record = discussions.found(settings, int(call.params["number"]))
        if not record["isPullRequest"] or record["status"] not in ("draft", "open"):
            raise HubError(400, f"discussion {record['num']} is no open pull request")
        merged = discussions.landed(repo, record) or discussions.merge(repo, user, record)
        record["events"] += [comment_event(user, _said(body, "comment"))] if body.get("comment") else []
        record["events"].append(discussions.event(user, "status-change", {"status": "merged"}))
        record.update(status="merged", mergeCommit=merged)
    return JSONResponse({"status": "merged", "mergeCommit": merged})


_ONE = "/api/{kind}/{namespace}/{name}/discussions/{number}"
ROUTES = [
    Route("POST", "/api/{kind}/{namespace}/{name}/discussions", create),
    Route("GET", "/api/{kind}/{namespace}/{name}/discussions", listing),
    Route("GET", _ONE, details),
    Route("POST", f"{_ONE}/comment", comment),
    Route("POST", f"{_ONE}/comment/{{comment}}/{{what}}", change_comment),
    Route("POST", f"{_ONE}/title", rename),
    Route("POST", f"{_ONE}/status", change_status),
    Route("POST", f"{_ONE}/merge", merge),
]
