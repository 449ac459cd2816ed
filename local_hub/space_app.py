"""What it takes to run one Space: its files, its command, its log, and whether it answers."""

import json
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local_hub import card
from local_hub.store import DEFAULT_BRANCH, SECRETS, Repo
from local_hub.tree import files, readme

_PIECE = 1 << 20  # bytes of a log that are read at a time
_TAIL = 16 << 10
_STATIC = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]
_STREAMLIT = [sys.executable, "-m", "streamlit", "run", "--server.headless=true", "--server.address=127.0.0.1"]


class CannotRun(Exception):
    """A Space that there is no way to run; `stage` says so in the Hub's words."""

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


def sdk_and_app(header: dict[str, Any], settings: dict[str, Any]) -> tuple[str, str]:
    """The SDK and the app's file, of a card's header or as the Hub assumes them."""
    sdk = str(header.get("sdk") or settings.get("sdk") or "static")
    return sdk, str(header.get("app_file") or ("index.html" if sdk == "static" else "app.py"))


def _about(repo: Repo) -> tuple[str, str]:
    return sdk_and_app(card.data(readme(repo.git, repo.commit(DEFAULT_BRANCH))), repo.settings())


def command(repo: Repo, folder: Path, port: int) -> list[str]:
    sdk, app = _about(repo)
    if sdk not in ("gradio", "streamlit", "static"):
        raise CannotRun("CONFIG_ERROR", f"the SDK {sdk[:80]!r} cannot run here; use gradio, streamlit or static")
    file = (folder / app).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise CannotRun("NO_APP_FILE", f"there is no {app[:200]!r} in this Space; add it, or name it as app_file")
    match sdk:
        case "static":
            return [*_STATIC, str(port)]
        case "streamlit":
            return [*_STREAMLIT, f"--server.port={port}", str(file)]
        case _:
            return [sys.executable, str(file)]


def page(repo: Repo) -> str:
    """The path of the app's first page: only a static Space may have one of another name."""
    sdk, app = _about(repo)
    return f"/{quote(app)}" if sdk == "static" and app != "index.html" else ""


def check_out(repo: Repo, folder: Path) -> Path:
    """The newest files of the Space, in place of what is in `folder`. Copies: an app may write into its own files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in files(repo.git, repo.commit(DEFAULT_BRANCH)):
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.pointer:
            stored = repo.large_file(file.pointer.sha256)
            if stored is None:
                raise CannotRun("CONFIG_ERROR", f"the large file behind {file.path[:200]} is missing; upload it again")
            shutil.copyfile(stored, target)
        else:
            target.write_bytes(repo.git[file.oid].data)
    return folder


def secret_values(repo: Repo) -> dict[str, str]:
    """The Space's secrets: in a file of their own, for the owner of the root alone, and in no answer."""
    try:
        loaded: dict[str, str] = json.loads((repo.path / SECRETS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return loaded


def save_secret(repo: Repo, key: str, value: str | None) -> None:
    """Keep a secret's value; None drops it."""
    with repo.lock:
        repo.settings()  # a 404 where it was deleted or moved meanwhile: writing would make its folder anew
        values = secret_values(repo)
        values.pop(key, None)
        if value is not None:
            values[key] = value
        repo.keep(SECRETS, json.dumps(values))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether the app serves HTTP by now, whatever it answers; where it would send a browser is not followed."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return connection.recv(5).startswith(b"HTTP")  # no more: an app that drips would hold up all others
    except OSError:
        return False


class LogReader:
    """Reads a log on from where it was, or from the start of the one that took its place."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = self._offset = 0

    def lines(self) -> list[tuple[str, str]]:
        """(time, text) of the next whole lines; none where there are no further ones yet."""
        try:
            with self._log.open("rb") as stream:
                status = os.fstat(stream.fileno())
                if status.st_ino != self._file or status.st_size < self._offset:
                    self._file, self._offset = status.st_ino, 0
                stream.seek(self._offset)
                data = stream.read(_PIECE)
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [_parted(line) for line in whole.split(b"\n")[:-1]]


def last_words(log: Path) -> str:
    """The last lines of a log, without their times."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL))
            lines = stream.read().split(b"\n")
    except FileNotFoundError:
        return ""
    return "\n".join(_parted(line)[1] for line in lines[-11:-1])


def _parted(line: bytes) -> tuple[str, str]:
    time, _, text = line.decode("utf-8", "replace").partition(" ")
    return time, text
