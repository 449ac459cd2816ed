"""What a person sees who opens the printed address: repositories, files, and the README as plain text."""

from html import escape
from urllib.parse import quote

from starlette.responses import HTMLResponse, Response

from local_hub.names import KINDS
from local_hub.store import DEFAULT_BRANCH
from local_hub.tree import File, files, find
from local_hub.web import Call, Route

_STYLE = "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap}"
_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_SHOWN = 1000  # files on a page


def _page(title: str, body: str) -> Response:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return HTMLResponse(f'<!doctype html><html lang="en">{head}<h1>{escape(title)}</h1>{body}</html>', headers=_POLICY)


def index(call: Call) -> Response:
    sections = []
    for kind in KINDS:
        names = [repo.name for repo in call.store.all(kind) if call.user or not repo.private]
        items = "".join(f'<li><a href="/{quote(name.url_path)}">{escape(name.repo_id)}</a></li>' for name in names)
        sections.append(f"<h2>{kind.capitalize()}s</h2>" + (f"<ul>{items}</ul>" if items else "<p>none yet</p>"))
    return _page("Local Hub", "".join(sections))


def repository(call: Call) -> Response:
    repo = call.repo()
    commit = repo.commit(call.params.get("revision", DEFAULT_BRANCH))
    base = f"/{quote(repo.name.url_path)}/resolve/{commit.id}/"
    readme = find(repo.git, commit, "README.md")
    text = repo.git[readme.oid].data.decode("utf-8", "replace") if isinstance(readme, File) else ""
    found = list(files(repo.git, commit))
    items = "".join(
        f'<li><a href="{base}{quote(file.path)}">{escape(file.path)}</a> {file.size:,} bytes</li>'
        for file in found[:_SHOWN]
    )
    more = f"<p>and {len(found) - _SHOWN:,} more files</p>" if len(found) > _SHOWN else ""
    return _page(repo.name.repo_id, f"<h2>Files</h2><ul>{items}</ul>{more}<h2>README</h2><pre>{escape(text)}</pre>")


ROUTES = [
    Route("GET", "/", index),
    Route("GET", "/{prefix}{namespace}/{name}", repository),
    Route("GET", "/{prefix}{namespace}/{name}/tree/{revision}", repository),
    Route("GET", "/{prefix}{namespace}/{name}/commit/{revision}", repository),
]
