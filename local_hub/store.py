"""Repositories on disk: one bare git repository each, beside its settings, under one root that one server holds."""

import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pygit2
from pygit2.enums import FileMode, ObjectType

from local_hub import clock
from local_hub.accounts import ADMIN, Tokens
from local_hub.blobs import Blobs, published, sync
from local_hub.errors import HubError, repo_not_found, revision_not_found
from local_hub.names import KINDS, MAX_REF, RepoName
from local_hub.tree import initial_attributes, pointers

if TYPE_CHECKING:
    from local_hub.space_runner import SpaceRunner  # which needs this module

DEFAULT_BRANCH = "main"
_SETTINGS = "hub.json"  # inside the bare repository, where git ignores it and a move takes it along
SECRETS = "space-secrets.json"  # in there too, for the owner of the root alone: see space_app.py
_OWNED = "large-files"  # in there too: an empty file per sha256
_HEX = frozenset("0123456789abcdef")


class Repo:
    """One repository. Cheap to open (0.2 ms), so every request opens its own: libgit2 handles are not for sharing."""

    def __init__(self, name: RepoName, path: Path, store: "Store") -> None:
        self.name = name
        self.path = path
        self.store = store
        self.git = pygit2.Repository(str(path))

    @property
    def blobs(self) -> Blobs:
        return self.store.blobs

    def settings(self) -> dict[str, Any]:
        try:
            loaded: dict[str, Any] = json.loads((self.path / _SETTINGS).read_text(encoding="utf-8"))
        except FileNotFoundError:  # deleted or moved since it was opened
            raise repo_not_found(self.name.repo_id, anonymous=False) from None
        return loaded

    def save_settings(self, settings: dict[str, Any]) -> None:
        with published(self.path / _SETTINGS, self.store.temporary) as stream:
            stream.write(json.dumps(settings, ensure_ascii=False, indent=1).encode())

    def keep(self, name: str, text: str) -> None:
        """Write a file beside the settings that only the owner of the root can read."""
        _write_private(self.path / name, self.store.temporary, text)

    @contextmanager
    def changing_settings(self) -> Iterator[dict[str, Any]]:
        """Settings to edit in place; saved if the block ends well, under the repository's lock."""
        with self.lock:
            settings = self.settings()
            yield settings
            self.save_settings(settings)

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever changes a ref or the settings."""
        return self.store.lock_of(self.path)

    @property
    def private(self) -> bool:
        return bool(self.settings()["private"])

    def access_of(self, user: str | None) -> str | None:
        """Where the request of `user` to read a gated repository stands: pending, accepted, rejected, or None."""
        request = self.settings().get("access", {}).get(user)
        return str(request["status"]) if request else None

    def own(self, sha256: str) -> None:
        """Note that the large file `sha256` was uploaded to this very repository (or copied from a readable one).

        Without that, whoever knows the hash of another's private file could commit a pointer to it, and read it.
        """
        (self._owned / sha256).touch()
        sync(self._owned)  # reading asks for it too

    def owns(self, sha256: str) -> bool:
        return (self._owned / sha256).exists()

    def large_file(self, sha256: str) -> Path | None:
        """Where the bytes of a large file are; None if they are not here, or were never uploaded to this repository.

        Asked at every reading: a merge can make a pointer of lines that no commit had as a pointer.
        """
        path = self.blobs.path(sha256)
        return path if self.owns(sha256) and path.is_file() else None

    def owned(self) -> dict[str, int]:
        """The large files that were ever uploaded here, by sha256, and when (seconds since 1970)."""
        return {mark.name: int(mark.stat().st_mtime) for mark in self._owned.iterdir()}

    def disown(self, sha256: str) -> None:
        (self._owned / sha256).unlink(missing_ok=True)

    @property
    def _owned(self) -> Path:
        return self.path / _OWNED

    def ref_name(self, revision: str) -> str | None:
        """The full ref that `revision` names: a branch before a tag, or `refs/...` spelt out (pull requests)."""
        if len(revision.encode()) > MAX_REF + len("refs/heads/") or "\0" in revision:
            return None  # libgit2 takes no more, and reads no further than a zero
        candidates = [f"refs/heads/{revision}", f"refs/tags/{revision}"]
        if revision.startswith(("refs/pr/", "refs/heads/", "refs/tags/", "refs/convert/")):
            candidates.insert(0, revision)
        for candidate in candidates:
            if pygit2.reference_is_valid_name(candidate) and candidate in self.git.references:
                return candidate
        return None

    def commit(self, revision: str) -> pygit2.Commit:
        """The commit that a branch, tag, pull request ref or (at least 7 digits of a) commit id names."""
        ref = self.ref_name(revision)
        if ref is not None:
            return self.git.references[ref].peel(pygit2.Commit)
        if 7 <= len(revision) <= 40 and set(revision) <= _HEX:
            try:
                found = self.git.get(revision)
            except ValueError:  # several objects begin like this
                found = None
            if isinstance(found, pygit2.Commit):
                return found
        raise revision_not_found(revision)


def signature(user: str) -> pygit2.Signature:
    """How a user stands in commits and tags, at this moment."""
    return pygit2.Signature(user, f"{user}@localhost")


def _write_private(path: Path, temporary: Path, text: str) -> None:
    with published(path, temporary) as stream:
        os.fchmod(stream.fileno(), 0o600)  # before it has a name
        stream.write(text.encode())


def _copy(source: Repo, draft: Path) -> None:
    """The history of `source` without its pull requests, whose discussions stay behind."""
    with source.lock:
        shutil.copytree(source.path, draft)
    git = pygit2.Repository(str(draft))
    for name in [name for name in git.references if name.startswith("refs/pr/")]:
        git.references.delete(name)
    for name in (_SETTINGS, SECRETS):
        (draft / name).unlink(missing_ok=True)


class Store:
    """Everything below `root`. Make one per root and process: see server.py for the lock that ensures it.

    `development` says whether the fixed development token counts: only where none but this machine can call.
    """

    def __init__(self, root: Path, *, development: bool = True) -> None:
        self.root = root
        self.development = development
        self.runner: SpaceRunner | None = None  # with --run-spaces
        self.tokens = Tokens(root)
        self.temporary = root / "tmp"
        self._repos = root / "repos"
        shutil.rmtree(self.temporary, ignore_errors=True)  # drafts of a server that was killed
        self.temporary.mkdir(parents=True)
        self._repos.mkdir(exist_ok=True)
        self.blobs = Blobs(root / "blobs", self.temporary)
        # Clients remember what they uploaded per CAS URL; a wiped root must not answer under its old URL.
        self.id = self._kept("store-id", secrets.token_hex(16))
        self.secret = self._kept("secret", secrets.token_hex(32)).encode()
        self._locks: dict[Path, threading.RLock] = {}
        self._names = threading.Lock()  # create, delete, move
        # Else libgit2 reads a tree above 4 KB anew for each path in it: 1 ms instead of 25 µs among 1,500 files.
        pygit2.settings.cache_object_limit(ObjectType.TREE, 16 << 20)
        pygit2.settings.enable_fsync_gitdir(True)  # 1.5 ms an object, and commits outlive a power cut
        for pattern in ("*/*/*.git/*.lock", "*/*/*.git/refs/**/*.lock"):
            for stale in self._repos.glob(pattern):
                stale.unlink()  # outlives the killed server that took it, and would block its branch for ever
        self._upgrade()

    def _upgrade(self) -> None:
        """Roots of before large files had owners: what a repository's history names is its own."""
        for path in self._repos.glob("*/*/*.git"):
            if (path / "HEAD").is_file() and not (path / _OWNED).is_dir():
                draft = self.temporary / secrets.token_hex(8)
                draft.mkdir()
                for sha256 in pointers(pygit2.Repository(str(path))):
                    (draft / sha256).touch()
                draft.rename(path / _OWNED)  # all marks at once: a folder that is there is never looked at again

    def _kept(self, name: str, fresh: str) -> str:
        path = self.root / name
        if not path.exists():
            _write_private(path, self.temporary, fresh)
        return path.read_text()

    def renew_id(self) -> None:
        """Tell clients by a new address that they must send every Xet chunk again."""
        self.id = secrets.token_hex(16)
        _write_private(self.root / "store-id", self.temporary, self.id)

    def lock_of(self, path: Path) -> threading.RLock:
        return self._locks.setdefault(path, threading.RLock())

    def _path(self, name: RepoName) -> Path:
        return self._repos / f"{name.kind}s" / name.namespace / f"{name.name}.git"

    def exists(self, name: RepoName) -> bool:
        return self._path(name).is_dir()

    def open(self, name: RepoName) -> Repo:
        if not self.exists(name):
            raise repo_not_found(name.repo_id, anonymous=False)
        return Repo(name, self._path(name), self)

    def create(self, name: RepoName, author: str, settings: dict[str, Any], copied: Repo | None = None) -> bool:
        """Make the repository with its first commit, or with the history of `copied`; False if the name is taken."""
        if self.exists(name):
            return False  # before anything is copied; asked again below, under the lock
        draft = self.temporary / f"{secrets.token_hex(8)}.git"
        if copied is None:
            self._start(draft, author)
        else:
            _copy(copied, draft)
        record = {"private": False, "gated": False, "created": clock.now(), **settings}
        (draft / _SETTINGS).write_text(json.dumps(record), encoding="utf-8")
        with self._names:
            if self.exists(name):
                shutil.rmtree(draft)
                return False
            self._path(name).parent.mkdir(parents=True, exist_ok=True)
            draft.rename(self._path(name))
        return True

    def _start(self, draft: Path, author: str) -> None:
        git = pygit2.init_repository(str(draft), bare=True, initial_head=DEFAULT_BRANCH)
        builder = git.TreeBuilder()
        builder.insert(".gitattributes", git.create_blob(initial_attributes()), FileMode.BLOB)
        who = signature(author)
        git.create_commit(f"refs/heads/{DEFAULT_BRANCH}", who, who, "initial commit", builder.write(), [])
        (draft / _OWNED).mkdir()

    def delete(self, name: RepoName) -> None:
        """Take the name away at once, then the files. Large files stay: other repositories may share them."""
        grave = self.temporary / f"{secrets.token_hex(8)}.git"
        with self._names, self.open(name).lock:
            self._path(name).rename(grave)
        shutil.rmtree(grave)

    def move(self, source: RepoName, target: RepoName) -> None:
        if source.kind != target.kind:
            raise HubError(400, f"a {source.kind} cannot become a {target.kind}; create a new repository instead")
        with self._names, self.open(source).lock:
            if self.exists(target):
                raise HubError(409, f"{target.repo_id} exists already; choose another name or delete it first")
            self._path(target).parent.mkdir(parents=True, exist_ok=True)
            self._path(source).rename(self._path(target))

    def all(self, kind: str) -> Iterator[Repo]:
        """Every repository of one kind, in order of name; it may be deleted while its turn lasts."""
        for name in self.names(kind):
            try:
                repo = Repo(name, self._path(name), self)
            except pygit2.GitError:  # deleted since we looked, or no repository
                continue
            yield repo

    def names(self, kind: str) -> list[RepoName]:
        """Of every repository of one kind, in order, readable or not."""
        assert kind in KINDS
        paths = sorted((self._repos / f"{kind}s").glob("*/*.git"))
        return [RepoName(kind, path.parent.name, path.name.removesuffix(".git")) for path in paths]

    def namespaces(self) -> set[str]:
        return {path.name for path in self._repos.glob("*/*") if path.is_dir()}

    def users(self) -> set[str]:
        """Whoever has a token; and the person whose machine this is."""
        return {ADMIN, *self.tokens.users()}
