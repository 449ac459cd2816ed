"""What it takes to run one Space: its files, its command, its log, and whether it answers."""

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from local_hub import card, clock
from local_hub.store import DEFAULT_BRANCH, Repo
from local_hub.tree import File, files, find

SECRETS = "space-secrets.json"
MAX_LOG = 4 << 20  # bytes of what a Space printed; the older half goes when it is full
_STATIC = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]
_STREAMLIT = [sys.executable, "-m", "streamlit", "run", "--server.headless=true", "--server.address=127.0.0.1"]
# Linux ends this process, and what it becomes, when the thread that started it ends, however that comes about.
ENDS_WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the server is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class CannotRun(Exception):
    """A Space that there is no way to run; `stage` says so in the Hub's words."""

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


def about(repo: Repo) -> tuple[str, str]:
    """The SDK and the app's file, of the card or as the Hub assumes them."""
    commit = repo.commit(DEFAULT_BRANCH)
    readme = find(repo.git, commit, "README.md")
    text = repo.git[readme.oid].data.decode("utf-8", "replace") if isinstance(readme, File) else ""
    header = card.data(text)
    sdk = str(header.get("sdk") or repo.settings().get("sdk") or "static")
    return sdk, str(header.get("app_file") or ("index.html" if sdk == "static" else "app.py"))


def command(repo: Repo, folder: Path, port: int) -> list[str]:
    sdk, app = about(repo)
    if sdk == "docker":
        raise CannotRun("CONFIG_ERROR", "a Space of the SDK docker cannot run here; use gradio, streamlit or static")
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


def check_out(repo: Repo, folder: Path) -> Path:
    """The newest files of the Space, in place of what is in `folder`. Copies: an app may write into its own files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in files(repo.git, repo.commit(DEFAULT_BRANCH)):
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.pointer:
            shutil.copyfile(repo.blobs.path(file.pointer.sha256), target)
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
        values = secret_values(repo)
        values.pop(key, None)
        if value is not None:
            values[key] = value
        repo.keep(SECRETS, json.dumps(values))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether the app serves HTTP by now, whatever it answers."""
    with suppress(OSError, HTTPException):
        with suppress(HTTPError):
            build_opener(ProxyHandler({})).open(url, timeout=1).close()
        return True
    return False


def copy_lines(process: subprocess.Popen[str], log: Path) -> None:
    """Write what the process prints to `log`, each line with its time, until it ends."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            if log.stat().st_size > MAX_LOG:
                kept = log.read_text(encoding="utf-8").splitlines(keepends=True)
                log.write_text("".join(kept[len(kept) // 2 :]), encoding="utf-8")
            with log.open("a", encoding="utf-8") as out:
                out.write(f"{clock.now()} {line.rstrip(os.linesep)[:4000]}\n")


def log_lines(log: Path) -> list[tuple[str, str]]:
    """(time, text) of each line so far."""
    if not log.is_file():
        return []
    whole = log.read_text(encoding="utf-8").splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in whole]
