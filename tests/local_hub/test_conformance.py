"""The conformance suite: what clients of every kind, all unmodified, see of this Hub.

A check is a public function of a module in conformance/. Each runs in a process and an HF_HOME of its own, once with
Xet and once without. The checks of huggingface_hub alone run with its two former minor versions as well.
"""

import ast
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local_hub import serving
from tests.conftest import PROOF_SEED

pytestmark = pytest.mark.proof

HERE = Path(__file__).parent / "conformance"
HUB_ALONE = (  # need no more than huggingface_hub
    "hub_repos", "hub_files", "hub_commits", "hub_refs", "hub_discussions", "hub_access", "hub_spaces",
    "hub_downloads", "hub_cards", "filesystem", "cli", "traps",
)  # fmt: skip
MODULES = (*HUB_ALONE, "datasets_", "transformers_", "gradio_", "frames")
OLDER = ("2.3.0", "2.2.0")
CLIENTS = Path(__file__).resolve().parents[2] / "build" / "clients"


class Job(NamedTuple):
    """One check by one road."""

    module: str
    check: str
    road: str  # "xet" or "lfs"


class Outcome(NamedTuple):
    job: Job
    passed: bool
    said: str


def checks(module: str) -> list[str]:
    """Names of the public functions, read and not imported: that would take seconds, and need every client here."""
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    return [n.name for n in tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]


ROADS = ("xet", "lfs")
JOBS = [Job(module, check, road) for module in MODULES for check in checks(module) for road in ROADS]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "job" in metafunc.fixturenames:
        jobs = JOBS if metafunc.config.getoption("--full") else a_tenth()
        metafunc.parametrize("job", jobs, ids="-".join)


def a_tenth() -> list[Job]:
    """A tenth of the checks, each by one of the roads."""
    dice = random.Random(PROOF_SEED)
    both = dice.sample(JOBS[:: len(ROADS)], len(JOBS) // len(ROADS) // 10)
    return sorted((job._replace(road=dice.choice(ROADS)) for job in both), key=JOBS.index)


def run_check(job: Job, clients: Any, root: Path, python: str = sys.executable) -> Outcome:
    """`root` is the Hub's, for the checks that make a token there."""
    more = {"LOCAL_HUB_ROOT": str(root), "LOCAL_HUB_PYTHON": sys.executable}
    if job.road == "lfs":
        more["HF_HUB_DISABLE_XET"] = "1"
    with tempfile.TemporaryDirectory(prefix="hf-home-", ignore_cleanup_errors=True) as home:
        environment = replace(clients, hf_home=Path(home)).environment(**more)
        command = [python, str(HERE / "run_check.py"), *job]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
        except subprocess.TimeoutExpired as error:
            return Outcome(job, False, f"still running after {error.timeout:.0f} s")
    return Outcome(job, done.returncode == 0, done.stdout[-1000:] + done.stderr[-4000:])


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, clients: Any, hub_root: Path) -> Iterator[dict[Job, Future[Outcome]]]:
    """Every check that was asked for, run two at a time ahead of the tests that report them."""
    items = [item for item in request.session.items if item.path == request.path]
    asked = [item.callspec.params["job"] for item in items if "job" in getattr(item, "fixturenames", ())]
    pool = ThreadPoolExecutor(2)
    yield {job: pool.submit(run_check, job, clients, hub_root) for job in asked}
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def older_outcomes() -> dict[str, list[Outcome]]:
    """What test_an_older_client leaves for the record."""
    return {}


def test_there_are_at_least_120_checks() -> None:
    names = [name for module in MODULES for name in checks(module)]
    assert len(names) >= 120
    assert len(JOBS) == 2 * len(names)
    every_module = {path.stem for path in HERE.glob("*.py")} - {"place", "run_check"}
    assert every_module == set(MODULES)


def test_conformance(job: Job, outcomes: dict[Job, Future[Outcome]]) -> None:
    outcome = outcomes[job].result()
    assert outcome.passed, outcome.said


@pytest.mark.parametrize("version", OLDER)
def test_an_older_client(
    version: str, share: float, clients: Any, tmp_path: Path, older_outcomes: dict[str, list[Outcome]]
) -> None:
    if share < 1:
        pytest.skip("older clients are installed for the whole proof only")
    python = installed(version)
    with serving(tmp_path / "hub") as url, ThreadPoolExecutor(2) as pool:
        jobs = [job for job in JOBS if job.module in HUB_ALONE]
        here = replace(clients, url=url)
        done = list(pool.map(lambda job: run_check(job, here, tmp_path / "hub", python), jobs))
    older_outcomes[version] = done
    failed = [f"{'-'.join(outcome.job)}\n{outcome.said}" for outcome in done if not outcome.passed]
    assert not failed, "\n\n".join(failed)


def installed(version: str) -> str:
    """The Python of a virtual environment with that huggingface_hub beside ours; the test is skipped without one."""
    python = CLIENTS / version / "bin" / "python"
    wanted = [f"huggingface_hub=={version}", "hf_xet", "jinja2"]  # jinja2 fills in templates of cards
    for command in (
        [sys.executable, "-m", "venv", str(CLIENTS / version)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            pytest.skip(f"huggingface_hub {version} cannot be installed: {done.stderr[-300:]}")
    return str(python)


def test_what_was_found_is_kept(
    share: float,
    outcomes: dict[Job, Future[Outcome]],
    older_outcomes: dict[str, list[Outcome]],
    record: Callable[..., None],
) -> None:
    """Last, for it counts what the tests before it saw."""
    if share < 1:
        pytest.skip("a tenth is no record")
    passed = [job for job, future in outcomes.items() if future.result().passed]
    assert len(passed) == len(JOBS), f"{len(JOBS) - len(passed)} of {len(JOBS)} failed or were not asked for"
    packages = ["huggingface-hub", "hf-xet", "datasets", "transformers", "gradio", "pandas", "polars"]
    older = {version: sum(outcome.passed for outcome in done) for version, done in older_outcomes.items()}
    roads = Counter(job.road for job in passed)
    by_module = Counter(job.module for job in passed)
    record("local_hub_conformance", packages, checks=len(JOBS) // 2, **roads, by_module=by_module, older=older)
