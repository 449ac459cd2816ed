import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local_hub import serving

SCRIPTS = Path(__file__).parent / "clients"


@pytest.fixture(scope="session")
def hub_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="session")
def hub(hub_root: Path) -> Iterator[str]:
    with serving(hub_root) as url:
        yield url


@dataclass(frozen=True)
class Clients:
    """Unmodified clients, each in a fresh process: HF_ENDPOINT and HF_HOME are read at import."""

    url: str
    hf_home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """A clean one, so that nothing of the developer's own Hub login reaches a test."""
        ours = ("HF_", "HUGGING", "TRANSFORMERS_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        own = {"HF_ENDPOINT": self.url, "HF_TOKEN": "local", "HF_HOME": str(self.hf_home)}
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1,localhost"}
        return {**kept, **own, **quiet, **more}

    def run(self, command: list[str], **more: str) -> str:
        """Standard output of a command that must succeed."""
        finished = subprocess.run(command, env=self.environment(**more), capture_output=True, text=True, timeout=120)
        assert finished.returncode == 0, finished.stdout[-1000:] + finished.stderr[-4000:]
        return finished.stdout

    def script(self, name: str, *arguments: str, **more: str) -> dict[str, Any]:
        """The JSON on the last line of clients/<name>.py."""
        output = self.run([sys.executable, str(SCRIPTS / f"{name}.py"), *arguments], **more)
        answer: dict[str, Any] = json.loads(output.splitlines()[-1])
        return answer


@pytest.fixture(scope="session")
def clients(hub: str, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    return Clients(hub, tmp_path_factory.mktemp("hf-home"))


@pytest.fixture(scope="session")
def user(hub: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hub, headers={"Authorization": "Bearer local"}, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(hub: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hub, trust_env=False) as client:
        yield client
