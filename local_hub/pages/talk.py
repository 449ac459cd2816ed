"""Discussions and pull requests."""

from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from local_hub import discussions as records
from local_hub.pages import changes
from local_hub.pages.markdown import Place, render
from local_hub.pages.render import may_read, repo_page
from local_hub.store import DEFAULT_BRANCH
from local_hub.web import Call

_PAGE = 50
_MAX_HTML = 1 << 20  # characters of comments on a page; those that follow are shown as they were written
_MAX_COMMENT = 32 << 10  # characters that are rendered


def discussions(call: Call) -> Response:
    repo = call.repo()
    known = list(reversed(repo.settings().get("discussions", [])))
    page = call.number("p")
    return repo_page(
        call,
        repo,
        "discussions.html",
        "discussions",
        discussions=known[page * _PAGE : (page + 1) * _PAGE],
        page=page,
        more=len(known) > (page + 1) * _PAGE,
    )


def discussion(call: Call) -> Response:
    repo = call.repo()
    record = records.found(repo.settings(), int(call.params["number"]))
    place = Place(repo.name.url_path, DEFAULT_BRANCH)
    page = call.number("p")
    events = record["events"][page * _PAGE : (page + 1) * _PAGE]
    shown = None
    if record["isPullRequest"] and may_read(call):
        shown = changes.parse(records.pull_request_diff(repo, record))
    return repo_page(
        call,
        repo,
        "discussion.html",
        "discussions",
        discussion=record,
        events=_events(events, place),
        page=page,
        more=len(record["events"]) > (page + 1) * _PAGE,
        changes=shown,
    )


def _events(events: list[dict[str, Any]], place: Place) -> list[dict[str, Any]]:
    shown, length = [], 0
    for event in events:
        shown.append(_event(event, place, plain=length > _MAX_HTML))
        length += len(shown[-1]["html"] or "")
    return shown


def _event(event: dict[str, Any], place: Place, *, plain: bool) -> dict[str, Any]:
    """An event for the template: who, when, and either `html` or the `line` that says what happened."""
    data = event["data"]
    shown: dict[str, Any] = {"author": event["author"]["name"], "at": event["createdAt"], "html": None, "line": ""}
    match event["type"]:
        case "comment" if data.get("hidden"):
            shown["line"] = "wrote a comment that is hidden"
        case "comment":
            text = str(data["latest"]["raw"])
            cut = text if len(text) <= _MAX_COMMENT else text[:_MAX_COMMENT] + "\n\n…"
            html = Markup('<pre tabindex="0">{}</pre>').format(cut) if plain else render(cut, place)
            shown |= {"html": html, "edited": bool(data.get("edited"))}
        case "title-change":
            shown["line"] = f"changed the title from “{data['from']}” to “{data['to']}”"
        case "status-change":
            shown["line"] = f"changed the status to {data['status']}"
        case other:
            shown["line"] = str(other)
    return shown
