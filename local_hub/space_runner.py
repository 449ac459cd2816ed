"""Runs Spaces on this machine, where the server was told to: each one a process, behind an address of its own.

To run a Space is to run somebody's code as the person who serves. So it happens only with `--run-spaces`, only where
nothing but this machine can call, and only for what a token that writes pushed. The process gets a clean environment
and a home of its own; none of the server's variables, and no token that is not one of the Space's own secrets.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from local_hub.names import RepoName
from local_hub.space_app import (
    ENDS_WITH_PARENT,
    CannotRun,
    answers,
    check_out,
    command,
    copy_lines,
    free_port,
    log_lines,
    secret_values,
)
from local_hub.store import Repo

MAX_RUNNING = 4
_POLL = 0.2  # seconds
_GRACE = 3.0  # seconds between asking a Space to end and ending it
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class State:
    """How a Space stands; `stage` in the Hub's own words."""

    stage: str = "STOPPED"
    url: str | None = None
    error: str | None = None


@dataclass
class _Running:
    process: subprocess.Popen[str]
    url: str
    log: Path
    reader: threading.Thread


class SpaceRunner:
    """Starts and ends processes from one thread of its own, which lives as long as the server.

    Linux ends a child with the *thread* that made it, if it is told to end it with its parent: a request's thread
    would take the Space along.
    """

    def __init__(self, folder: Path, hub_url: str) -> None:
        self._folder = folder
        self._hub_url = hub_url
        self._states: dict[RepoName, State] = {}
        self._running: dict[RepoName, _Running] = {}
        self._orders: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="spaces", daemon=True)
        self._thread.start()

    def state(self, name: RepoName) -> State:
        return self._states.get(name, State())

    def log(self, name: RepoName) -> Path:
        return self._home(name) / "run.log"

    def start(self, repo: Repo) -> State:
        """Run the newest commit of the Space, instead of an older one that runs; see `state` for how it goes."""
        name = repo.name
        others = [n for n, s in self._states.items() if n != name and s.stage in ("APP_STARTING", "RUNNING")]
        if len(others) >= MAX_RUNNING:
            message = f"{MAX_RUNNING} Spaces run already: {', '.join(n.repo_id for n in others)}; pause one first"
            self._states[name] = State("STOPPED", error=message)
        else:
            self._states[name] = State("APP_STARTING")
            self._orders.put(lambda: self._restart(repo))
        return self._states[name]

    def changed(self, repo: Repo) -> None:
        """There is a new commit on the main branch: run it, unless the Space is paused."""
        if not repo.settings().get("paused"):
            self.start(repo)

    def stop(self, name: RepoName, stage: str = "PAUSED") -> State:
        self._states[name] = State(stage)
        self._orders.put(lambda: self._end(name))
        return self._states[name]

    def stop_all(self) -> None:
        """End every Space and this runner."""
        self._orders.put(None)
        self._thread.join()

    def _home(self, name: RepoName) -> Path:
        return self._folder / name.namespace / name.name

    # What follows runs in the runner's own thread.

    def _work(self) -> None:
        while True:
            with suppress(queue.Empty):
                order = self._orders.get(timeout=_POLL)
                if order is None:
                    break
                order()
            for name, running in list(self._running.items()):
                self._look_at(name, running)
        for name in list(self._running):
            self._end(name)

    def _restart(self, repo: Repo) -> None:
        self._end(repo.name)
        try:
            self._running[repo.name] = self._launched(Repo(repo.name, repo.path, repo.store))
        except CannotRun as error:
            self._states[repo.name] = State(error.stage, error=str(error))
        except OSError as error:
            self._states[repo.name] = State("RUNTIME_ERROR", error=f"cannot start: {error.strerror}")

    def _launched(self, repo: Repo) -> _Running:
        app = check_out(repo, self._home(repo.name) / "app")
        port = free_port()
        arguments, url = command(repo, app, port), f"http://127.0.0.1:{port}"
        log = self.log(repo.name)
        log.write_text("")
        process = subprocess.Popen(
            [sys.executable, "-c", ENDS_WITH_PARENT, str(os.getpid()), *arguments],
            cwd=app,
            env=self._environment(repo, port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that ending it ends what it started
        )
        reader = threading.Thread(target=copy_lines, args=(process, log), daemon=True)
        reader.start()
        return _Running(process, url, log, reader)

    def _environment(self, repo: Repo, port: int) -> dict[str, str]:
        home = self._home(repo.name) / "home"
        home.mkdir(parents=True, exist_ok=True)
        variables = repo.settings().get("variables", {})
        return {
            **{key: value for key, value in os.environ.items() if key in _KEPT},
            "HOME": str(home),
            "HF_ENDPOINT": self._hub_url,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
            "STREAMLIT_SERVER_PORT": str(port),
            "PORT": str(port),
            "PYTHONUNBUFFERED": "1",
            "SPACE_ID": repo.name.repo_id,
            "SPACE_HOST": f"127.0.0.1:{port}",
            **{key: str(entry["value"]) for key, entry in variables.items()},
            **secret_values(repo),
        }

    def _look_at(self, name: RepoName, running: _Running) -> None:
        code = running.process.poll()
        if code is not None:
            running.reader.join(1)
            del self._running[name]
            last = "\n".join(line for _, line in log_lines(running.log)[-10:])
            self._states[name] = State("RUNTIME_ERROR", error=f"the app ended with exit code {code}\n{last}")
        elif self._states[name].stage == "APP_STARTING" and answers(running.url):
            self._states[name] = replace(self._states[name], stage="RUNNING", url=running.url)

    def _end(self, name: RepoName) -> None:
        running = self._running.pop(name, None)
        if running is None:
            return
        for number, wait in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, None)):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(running.process.pid, number)  # its own session, and no other's
                running.process.wait(wait)
                break
        with suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)  # what it started and did not end
