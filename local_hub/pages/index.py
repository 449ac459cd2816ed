"""The front page: every repository that the caller may see, newest change first."""

from contextlib import suppress
from dataclasses import dataclass

import pygit2
from starlette.responses import Response

from local_hub.errors import HubError
from local_hub.names import KINDS, RepoName
from local_hub.pages.render import page
from local_hub.store import DEFAULT_BRANCH
from local_hub.web import Call

_SHOWN = 200  # of each kind; a search finds the others


@dataclass(frozen=True)
class Entry:
    name: RepoName
    changed: int
    private: bool
    gated: bool


def index(call: Call) -> Response:
    query = call.query("q").strip()
    wanted = call.params.get("kind", "").removesuffix("s")
    shelves = {kind: _found(call, kind, query.lower()) for kind in KINDS if wanted in ("", kind)}
    shown = {kind: entries[:_SHOWN] for kind, entries in shelves.items()}
    left = {kind: len(entries) - len(shown[kind]) for kind, entries in shelves.items()}
    return page("index.html", call.user, query=query, shelves=shown, left=left)


def _found(call: Call, kind: str, query: str) -> list[Entry]:
    entries = []
    for repo in call.store.all(kind):
        if query not in repo.name.repo_id.lower():
            continue
        with suppress(HubError, KeyError, pygit2.GitError):  # deleted meanwhile
            settings = repo.settings()
            if call.sees(repo):
                changed = repo.commit(DEFAULT_BRANCH).commit_time
                entries.append(Entry(repo.name, changed, bool(settings["private"]), bool(settings["gated"])))
    return sorted(entries, key=lambda entry: (-entry.changed, entry.name))
