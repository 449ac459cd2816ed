"""Commits: newline-delimited JSON in, one git commit out, all of it or nothing."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pygit2
from pygit2.enums import AttrCheck, FileMode

from local_hub.blobs import SHA256
from local_hub.errors import HubError, entry_not_found, revision_not_found
from local_hub.loose import Blobs, writing
from local_hub.names import checked_path
from local_hub.payload import parse_object
from local_hub.store import DEFAULT_BRANCH, Repo, signature
from local_hub.tree import Folder, Pointer, find, parse_pointer

MAX_LINE = 32 << 20  # one small file in base64; the clients send what is above 10 MB as a large file
ATTRIBUTES = ".gitattributes"
_MAX_ATTRIBUTES_LINE = 2000  # bytes; git ignores longer lines, and git fsck refuses them
_COMMIT_ID = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class Header:
    summary: str
    description: str
    parent: str | None

    @property
    def message(self) -> str:
        return f"{self.summary}\n\n{self.description}" if self.description else self.summary


@dataclass(frozen=True)
class Put:
    """A file whose git object (itself, or its pointer) is written already."""

    path: str
    oid: pygit2.Oid
    large: bool


@dataclass(frozen=True)
class Delete:
    path: str
    folder: bool


def read_lines(body: BinaryIO) -> Iterator[tuple[str, dict[str, Any]]]:
    """The (key, value) of each line."""
    while line := body.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise HubError(413, f"a line of the commit is above {MAX_LINE} bytes; send that file as a large file")
        if not line.strip():
            continue
        item = parse_object(line, "a line of the commit")
        match item:
            case {"key": str(key), "value": dict(value)}:
                yield key, value
            case _:
                raise HubError(400, f"the commit has a line that is no {{key, value}} object: {line[:80]!r}")


def read_commit(repo: Repo, body: BinaryIO) -> tuple[Header, list[Put | Delete]]:
    """Check every line, and write the objects that the commit will name; no ref moves yet."""
    header: Header | None = None
    changes: list[Put | Delete] = []
    with writing(repo.git, repo.store.temporary) as blobs:
        for key, value in read_lines(body):
            if key == "header":
                header = _header(value)
            else:
                changes.append(_change(repo, blobs, key, value))
    if header is None:
        raise HubError(400, "the commit has no header line")
    return header, changes


def _change(repo: Repo, blobs: Blobs, key: str, value: dict[str, Any]) -> Put | Delete:
    given = value.get("path")
    match key:
        case "file":
            path, content = checked_path(given), _content(value)
            _check_attributes(path, content)
            named = parse_pointer(content)
            if named is not None and not (repo.owns(named.sha256) and repo.blobs.size(named.sha256) == named.size):
                raise HubError(400, f"file {path!r} points to {named}, which is not uploaded with that size")
            return Put(path, blobs.add(content), large=False)
        case "lfsFile":
            path = checked_path(given)
            return Put(path, blobs.add(_pointer(repo, path, value).encode()), large=True)
        case "deletedFile":
            return Delete(checked_path(given), folder=False)
        case "deletedFolder":
            return Delete(checked_path(given.rstrip("/") if isinstance(given, str) else given), folder=True)
        case _:
            raise HubError(400, f"the commit has an unknown operation {key[:80]!r}")


def _header(value: dict[str, Any]) -> Header:
    parts = [value.get(name) or "" for name in ("summary", "description", "parentCommit")]
    if not all(isinstance(part, str) for part in parts):
        raise HubError(400, "the commit header must hold strings")
    summary, description, parent = (part.replace("\0", "") for part in parts)
    if parent and not _COMMIT_ID.fullmatch(parent):
        raise HubError(400, f"parentCommit {parent[:80]!r} is no commit id; give at least its first 7 hex digits")
    return Header(summary.strip() or "Update files", description, parent or None)


def _check_attributes(path: str, content: bytes) -> None:
    is_attributes = path.rpartition("/")[2].lower() == ATTRIBUTES
    if is_attributes and any(len(line) > _MAX_ATTRIBUTES_LINE for line in content.split(b"\n")):
        raise HubError(400, f"{path!r} has a line above {_MAX_ATTRIBUTES_LINE:,} bytes, which git does not read")


def _content(value: dict[str, Any]) -> bytes:
    content = value.get("content")
    if not isinstance(content, str):
        raise HubError(400, f"file {value.get('path')!r} has no content")
    if value.get("encoding", "utf-8") != "base64":
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        raise HubError(400, f"file {value.get('path')!r} is not base64: {error}") from None


def _pointer(repo: Repo, path: str, value: dict[str, Any]) -> Pointer:
    oid = value.get("oid")
    if value.get("algo", "sha256") != "sha256" or not isinstance(oid, str) or not SHA256.fullmatch(oid):
        raise HubError(400, f"large file {path!r} needs algo sha256 and its oid in lower-case hex")
    size = repo.blobs.size(oid)
    if size is None or not repo.owns(oid):
        raise HubError(400, f"large file {path!r} ({oid}) is not uploaded; upload it before the commit")
    if value.get("size") not in (None, size):
        raise HubError(400, f"large file {path!r} has {size} bytes here, not {value['size']}; upload it again")
    return Pointer(oid, size)


def apply(repo: Repo, base: pygit2.Commit, changes: list[Put | Delete]) -> pygit2.Oid:
    """The tree after `changes`, in their order."""
    index = pygit2.Index()
    index.read_tree(base.tree)
    for change in changes:
        if isinstance(change, Put):
            index.add(pygit2.IndexEntry(change.path, change.oid, FileMode.BLOB))
        elif change.folder:
            if not isinstance(find(repo.git, base, change.path), Folder):
                raise entry_not_found(change.path, str(base.id))
            index.remove_directory(change.path)
        else:
            if change.path not in index:
                raise entry_not_found(change.path, str(base.id))
            index.remove(change.path)
    _mark_large(repo, base, index, [change.path for change in changes if isinstance(change, Put) and change.large])
    return index.write_tree(repo.git)


def is_large_by_name(repo: Repo, commit: pygit2.Commit, path: str) -> bool:
    """Whether the commit's .gitattributes sends `path` to large-file storage."""
    flags = AttrCheck.INDEX_ONLY | AttrCheck.NO_SYSTEM | AttrCheck.INCLUDE_COMMIT
    return bool(repo.git.get_attr(path, "filter", flags, commit.id) == "lfs")


def _mark_large(repo: Repo, base: pygit2.Commit, index: pygit2.Index, paths: list[str]) -> None:
    """Name large files in .gitattributes where no pattern does, so that a git clone with LFS fetches them."""
    unnamed = [path for path in paths if not is_large_by_name(repo, base, path)]
    if not unnamed:
        return
    old = repo.git[index[ATTRIBUTES].id].data.decode("utf-8", "replace") if ATTRIBUTES in index else ""
    known = set(old.splitlines())
    lines = [f"{_escaped(path)} filter=lfs diff=lfs merge=lfs -text" for path in unnamed]
    if too_long := next(
        (path for path, line in zip(unnamed, lines, strict=True) if len(line.encode()) > _MAX_ATTRIBUTES_LINE), None
    ):
        raise HubError(400, f"path {too_long[:80]!r} is too long for a large file in .gitattributes; shorten it")
    added = [line for line in dict.fromkeys(lines) if line not in known]
    text = (old if not old or old.endswith("\n") else old + "\n") + "".join(f"{line}\n" for line in added)
    index.add(pygit2.IndexEntry(ATTRIBUTES, repo.git.create_blob(text.encode()), FileMode.BLOB))


def _escaped(path: str) -> str:
    quoted = "".join(f"\\{c}" if c in '*?[]\\!#"' else c for c in path)
    return "/" + quoted.replace(" ", "[[:space:]]")  # the slash keeps a bare name from matching in every folder


def commit_changes(repo: Repo, revision: str, user: str, header: Header, changes: list[Put | Delete]) -> str:
    """Move a branch by one commit and return its id, or the old id if nothing changes.

    412 when the branch has left `header.parent`. Without a parent, commits queue and each applies to the newest tree.
    """
    with repo.lock:
        ref = branch_ref(repo, revision)
        head = repo.git.references[ref].peel(pygit2.Commit)
        if header.parent is not None and not str(head.id).startswith(header.parent):
            raise HubError(
                412, f"{revision} is at {head.id}, no longer at {header.parent}; fetch it and commit on top of it"
            )
        tree = apply(repo, head, changes)
        if tree == head.tree.id:
            return str(head.id)
        return advance(repo, ref, head, tree, user, header.message, [head.id])


def branch_ref(repo: Repo, revision: str) -> str:
    """The ref that a push to `revision` moves: a branch, or a pull request's."""
    ref = repo.ref_name(revision)
    if ref is None:
        raise revision_not_found(revision)
    if not ref.startswith(("refs/heads/", "refs/pr/")):
        raise HubError(400, f"{revision} is a tag; commit to a branch")
    return ref


def advance(
    repo: Repo,
    ref: str,
    head: pygit2.Commit,
    tree: pygit2.Oid,
    user: str,
    message: str,
    parents: list[pygit2.Oid],
) -> str:
    """Write the commit object, then swing `ref` to it: the one step that makes a push visible."""
    who = signature(user)
    new = repo.git.create_commit(None, who, who, message, tree, parents)
    current = repo.git.references[ref]
    if current.target != head.id:
        raise HubError(412, f"{ref} moved during the commit; try again")
    current.set_target(new)  # libgit2 refuses if the ref is no longer what `current` read
    if repo.store.runner is not None and repo.name.kind == "space" and ref == f"refs/heads/{DEFAULT_BRANCH}":
        repo.store.runner.changed(repo)
    return str(new)
