"""Spaces that misbehave, and those that are moved, deleted or paused at a bad moment: the others go on, and end."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import psutil
import pytest
from huggingface_hub import HfApi

from local_hub import serving
from local_hub.server import live_url
from tests.local_hub.test_spaces import APP, alive, answers, children, eventually, made, url_of

STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{APP}"
SLEEP = ["sleep", str(100_000 + os.getpid())]  # one that no other run of these tests has
PARENT = f"import subprocess\nsubprocess.Popen({SLEEP})\n{APP}"
IN_TURN = """
import itertools, os, time
for number in itertools.count():
    os.write(1, b"x" * (1 << 20))
    if number == 150:
        print("done", flush=True)
        time.sleep(600)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spaces")


@pytest.fixture(scope="module")
def api(root: Path) -> Iterator[HfApi]:
    with serving(root, run_spaces=True) as url:
        yield HfApi(endpoint=url, token="local")


def gone(api: HfApi, repo: str) -> None:
    api.delete_repo(repo, repo_type="space")


def ours() -> list[psutil.Process]:
    """The Spaces that the server in this process has running. A browser may be a child of it too."""
    found = []
    for child in psutil.Process(os.getpid()).children():
        with suppress(psutil.NoSuchProcess):
            if any("space_child.py" in word for word in child.cmdline()):
                found.append(child)
    return found


def test_a_space_deleted_while_another_ends_stops_nothing_else(api: HfApi) -> None:
    stubborn, short_lived = made(api, "stubborn", text=STUBBORN), made(api, "short-lived")
    url_of(api, stubborn), url_of(api, short_lived)
    api.restart_space(stubborn)  # takes the runner three seconds
    api.restart_space(short_lived)
    gone(api, short_lived)
    url_of(api, stubborn)
    after = made(api, "after")
    url_of(api, after)
    gone(api, stubborn)
    gone(api, after)


def test_what_a_space_started_ends_with_it(api: HfApi) -> None:
    repo = made(api, "parent", text=PARENT.replace(".serve_forever()", ".handle_request()"))
    # It answers one request, which is the runner's own, and ends.
    assert eventually(lambda: api.get_space_runtime(repo).stage == "RUNTIME_ERROR")
    assert eventually(lambda: not sleepers()), sleepers()
    gone(api, repo)


def sleepers() -> list[int]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["cmdline"] == SLEEP and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def test_what_a_space_started_ends_with_a_killed_server(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        api = HfApi(endpoint=live_url(tmp_path), token="local")
        url_of(api, made(api, "parent", text=PARENT))
        started = children(server.pid)
        assert len(sleepers()) == 1
        server.kill()
    assert eventually(lambda: not any(alive(child) for child in started), 5), started


@contextmanager
def served(root: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """A server in a process of its own, which can be killed."""
    command = [sys.executable, "-m", "local_hub", "serve", "--root", str(root), "--port", "0", "--run-spaces"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: live_url(root))
        yield process
    finally:
        process.terminate()
        process.wait(20)


def test_a_space_that_prints_without_end_costs_the_server_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        api = HfApi(endpoint=live_url(tmp_path), token="local")
        before = psutil.Process(server.pid).memory_info().rss
        repo = made(api, "endless", text=IN_TURN)
        log = tmp_path / "spaces" / repo / "run.log"
        assert eventually(lambda: log.exists() and log.read_bytes()[-5:] == b"done\n", 60)
        grown = psutil.Process(server.pid).memory_info().rss - before
        kept = sum(path.stat().st_size for path in log.parent.glob("run.log*"))
    assert grown < 30 << 20 and kept < 12 << 20, (grown, kept)


def test_odd_characters_do_not_tear_lines_of_the_log(api: HfApi) -> None:
    repo = made(api, "odd", text="print('one\\x0ctwo\\u2028three\\x85four')\nraise SystemExit(3)\n")
    api.wait_for_space(repo, timeout=30)
    printed = list(api.fetch_space_logs(repo))
    assert printed[-1] == "one\x0ctwo\u2028three\x85four\n", printed
    gone(api, repo)


def test_who_may_not_write_sees_no_line_of_the_log(api: HfApi) -> None:
    repo = made(api, "private-words", text="raise ValueError('of nobody else')\n")
    assert "of nobody else" in api.wait_for_space(repo, timeout=30).raw["errorMessage"]
    seen = api.get_space_runtime(repo, token=False)
    assert seen.stage == "RUNTIME_ERROR" and "exit code 1" in seen.raw["errorMessage"]
    assert "of nobody else" not in str(seen.raw)
    page = httpx2.get(f"{api.endpoint}/spaces/{repo}", headers={"accept": "text/html"}, trust_env=False)
    assert page.status_code == 200 and "of nobody else" not in page.text
    gone(api, repo)


def test_a_deleted_space_leaves_nothing_behind(api: HfApi, root: Path) -> None:
    repo = made(api, "forgotten")
    url = url_of(api, repo)
    folder = root / "spaces" / repo
    assert folder.is_dir() and not folder.parent.parent.stat().st_mode & 0o077
    gone(api, repo)
    assert eventually(lambda: not folder.exists() and not answers(url))


def test_a_paused_space_that_is_moved_runs_nowhere(api: HfApi) -> None:
    repo = made(api, "before")
    url_of(api, repo)
    api.pause_space(repo)
    assert eventually(lambda: not ours())
    api.move_repo(repo, "local/behind", repo_type="space")
    assert api.get_space_runtime("local/behind").stage == "PAUSED"
    time.sleep(1.5)
    assert not ours()
    gone(api, "local/behind")


def test_a_running_space_runs_on_where_it_was_moved(api: HfApi, root: Path) -> None:
    url = url_of(api, made(api, "here"))
    api.move_repo("local/here", "local/there", repo_type="space")
    assert httpx2.get(url_of(api, "local/there"), trust_env=False).json()["SPACE_ID"] == "local/there"
    assert eventually(lambda: not (root / "spaces/local/here").exists())
    gone(api, "local/there")
    assert eventually(lambda: not answers(url))


def test_a_paused_space_stays_so_when_the_server_starts_anew(tmp_path: Path) -> None:
    with serving(tmp_path, run_spaces=True) as url:
        api = HfApi(endpoint=url, token="local")
        api.pause_space(made(api, "resting"))
    with serving(tmp_path, run_spaces=True) as url:
        api = HfApi(endpoint=url, token="local")
        api.upload_file(repo_id="local/resting", repo_type="space", path_or_fileobj=b"x", path_in_repo="note.txt")
        api.add_space_variable("local/resting", "A", "b")
        time.sleep(1.5)
        assert api.get_space_runtime("local/resting").stage == "PAUSED" and not ours()
        api.restart_space("local/resting")
        url_of(api, "local/resting")


def test_a_copy_runs_with_what_it_was_given(api: HfApi) -> None:
    repo = made(api, "original", sdk="static", file="app.py")
    api.add_space_secret(repo, "KEY", "of the original")
    api.duplicate_repo(
        repo,
        "local/copy",
        repo_type="space",
        space_hardware="t4-small",
        space_secrets=[{"key": "OWN", "value": "of the copy"}],
        space_variables=[{"key": "MODEL", "value": "a/b"}],
    )
    card = b"---\nsdk: gradio\n---\n"
    assert api.get_space_runtime("local/copy").requested_hardware == "t4-small"
    assert eventually(lambda: api.get_space_runtime("local/copy").stage == "NO_APP_FILE")  # so it was started
    api.upload_file(repo_id="local/copy", repo_type="space", path_or_fileobj=card, path_in_repo="README.md")
    seen = httpx2.get(url_of(api, "local/copy"), trust_env=False).json()
    assert (seen["OWN"], seen["MODEL"], "KEY" in seen) == ("of the copy", "a/b", False)
    gone(api, repo)
    gone(api, "local/copy")


def test_a_variable_does_not_take_the_port_away(api: HfApi) -> None:
    repo = made(api, "ported")
    for key in ("PORT", "GRADIO_SERVER_PORT", "SPACE_ID"):
        api.add_space_variable(repo, key, "7860")
    seen = httpx2.get(url_of(api, repo), trust_env=False).json()
    assert seen["SPACE_ID"] == repo and seen["PORT"] == seen["GRADIO_SERVER_PORT"] != "7860"
    gone(api, repo)


def test_an_app_in_a_folder_finds_the_modules_beside_it_and_above(api: HfApi) -> None:
    repo = made(api, "nested", file="README.md", text="---\nsdk: gradio\napp_file: demo/app.py\n---\n")
    files = {"demo/app.py": "import above\nimport beside\n" + APP, "demo/beside.py": "", "above.py": ""}
    for path, text in files.items():
        api.upload_file(repo_id=repo, repo_type="space", path_or_fileobj=text.encode(), path_in_repo=path)
    url_of(api, repo)
    gone(api, repo)


def test_a_static_space_opens_at_its_app_file(api: HfApi) -> None:
    repo = made(api, "page", file="README.md", text="---\nsdk: static\napp_file: site/my page.html\n---\n")
    api.upload_file(repo_id=repo, repo_type="space", path_or_fileobj=b"<h1>1</h1>", path_in_repo="site/my page.html")
    assert httpx2.get(url_of(api, repo), trust_env=False).text == "<h1>1</h1>"
    gone(api, repo)


def test_the_hardware_is_this_machine(api: HfApi) -> None:
    (machine,) = api.list_spaces_hardware()
    assert (machine.name, machine.unit_cost_usd, machine.accelerator) == ("cpu-basic", 0, None)


def test_a_log_is_followed_to_the_end_of_its_space(api: HfApi) -> None:
    counting = "import time\nfor n in range(8):\n    print(n, flush=True)\n    time.sleep(0.3)\n"
    repo = made(api, "counting", text=counting)
    numbers = [line for line in api.fetch_space_logs(repo, follow=True) if line.strip().isdecimal()]
    assert numbers == [f"{n}\n" for n in range(8)]
    api.restart_space(repo)
    head = {"Authorization": "Bearer local"}
    assert httpx2.head(f"{api.endpoint}/api/spaces/{repo}/logs/run", headers=head, trust_env=False, timeout=2)
    gone(api, repo)


def test_stubborn_spaces_hold_a_shutdown_up_for_three_seconds_in_all(tmp_path: Path) -> None:
    with serving(tmp_path, run_spaces=True) as url:
        api = HfApi(endpoint=url, token="local")
        for repo in [made(api, f"stubborn-{number}", text=STUBBORN) for number in range(3)]:
            url_of(api, repo)
        began = time.monotonic()
    assert time.monotonic() - began < 6 and not ours()
