"""Web pages for people: plain HTML and one style sheet, no scripts, nothing from other hosts."""

from local_hub.pages import files, history, index, render, repository, talk, viewer
from local_hub.pages.render import error_page
from local_hub.web import Route

__all__ = ["ROUTES", "error_page"]

_REPO = "/{prefix}{namespace}/{name}"
ROUTES = [
    Route("GET", "/", index.index),
    Route("GET", "/{kind}", index.index),
    Route("GET", "/static/style.css", render.style, tokenless=True),
    Route("GET", "/static/icon.svg", render.icon, tokenless=True),
    Route("GET", _REPO, repository.repository),
    Route("GET", f"{_REPO}/viewer/{{config}}", viewer.viewer),
    Route("GET", f"{_REPO}/tree/{{revision}}", files.tree),
    Route("GET", f"{_REPO}/tree/{{revision}}/{{path}}", files.tree),
    Route("GET", f"{_REPO}/blob/{{revision}}/{{path}}", files.blob),
    Route("GET", f"{_REPO}/commits/{{revision}}", history.commits),
    Route("GET", f"{_REPO}/commit/{{revision}}", history.commit),
    Route("GET", f"{_REPO}/discussions", talk.discussions),
    Route("GET", f"{_REPO}/discussions/{{number}}", talk.discussion),
]
