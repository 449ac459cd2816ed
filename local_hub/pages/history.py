"""Commits: the list of them, and what one of them changed."""

from itertools import islice

from pygit2.enums import SortMode
from starlette.responses import Response

from local_hub.diffs import unified
from local_hub.pages import changes
from local_hub.pages.files import refs
from local_hub.pages.render import repo_page
from local_hub.web import Call

_PAGE = 50


def commits(call: Call) -> Response:
    repo, revision = call.repo(), call.params["revision"]
    head = repo.commit(revision)
    page = call.number("p")
    walk = repo.git.walk(head.id, SortMode.TOPOLOGICAL)
    found = list(islice(walk, page * _PAGE, (page + 1) * _PAGE + 1))
    return repo_page(
        call,
        repo,
        "commits.html",
        "history",
        revision=revision,
        commits=found[:_PAGE],
        page=page,
        more=len(found) > _PAGE,
        refs=refs(repo),
    )


def commit(call: Call) -> Response:
    repo = call.content_repo()
    shown = repo.commit(call.params["revision"])
    parent = shown.parents[0] if shown.parents else None
    title, _, message = shown.message.partition("\n")
    return repo_page(
        call,
        repo,
        "commit.html",
        "history",
        commit=shown,
        title=title,
        message=message.strip(),
        parents=[str(parent.id) for parent in shown.parents],
        changes=changes.parse(unified(repo.git, parent, shown, changes.MAX_SHOWN)),
    )
