"""Reading git trees: files, folders, and the pointers that stand for large files."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pygit2
from pygit2.enums import SortMode

from local_hub import clock

# What the Hub's own first commit sends to large-file storage, without formats that nobody here uses.
_LARGE_SUFFIXES = """
    7z arrow bin bz2 ckpt ftz gguf gz h5 joblib mlmodel model msgpack npy npz onnx ot parquet pb pickle pkl pt pth
    rar safetensors tar tflite tgz wasm xz zip zst jpg jpeg png gif webp bmp ico pdf wav mp3 ogg flac mp4 webm
    ttf otf woff woff2
""".split()  # noqa: SIM905  # a list would be 49 lines
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d{1,18})\n")
_POINTER_SIZES = range(120, 160)  # a pointer has 126 to 143 bytes, so nothing else is opened while listing


@dataclass(frozen=True)
class Pointer:
    """A large file as git sees it; the bytes are in blobs.py under `sha256`."""

    sha256: str
    size: int

    def encode(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()


@dataclass(frozen=True)
class File:
    path: str
    oid: str
    git_size: int
    pointer: Pointer | None

    @property
    def size(self) -> int:
        return self.pointer.size if self.pointer else self.git_size

    @property
    def etag(self) -> str:
        """What clients name the cached file by, and compare a local file with before uploading it."""
        return self.pointer.sha256 if self.pointer else self.oid


@dataclass(frozen=True)
class Folder:
    path: str
    oid: str


def initial_attributes() -> bytes:
    lines = [f"*.{suffix} filter=lfs diff=lfs merge=lfs -text" for suffix in _LARGE_SUFFIXES]
    return ("\n".join(lines) + "\n").encode()


def parse_pointer(data: bytes) -> Pointer | None:
    match = _POINTER.fullmatch(data)
    return Pointer(match[1].decode(), int(match[2])) if match else None


def file_at(git: pygit2.Repository, path: str, oid: pygit2.Oid) -> File:
    """The file whose git object is `oid`."""
    size = git.odb.read_header(oid)[1]
    pointer = parse_pointer(git[oid].data) if size in _POINTER_SIZES else None
    return File(path, str(oid), size, pointer)


def _entry(git: pygit2.Repository, path: str, found: pygit2.Object) -> File | Folder:
    return Folder(path, str(found.id)) if found.type_str == "tree" else file_at(git, path, found.id)


def find(git: pygit2.Repository, commit: pygit2.Commit, path: str) -> File | Folder | None:
    """The file or folder at `path` ("" is the root), or None."""
    if not path:
        return Folder("", str(commit.tree.id))
    try:
        return _entry(git, path, commit.tree[path])
    except KeyError:
        return None


def readme(git: pygit2.Repository, commit: pygit2.Commit) -> str:
    """The text of README.md; "" where it is absent or a large file."""
    file = find(git, commit, "README.md")
    if not isinstance(file, File) or file.pointer:
        return ""
    data: bytes = git[file.oid].data
    return data.decode("utf-8", "replace")


def listing(
    git: pygit2.Repository, commit: pygit2.Commit, folder: Folder, *, recursive: bool
) -> Iterator[File | Folder]:
    """What is in `folder`, in git's order; with `recursive`, below each folder right after it."""
    prefix = f"{folder.path}/" if folder.path else ""
    for found in git[folder.oid]:
        if found.type_str == "commit":
            continue  # a submodule, which the Hub does not have
        entry = _entry(git, prefix + found.name, found)
        yield entry
        if recursive and isinstance(entry, Folder):
            yield from listing(git, commit, entry, recursive=True)


def files(git: pygit2.Repository, commit: pygit2.Commit) -> Iterator[File]:
    """All files of a commit."""
    for entry in listing(git, commit, Folder("", str(commit.tree.id)), recursive=True):
        if isinstance(entry, File):
            yield entry


def all_commits(git: pygit2.Repository, order: SortMode = SortMode.TOPOLOGICAL) -> Iterator[pygit2.Commit]:
    """Every commit that a branch, tag or pull request leads to."""
    walk = git.walk(None, order)
    for name in git.references:
        walk.push(git.references[name].peel(pygit2.Commit).id)
    yield from walk


def pointers(git: pygit2.Repository) -> dict[str, File]:
    """Every large file that a branch, tag or pull request names in any of its commits, by sha256.

    A file that has or had several paths comes under one of them.
    """
    found: dict[str, File] = {}
    seen: set[pygit2.Oid] = set()

    def visit(tree: pygit2.Tree, prefix: str) -> None:
        if tree.id in seen:
            return
        seen.add(tree.id)
        for item in tree:
            if item.type_str == "tree":
                visit(item, f"{prefix}{item.name}/")
            elif item.type_str == "blob" and item.id not in seen:
                seen.add(item.id)
                file = file_at(git, prefix + item.name, item.id)
                if file.pointer:
                    found.setdefault(file.pointer.sha256, file)

    for commit in all_commits(git):
        visit(commit.tree, "")
    return found


def as_json(entry: File | Folder, last: pygit2.Commit | None = None) -> dict[str, Any]:
    """An entry as `tree` and `paths-info` answer it."""
    if isinstance(entry, Folder):
        answer: dict[str, Any] = {"type": "directory", "oid": entry.oid, "size": 0, "path": entry.path}
    else:
        answer = {"type": "file", "oid": entry.oid, "size": entry.size, "path": entry.path}
        if entry.pointer:
            answer["lfs"] = {"oid": entry.pointer.sha256, "size": entry.size, "pointerSize": entry.git_size}
    if last is not None:
        answer["lastCommit"] = {
            "id": str(last.id),
            "title": last.message.partition("\n")[0],
            "date": clock.at(last.commit_time),
        }
    return answer


def last_commits(
    git: pygit2.Repository, head: pygit2.Commit, entries: Iterable[File | Folder]
) -> dict[str, pygit2.Commit]:
    """For each path the newest commit that changed it. Costs a diff per commit of the history, so only on request."""
    pending = {entry.path for entry in entries}
    found: dict[str, pygit2.Commit] = {}
    for commit in git.walk(head.id, SortMode.TOPOLOGICAL):
        if not pending:
            break
        hits = pending & _changed(commit)
        found |= dict.fromkeys(hits, commit)
        pending -= hits
    return found


def _changed(commit: pygit2.Commit) -> set[str]:
    """Files that differ from every parent, and the folders they are in; a merge that took one side changed nothing."""
    trees = [parent.tree for parent in commit.parents]
    diffs = [commit.tree.diff_to_tree(tree) for tree in trees] or [commit.tree.diff_to_tree()]
    changed = set.intersection(*({delta.new_file.path for delta in diff.deltas} for diff in diffs))
    return changed | {str(folder) for path in changed for folder in PurePosixPath(path).parents}
