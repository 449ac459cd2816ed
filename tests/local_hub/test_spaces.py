"""Spaces that run on this machine: real processes, asked about through the unmodified huggingface_hub."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psutil
import pytest
from huggingface_hub import HfApi

from local_hub import HubBusy, serving
from local_hub.server import live_url

# Answers with its environment; a real app's server is not needed to see whether it is started as it should be.
APP = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
print("hello from the app", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["GRADIO_SERVER_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spaces")


@pytest.fixture(scope="module")
def api(root: Path) -> Iterator[HfApi]:
    os.environ["A_SECRET_OF_THE_SERVER"] = "not for a Space"
    with serving(root, run_spaces=True) as url:
        yield HfApi(endpoint=url, token="local")
    del os.environ["A_SECRET_OF_THE_SERVER"]


def made(api: HfApi, name: str, sdk: str = "gradio", file: str = "app.py", text: str = APP) -> str:
    repo = f"local/{name}"
    api.create_repo(repo, repo_type="space", space_sdk=sdk)
    api.upload_file(repo_id=repo, repo_type="space", path_or_fileobj=text.encode(), path_in_repo=file)
    return repo


def url_of(api: HfApi, repo: str) -> str:
    runtime = api.wait_for_space(repo, timeout=30)
    assert runtime.stage == "RUNNING", runtime.raw
    return str(runtime.raw["url"])


def eventually(check: Callable[[], object], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.1)
    return False


def test_a_pushed_space_runs_with_its_variables_and_secrets_and_nothing_of_the_servers(api: HfApi, root: Path) -> None:
    repo = made(api, "environment")
    first = url_of(api, repo)
    api.add_space_variable(repo, "MODEL", "local/soulchat")
    api.add_space_secret(repo, "API_KEY", "a-value-to-keep")
    seen = httpx2.get(url_of(api, repo), trust_env=False).json()
    assert (seen["MODEL"], seen["API_KEY"], seen["SPACE_ID"]) == ("local/soulchat", "a-value-to-keep", repo)
    assert seen["HF_ENDPOINT"] == api.endpoint
    assert "A_SECRET_OF_THE_SERVER" not in seen and "HF_TOKEN" not in seen
    assert Path(seen["HOME"]).is_relative_to(root)
    assert eventually(lambda: not answers(first)), "the process of before the change has ended"
    api.delete_space_secret(repo, "API_KEY")
    assert "API_KEY" not in httpx2.get(url_of(api, repo), trust_env=False).json()


def answers(url: str) -> bool:
    try:
        httpx2.get(url, trust_env=False)
    except httpx2.HTTPError:
        return False
    return True


def test_a_secrets_value_is_in_no_answer_no_log_and_no_file_that_others_read(api: HfApi, root: Path) -> None:
    repo = made(api, "secretive")
    api.add_space_secret(repo, "API_KEY", "the-value-itself", description="a key")
    headers = {"Authorization": "Bearer local"}
    for path in ("secrets", "variables", "runtime", ""):
        answer = httpx2.get(f"{api.endpoint}/api/spaces/{repo}/{path}".rstrip("/"), headers=headers, trust_env=False)
        assert answer.status_code == 200 and "the-value-itself" not in answer.text
    assert api.get_space_secrets(repo)["API_KEY"].description == "a key"
    url_of(api, repo)
    holding = [path for path in root.rglob("*") if path.is_file() and b"the-value-itself" in path.read_bytes()]
    assert [path.name for path in holding] == ["space-secrets.json"]
    assert stat.S_IMODE(holding[0].stat().st_mode) == 0o600
    api.delete_repo(repo, repo_type="space")
    assert not holding[0].exists()


def test_a_new_commit_runs_in_place_of_the_old_one(api: HfApi) -> None:
    repo = made(api, "renewed")
    url_of(api, repo)
    newer = APP.replace("json.dumps(dict(os.environ)).encode()", "b'newer'").encode()
    api.upload_file(repo_id=repo, repo_type="space", path_or_fileobj=newer, path_in_repo="app.py")
    assert httpx2.get(url_of(api, repo), trust_env=False).text == "newer"
    api.pause_space(repo)


def test_the_page_of_a_running_space_links_to_it(api: HfApi) -> None:
    repo = made(api, "linked")
    url = url_of(api, repo)
    page = httpx2.get(f"{api.endpoint}/spaces/{repo}", headers={"Accept": "text/html"}, trust_env=False)
    assert f'<a href="{url}"' in page.text
    api.pause_space(repo)
    page = httpx2.get(f"{api.endpoint}/spaces/{repo}", headers={"Accept": "text/html"}, trust_env=False)
    assert url not in page.text and "paused" in page.text


def test_a_paused_space_stays_so_until_it_is_restarted(api: HfApi) -> None:
    repo = made(api, "paused")
    url = url_of(api, repo)
    assert api.pause_space(repo).stage == "PAUSED"
    assert eventually(lambda: not answers(url))
    api.upload_file(repo_id=repo, repo_type="space", path_or_fileobj=b"x", path_in_repo="note.txt")
    assert api.get_space_runtime(repo).stage == "PAUSED"
    assert api.restart_space(repo).stage == "APP_STARTING"
    url_of(api, repo)
    api.delete_repo(repo, repo_type="space")


def test_a_space_that_fails_says_why(api: HfApi) -> None:
    repo = made(api, "broken", text="print('so far', flush=True)\nimport no_such_library")
    runtime = api.wait_for_space(repo, timeout=30)
    assert runtime.stage == "RUNTIME_ERROR"
    assert "exit code 1" in runtime.raw["errorMessage"] and "no_such_library" in runtime.raw["errorMessage"]
    printed = "".join(api.fetch_space_logs(repo))
    assert printed.startswith("so far\n") and "ModuleNotFoundError" in printed
    assert list(api.fetch_space_logs(repo, build=True)) == []


def test_the_log_of_a_running_space_is_read_without_waiting_for_its_end(api: HfApi) -> None:
    repo = made(api, "talkative")
    url_of(api, repo)
    assert "hello from the app" in "".join(api.fetch_space_logs(repo))
    api.pause_space(repo)


@pytest.mark.parametrize(
    ("sdk", "file", "stage"),
    [("docker", "Dockerfile", "CONFIG_ERROR"), ("gradio", "other.py", "NO_APP_FILE")],
)
def test_a_space_that_cannot_run_here_says_so(api: HfApi, sdk: str, file: str, stage: str) -> None:
    repo = made(api, f"cannot-{sdk}", sdk=sdk, file=file)
    runtime = api.wait_for_space(repo, timeout=30)
    assert runtime.stage == stage and runtime.raw["errorMessage"]


@pytest.mark.parametrize("app", ["../../../../../../../etc/passwd", "/etc/passwd"])
def test_no_app_file_outside_the_space_is_run(api: HfApi, app: str) -> None:
    repo = made(api, f"outside-{len(app)}", file="README.md", text=f"---\nsdk: gradio\napp_file: {app}\n---\n")
    assert api.wait_for_space(repo, timeout=30).stage == "NO_APP_FILE"


def test_a_static_space_is_served(api: HfApi) -> None:
    repo = made(api, "static", sdk="static", file="index.html", text="<h1>hello</h1>")
    assert httpx2.get(url_of(api, repo), trust_env=False).text == "<h1>hello</h1>"
    api.pause_space(repo)


def test_hardware_and_sleep_time_are_kept(api: HfApi) -> None:
    repo = made(api, "hardware", sdk="docker", file="x")
    assert api.request_space_hardware(repo, "t4-medium", sleep_time=3600).requested_hardware == "t4-medium"
    assert api.set_space_sleep_time(repo, 60).sleep_time == 60
    assert api.get_space_runtime(repo).hardware is None


def test_secrets_and_variables_come_with_a_new_space(api: HfApi) -> None:
    api.create_repo(
        "local/furnished",
        repo_type="space",
        space_sdk="docker",
        space_secrets=[{"key": "A", "value": "1"}],
        space_variables=[{"key": "B", "value": "2"}],
    )
    assert list(api.get_space_secrets("local/furnished")) == ["A"]
    assert api.get_space_variables("local/furnished")["B"].value == "2"


def test_no_more_than_a_few_run_at_once(api: HfApi) -> None:
    made_now = [made(api, f"crowd-{number}") for number in range(6)]
    stages = [api.wait_for_space(repo, timeout=30) for repo in made_now]
    refused = [runtime.raw["errorMessage"] for runtime in stages if runtime.stage == "STOPPED"]
    assert refused and "pause one first" in refused[0]
    for repo in made_now:
        api.delete_repo(repo, repo_type="space")


def test_a_real_gradio_app_runs(api: HfApi) -> None:
    app = (
        "import gradio as gr\ngr.Interface(lambda name: 'hello ' + name, 'text', 'text', api_name='greet').launch()\n"
    )
    repo = made(api, "gradio", text=app)
    runtime = api.wait_for_space(repo, timeout=60)
    assert runtime.stage == "RUNNING", runtime.raw
    assert "gradio" in httpx2.get(runtime.raw["url"], trust_env=False).text
    assert api.space_info(repo).host == runtime.raw["url"]
    ask = f"from gradio_client import Client; print(Client({repo!r}, verbose=False).predict('you', api_name='/greet'))"
    environment = {**os.environ, "HF_ENDPOINT": api.endpoint, "HF_TOKEN": "local"}
    said = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, timeout=60)
    assert said.stdout == "hello you\n", said.stderr
    api.pause_space(repo)


def children(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children(recursive=True) if alive(child)]


def alive(process: psutil.Process) -> bool:
    """One that has ended and waits to be reaped, here by a slow init, is not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_spaces_end_with_the_server_and_start_with_it(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "local_hub", "serve", "--root", str(tmp_path), "--port", "0", "--run-spaces"]
    for turn in range(2):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            assert eventually(lambda: live_url(tmp_path))
            api = HfApi(endpoint=live_url(tmp_path), token="local")
            if turn == 0:
                made(api, "kept")
            url = url_of(api, "local/kept")
            started = children(server.pid)
            assert started
            server.send_signal(number)
            server.wait(20)
        assert eventually(lambda: not any(alive(child) for child in started), 5)  # noqa: B023
        assert not answers(url)


def test_spaces_do_not_run_where_others_can_call(tmp_path: Path) -> None:
    with pytest.raises(HubBusy, match="loopback only"), serving(tmp_path, host="0.0.0.0", run_spaces=True):
        raise AssertionError("Spaces of others would run")


def test_without_being_told_to_the_server_runs_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        api = HfApi(endpoint=url, token="local")
        repo = made(api, "stored")
        assert api.get_space_runtime(repo).stage == "STOPPED"
        assert list(api.fetch_space_logs(repo)) == []
