"""Free the disk of what nothing refers to any more. For a root that no server holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local_hub.names import KINDS
from local_hub.store import Store
from local_hub.tree import pointers


@dataclass(frozen=True)
class Freed:
    """Files removed, and the bytes that they held."""

    large_files: int
    xorbs: int
    size: int


def collect(store: Store) -> Freed:
    """Remove large files that no repository's history names, and all Xet chunks.

    With the chunks goes the store's id: clients remember per id which chunks they sent, and must send them again.
    The id changes first, so that a run that is killed leaves nothing that a client could wrongly count on.

    A repository that cannot be read stops all of it (pygit2.GitError): nobody knows which files it names.
    """
    repos = [store.open(name) for kind in KINDS for name in store.names(kind)]
    named = {sha256 for repo in repos for sha256 in pointers(repo.git)}
    store.renew_id()
    for repo in repos:
        for sha256 in repo.owned().keys() - named:
            repo.disown(sha256)  # first: what is owned but gone could be committed, and never read
    large = _remove(path for path in _files(store.root / "blobs") if path.name not in named)
    xorbs = _remove(_files(store.root / "xorbs"))
    return Freed(len(large), len(xorbs), sum(large) + sum(xorbs))


def _files(folder: Path) -> Iterable[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _remove(paths: Iterable[Path]) -> list[int]:
    """The sizes of the files removed."""
    sizes = []
    for path in paths:
        sizes.append(path.stat().st_size)
        path.unlink()
    return sizes
