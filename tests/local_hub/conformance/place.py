"""What every check gets: a client, a folder of its own, and names that no other check uses."""

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

SOURCE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Place:
    """Where one check runs. `name` differs from check to check, and between Xet and LFS."""

    name: str
    work: Path
    api: HfApi

    @property
    def repo(self) -> str:
        return f"local/{self.name}"

    @property
    def endpoint(self) -> str:
        return os.environ["HF_ENDPOINT"]

    def new(self, suffix: str = "", **options: Any) -> str:
        """The id of a repository, just created."""
        repo = self.repo + suffix
        self.api.create_repo(repo, **options)
        return repo

    def put(self, path: str, content: bytes | str, repo: str = "", **options: Any) -> str:
        """The id of the commit that wrote one file."""
        data = content.encode() if isinstance(content, str) else content
        commit = self.api.upload_file(repo_id=repo or self.repo, path_or_fileobj=data, path_in_repo=path, **options)
        return commit.oid

    def folder(self, files: Mapping[str, bytes | str], name: str = "folder") -> Path:
        """A local folder with these files."""
        root = self.work / name
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    def files(self, **options: Any) -> list[str]:
        """Paths in the repository, without the .gitattributes that each has from the start."""
        return sorted(set(self.api.list_repo_files(self.repo, **options)) - {".gitattributes"})

    def noise(self, size: int, salt: str = "") -> bytes:
        """Bytes that no other check has, so that the store does not know them yet; the same in every run."""
        return random.Random(self.name + salt).randbytes(size)

    def user(self, name: str, role: str = "write") -> HfApi:
        """The client of another user, whose token the server's owner makes on the command line."""
        command = ["token", "create", name, "--root", os.environ["LOCAL_HUB_ROOT"], "--role", role]
        return HfApi(token=server(command).split()[-1])


def server(arguments: list[str], **more: str) -> str:
    """Standard output of `python -m local_hub ...`, which need not live in this check's environment."""
    command = [os.environ["LOCAL_HUB_PYTHON"], "-m", "local_hub", *arguments]
    return run(command, cwd=SOURCE, **more)


def hf(*arguments: str, **more: str) -> str:
    """Standard output of the `hf` command, the one that came with this check's huggingface_hub."""
    return run([str(Path(sys.executable).with_name("hf")), *arguments], **more)


def run(command: list[str], *, cwd: Path | None = None, answers: str = "", **more: str) -> str:
    """Standard output of a command that must succeed; `more` goes into its environment."""
    finished = subprocess.run(
        command, cwd=cwd, env={**os.environ, **more}, input=answers, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, f"{command} exited {finished.returncode}: {finished.stdout}{finished.stderr}"
    return finished.stdout


def refused(status: int, call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """The name of the error that `call` raises; it must carry this HTTP status."""
    try:
        call(*arguments, **options)
    except HfHubHTTPError as error:
        assert error.response.status_code == status, error
        return type(error).__name__
    raise AssertionError(f"not refused, where {status} is due")


def sha256(data: bytes | Path) -> str:
    return hashlib.sha256(data.read_bytes() if isinstance(data, Path) else data).hexdigest()
