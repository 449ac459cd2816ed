"""What a client may name: repositories, files and revisions. Everything is checked here, once, where it enters."""

import re
from dataclasses import dataclass

from local_hub.errors import HubError

KINDS = ("model", "dataset", "space")
MAX_NAME = 96  # the Hub's own limit, and what huggingface_hub checks before it asks
MAX_PATH = 1024  # bytes
MAX_REF = 240  # bytes: a ref is a file on disk, and its lock has 5 more
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_BAD_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# HFS+ does not see these, so ".g\u200cit" is .git there, and git fsck refuses it everywhere.
_UNSEEN = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# First segments of our own routes: a namespace of that name could not be reached.
_RESERVED = frozenset(["api", "cas", "datasets", "lfs", "login", "models", "spaces", "static", "v1"])


@dataclass(frozen=True, order=True)
class RepoName:
    """A repository's full name; `kind` is "model", "dataset" or "space"."""

    kind: str
    namespace: str
    name: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise HubError(400, f"repository type {self.kind!r} is unknown; use one of {', '.join(KINDS)}")
        for part in (self.namespace, self.name):
            _check_name(part)
        checked_namespace(self.namespace)
        if self.name.endswith((".git", ".ipynb")):
            raise HubError(400, f"repository name {self.name!r} may not end in .git or .ipynb; drop the ending")

    @classmethod
    def parse(cls, kind: str, repo_id: str) -> "RepoName":
        """`repo_id` as clients write it, `namespace/name`."""
        namespace, slash, name = repo_id.partition("/")
        if not slash:
            raise HubError(400, f"repository id {repo_id[:MAX_NAME]!r} has no namespace; write namespace/name")
        return cls(kind, namespace, name)

    @classmethod
    def from_key(cls, key: str) -> "RepoName":
        kind, _, repo_id = key.partition("/")
        return cls.parse(kind, repo_id)

    @property
    def key(self) -> str:
        """The name in one word, for what is signed for one repository; `from_key` reads it."""
        return f"{self.kind}/{self.repo_id}"

    @property
    def repo_id(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def url_path(self) -> str:
        """Where the repository lives below the endpoint: models have no prefix."""
        return self.repo_id if self.kind == "model" else f"{self.kind}s/{self.repo_id}"


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME or ".." in name or "--" in name:
        raise HubError(400, f"name {name[:MAX_NAME]!r} is not allowed; use letters, digits, '-', '_' and '.'")


def is_reserved(namespace: str) -> bool:
    """Whether a namespace could not be told from an address of ours: `datasets/x` is a dataset without a namespace."""
    return namespace.lower() in _RESERVED


def checked_namespace(name: str) -> str:
    """The name of a user or an organisation."""
    _check_name(name)
    if is_reserved(name):
        raise HubError(400, f"namespace {name!r} is reserved for addresses of this server; choose another")
    return name


def checked_path(path: object) -> str:
    """A file or folder path inside a repository, refused unless it stays inside."""
    if not isinstance(path, str) or not path or len(path.encode()) > MAX_PATH:
        raise HubError(400, f"path {str(path)[:80]!r} is empty or longer than {MAX_PATH} bytes")
    parts = path.split("/")
    if _CONTROL.search(path) or any(_is_reserved(part) for part in parts):
        raise HubError(400, f"path {path[:80]!r} is not allowed; use a relative path without '..', '//' or '.git'")
    return path


def _is_reserved(part: str) -> bool:
    # Each of these is .git on some file system, and git fsck refuses it everywhere: "git~1", ".git. ", ".git:x",
    # "a\\.git", and ".git" with characters in it that are not seen.
    pieces = [piece.partition(":")[0] for piece in _UNSEEN.sub("", part).lower().split("\\")]
    return part in ("", ".", "..") or any(piece.rstrip(" .") in (".git", "git~1") for piece in pieces)


def checked_ref(name: object) -> str:
    """The short name of a branch or tag, refused unless git would take it."""
    if not isinstance(name, str) or not name or len(name.encode()) > MAX_REF:
        raise HubError(400, f"branch or tag name {str(name)[:80]!r} is empty or longer than {MAX_REF} bytes")
    if _BAD_IN_REF.search(name) or name.startswith(("/", ".", "-", "refs/")) or name.endswith(("/", ".")):
        raise HubError(400, f"branch or tag name {name[:80]!r} is not one that git allows; see git-check-ref-format")
    if name in ("@", "HEAD"):
        raise HubError(400, f"branch or tag name {name!r} is reserved by git; choose another")
    return name
