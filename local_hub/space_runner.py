"""Runs Spaces on this machine, where the server was told to: each one a process, behind an address of its own.

To run a Space is to run somebody's code as the person who serves. So it happens only with `--run-spaces`, only where
nothing but this machine can call, and only for what a token that writes pushed. The process gets a clean environment
and a home of its own; none of the server's variables, and no token that is not one of the Space's own secrets.
"""

import logging
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_hub import space_child
from local_hub.names import RepoName
from local_hub.space_app import CannotRun, answers, check_out, command, free_port, last_words, page, secret_values
from local_hub.store import Repo

MAX_RUNNING = 4
_POLL = 0.2  # seconds
_GRACE = 3.0  # seconds between asking a Space to end and ending it
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_ALIVE = ("APP_STARTING", "RUNNING")
_log = logging.getLogger("local_hub")


@dataclass(frozen=True, eq=False)
class State:
    """How a Space stands; `stage` in the Hub's own words."""

    stage: str = "STOPPED"
    url: str | None = None
    error: str | None = None
    said: str = ""  # the log's last lines, for those who may write to the Space

    @property
    def alive(self) -> bool:
        return self.stage in _ALIVE


@dataclass(frozen=True)
class _Running:
    process: subprocess.Popen[bytes]  # space_child.py
    asked: State  # for as long as this is the Space's state, it has not answered yet
    port: int
    url: str


class SpaceRunner:
    """Starts and ends processes from one thread of its own, so that no request waits for a Space to end."""

    def __init__(self, folder: Path, hub_url: str) -> None:
        self._folder = folder
        self._hub_url = hub_url
        self._states: dict[RepoName, State] = {}
        self._lock = threading.Lock()  # over `_states`
        self._running: dict[RepoName, _Running] = {}
        self._orders: queue.Queue[Callable[[], None] | None] = queue.Queue()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # what Spaces print and download is for nobody else
        self._thread = threading.Thread(target=self._work, name="spaces", daemon=True)
        self._thread.start()

    def state(self, name: RepoName) -> State:
        return self._states.get(name, State())

    def log(self, name: RepoName) -> Path:
        return self._home(name) / "run.log"

    def start(self, repo: Repo) -> State:
        """Run the newest commit of the Space, instead of an older one that runs; see `state` for how it goes."""
        with self._lock:
            others = [name.repo_id for name, state in self._states.items() if name != repo.name and state.alive]
            if len(others) >= MAX_RUNNING:
                message = f"{MAX_RUNNING} Spaces run already: {', '.join(others)}; pause one first"
                asked = State("STOPPED", error=message)
            else:
                asked = State("APP_STARTING")
                self._orders.put(lambda: self._restart(repo, asked))
            self._states[repo.name] = asked
        return asked

    def changed(self, repo: Repo) -> None:
        """The Space has new files or another environment: run it so, unless it is paused."""
        if not repo.settings().get("paused"):
            self.start(repo)

    def stop(self, name: RepoName) -> State:
        with self._lock:
            self._states[name] = State("PAUSED")
            self._orders.put(lambda: self._end(name))
        return self._states[name]

    def forget(self, name: RepoName) -> None:
        """End a Space that is gone from there, and remove all that it left here."""
        with self._lock:
            self._states.pop(name, None)
            self._orders.put(lambda: self._clear(name))

    def stop_all(self) -> None:
        """End every Space and this runner."""
        self._orders.put(None)
        self._thread.join()

    def _home(self, name: RepoName) -> Path:
        return self._folder / name.namespace / name.name

    # What follows runs in the runner's own thread.

    def _work(self) -> None:
        while True:
            try:
                with suppress(queue.Empty):
                    order = self._orders.get(timeout=_POLL)
                    if order is None:
                        break
                    order()
                for name, running in list(self._running.items()):
                    self._look_at(name, running)
            except Exception:  # of one Space, and all the others need this thread
                _log.exception("running Spaces failed")
        self._end(*self._running)

    def _settle(self, name: RepoName, before: State, after: State) -> None:
        """Say how it went, unless something else has been asked of the Space meanwhile."""
        with self._lock:
            if self._states.get(name) is before:
                self._states[name] = after

    def _restart(self, repo: Repo, asked: State) -> None:
        name = repo.name
        self._end(name)
        if self._states.get(name) is not asked:
            return  # started anew, paused or deleted since: one start is enough for ten commits
        try:
            self._running[name] = self._launched(Repo(name, repo.path, repo.store), asked)
        except CannotRun as error:
            self._settle(name, asked, State(error.stage, error=str(error)))
        except OSError as error:
            self._settle(name, asked, State("RUNTIME_ERROR", error=f"cannot start: {error.strerror}"))
        except Exception:
            self._settle(name, asked, State("RUNTIME_ERROR", error="cannot start: see server.log"))
            raise

    def _launched(self, repo: Repo, asked: State) -> _Running:
        app = check_out(repo, self._home(repo.name) / "app")
        port = free_port()
        arguments, url = command(repo, app, port), f"http://127.0.0.1:{port}{page(repo)}"
        log = self.log(repo.name)
        for old in (log, log.with_name(f"{log.name}.1")):
            old.unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-I", space_child.__file__, str(log.absolute()), *arguments],
            cwd=app,
            env=self._environment(repo, app, port),
            stdin=subprocess.PIPE,  # never written to: it ends when we do
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # else Ctrl-C would reach it before us
        )
        return _Running(process, asked, port, url)

    def _environment(self, repo: Repo, app: Path, port: int) -> dict[str, str]:
        home = self._home(repo.name) / "home"
        home.mkdir(parents=True, exist_ok=True)
        variables = repo.settings().get("variables", {})
        return {
            **{key: value for key, value in os.environ.items() if key in _KEPT},
            "HOME": str(home.absolute()),
            "HF_ENDPOINT": self._hub_url,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(app.absolute()),  # as on the Hub, for an app file in a folder
            **{key: str(entry["value"]) for key, entry in variables.items()},
            **secret_values(repo),
            # Below what the Space says itself: at another port nobody would find it.
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
            "STREAMLIT_SERVER_PORT": str(port),
            "PORT": str(port),
            "SPACE_ID": repo.name.repo_id,
            "SPACE_HOST": f"127.0.0.1:{port}",
        }

    def _look_at(self, name: RepoName, running: _Running) -> None:
        code = running.process.poll()
        if code is not None:
            del self._running[name]
            state = self.state(name)
            if state.alive:
                error = f"the app ended with exit code {code}"
                self._settle(name, state, State("RUNTIME_ERROR", error=error, said=last_words(self.log(name))))
        elif self._states.get(name) is running.asked and answers(running.port):
            self._settle(name, running.asked, State("RUNNING", url=running.url))

    def _clear(self, name: RepoName) -> None:
        self._end(name)
        shutil.rmtree(self._home(name), ignore_errors=True)

    def _end(self, *names: RepoName) -> None:
        """Ask the Spaces to end, and end those that have not done so after three seconds."""
        ending = [self._running.pop(name).process for name in names if name in self._running]
        for process in ending:
            process.terminate()
        latest = time.monotonic() + _GRACE
        for process in ending:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, latest - time.monotonic()))
        for process in ending:
            assert process.stdin is not None
            process.stdin.close()  # for space_child.py that is our end, and the Space's
            process.wait()
