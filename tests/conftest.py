"""What all tests share."""

import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

# Machines that test this are slow and shared: an example may take any time, and a run is the same on all of them.
settings.register_profile("project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

PROOFS = Path(__file__).resolve().parent.parent / "results" / "proofs"
PROOF_SEED = 20231206  # of whatever a proof draws at random


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full",
        action="store_true",
        help="run what is marked `proof` whole, not a tenth of it, and write results/proofs/",
    )


@pytest.fixture(scope="session")
def share(request: pytest.FixtureRequest) -> float:
    """How much of a proof to run: all of it for `make prove`, a tenth for `make test`."""
    return 1.0 if request.config.getoption("--full") else 0.1


@pytest.fixture(scope="session")
def record(share: float) -> Callable[..., None]:
    """`record(name, packages, **figures)` keeps what a whole proof found in results/proofs/<name>.json."""

    def write(name: str, packages: list[str], **figures: Any) -> None:
        if share < 1:
            return
        about = {
            "date": time.strftime("%Y-%m-%d"),
            "seed": PROOF_SEED,
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "versions": {package: version(package) for package in packages},
        }
        PROOFS.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**about, **figures}, indent=1, ensure_ascii=False) + "\n"
        (PROOFS / f"{name}.json").write_text(text, encoding="utf-8")

    return write


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, one for a module: while it is up, Playwright's event loop lets no `asyncio.run` begin."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing; `make test` installs it"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()
