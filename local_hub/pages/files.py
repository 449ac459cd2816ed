"""Folders and files of a revision."""

from dataclasses import dataclass
from itertools import islice

import pygit2
from pygit2.enums import SortMode
from starlette.responses import Response

from local_hub import card
from local_hub.errors import entry_not_found
from local_hub.names import checked_path
from local_hub.pages.markdown import Place, render
from local_hub.pages.render import repo_page
from local_hub.store import Repo
from local_hub.tree import File, Folder, find, last_commits, listing
from local_hub.web import Call

_SHOWN = 500  # entries on a page
_MAX_HISTORY = 200  # commits; beyond, which of them changed a file last takes too long to find out
_MAX_TEXT = 1 << 20
_MAX_REFS = 200
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp", ".ico")


@dataclass(frozen=True)
class Refs:
    branches: list[str]
    tags: list[str]


def refs(repo: Repo) -> Refs:
    names = sorted(repo.git.references)

    def below(prefix: str) -> list[str]:
        return [name.removeprefix(prefix) for name in names if name.startswith(prefix)][:_MAX_REFS]

    return Refs(below("refs/heads/"), below("refs/tags/"))


def tree(call: Call) -> Response:
    repo, revision = call.repo(), call.params["revision"]
    commit = repo.commit(revision)
    path = call.params.get("path", "").strip("/")
    folder = find(repo.git, commit, checked_path(path) if path else "")
    if isinstance(folder, File):
        return blob(call)
    if folder is None:
        raise entry_not_found(path, str(commit.id))
    entries = sorted(listing(repo.git, commit, folder, recursive=False), key=lambda e: isinstance(e, File))
    page = call.number("p")
    shown = entries[page * _SHOWN : (page + 1) * _SHOWN]
    return repo_page(
        call,
        repo,
        "tree.html",
        "files",
        revision=revision,
        path=path,
        commit=commit,
        folders=[entry for entry in shown if isinstance(entry, Folder)],
        files=[entry for entry in shown if isinstance(entry, File)],
        last=_last_commits(repo, commit, shown),
        count=len(entries),
        page=page,
        pages=max(1, -(-len(entries) // _SHOWN)),
        refs=refs(repo),
    )


def _last_commits(repo: Repo, head: pygit2.Commit, entries: list[File | Folder]) -> dict[str, pygit2.Commit]:
    walk = repo.git.walk(head.id, SortMode.TOPOLOGICAL)
    if len(list(islice(walk, _MAX_HISTORY + 1))) > _MAX_HISTORY:
        return {}
    return last_commits(repo.git, head, entries)


def blob(call: Call) -> Response:
    repo, revision = call.content_repo(), call.params["revision"]
    commit = repo.commit(revision)
    path = checked_path(call.params["path"].strip("/"))
    file = find(repo.git, commit, path)
    if isinstance(file, Folder):
        return tree(call)
    if file is None:
        raise entry_not_found(path, str(commit.id))
    text = _text(repo, file)
    markdown = text is not None and path.lower().endswith((".md", ".markdown"))
    rendered = None
    if text is not None and markdown and not call.flag("plain"):
        rendered = render(card.body(text), Place(repo.name.url_path, revision, path.rpartition("/")[0]))
    return repo_page(
        call,
        repo,
        "blob.html",
        "files",
        revision=revision,
        path=path,
        file=file,
        text=text,
        lines=text.count("\n") + (not text.endswith("\n")) if text else 0,
        rendered=rendered,
        markdown=markdown,
        image=path.lower().endswith(_IMAGES),
        refs=refs(repo),
    )


def _text(repo: Repo, file: File) -> str | None:
    """The file as text; None if it is too long for a page, or no text."""
    if file.size > _MAX_TEXT:
        return None
    if file.pointer:
        stored = repo.large_file(file.pointer.sha256)
        data = stored.read_bytes() if stored else b"\0"
    else:
        data = repo.git[file.oid].data
    try:
        return None if b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None
