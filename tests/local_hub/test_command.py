"""`python -m local_hub`: serve, and run one command against it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from local_hub import HubBusy, serving
from local_hub.server import live_url

LOCAL_HUB = [sys.executable, "-m", "local_hub"]
ASK_WHO = """
import os, urllib.request as web
token = {"Authorization": "Bearer " + os.environ["HF_TOKEN"]}
print(web.urlopen(web.Request(os.environ["HF_ENDPOINT"] + "/api/whoami-v2", headers=token)).status)
"""


def local_hub(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LOCAL_HUB, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )


@contextmanager
def served(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*LOCAL_HUB, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Local Hub at http://")
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@pytest.mark.parametrize(
    ("script", "code"),
    [("", 0), ("raise SystemExit(7)", 7), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137)],
)
def test_run_ends_with_the_commands_own_exit_code(tmp_path: Path, script: str, code: int) -> None:
    assert local_hub("run", "--root", str(tmp_path), "--", sys.executable, "-c", script).returncode == code


def test_run_gives_the_command_our_hub_and_token_and_its_output_untouched(tmp_path: Path) -> None:
    done = local_hub(
        "run", "--root", str(tmp_path), "--", sys.executable, "-c", ASK_WHO,
        HF_TOKEN="hf_a_real_one", HF_HUB_OFFLINE="1", http_proxy="http://127.0.0.1:9", HF_ENDPOINT="http://127.0.0.1:9",
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "200\n", "")
    assert not (tmp_path / "server.json").exists()
    assert "whoami-v2" in (tmp_path / "server.log").read_text()
    assert "hf_a_real_one" not in (tmp_path / "server.log").read_text()


def test_run_replaces_what_would_keep_clients_from_the_hub(tmp_path: Path) -> None:
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    done = local_hub(
        "run", "--root", str(tmp_path), "--", sys.executable, "-c", script,
        HF_HUB_OFFLINE="1", HF_HUB_DISABLE_IMPLICIT_TOKEN="1", HUGGING_FACE_HUB_TOKEN="hf_x", NO_PROXY="example.org",
    )  # fmt: skip
    seen = json.loads(done.stdout)
    assert seen["HF_TOKEN"] == "local"
    assert seen["NO_PROXY"] == seen["no_proxy"] == "example.org,127.0.0.1,localhost"
    assert not {"HF_HUB_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HUGGING_FACE_HUB_TOKEN"} & set(seen)


def test_run_uses_the_server_that_holds_the_root(tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        script = "import os; print(os.environ['HF_ENDPOINT'])"
        done = local_hub("run", "--root", str(tmp_path), "--", sys.executable, "-c", script)
        assert (done.returncode, done.stdout) == (0, f"{url}\n")
        assert live_url(tmp_path) == url


def test_run_names_a_command_that_does_not_exist(tmp_path: Path) -> None:
    done = local_hub("run", "--root", str(tmp_path), "--", "no-such-command")
    assert done.returncode == 127
    assert done.stderr.count("\n") == 1 and "no-such-command" in done.stderr


def test_run_passes_sigterm_to_the_command(tmp_path: Path) -> None:
    script = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(5)); print('up', flush=True); time.sleep(30)"
    )
    command = [*LOCAL_HUB, "run", "--root", str(tmp_path), "--", sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 5


def test_a_second_server_on_the_root_is_told_who_holds_it(tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        done = local_hub("serve", "--root", str(tmp_path), "--port", "0")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and url in done.stderr
        with pytest.raises(HubBusy, match="is held by"), serving(tmp_path):
            raise AssertionError("two servers on one root")


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as url:
        port = url.rpartition(":")[2]
        done = local_hub("serve", "--root", str(tmp_path / "two"), "--port", port)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and port in done.stderr and "--port" in done.stderr


def test_a_root_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = local_hub("serve", "--root", str(tmp_path / "file" / "hub"), "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_tidies_up_when_asked_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    with served("--root", str(tmp_path), "--port", "0") as process:
        assert json.loads((tmp_path / "server.json").read_text())["pid"] == process.pid
        while live_url(tmp_path) is None:
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
    assert not (tmp_path / "server.json").exists()


def test_a_killed_server_leaves_a_root_that_serves_again(tmp_path: Path) -> None:
    with served("--root", str(tmp_path), "--port", "0"):
        while (url := live_url(tmp_path)) is None:
            time.sleep(0.02)
        user = {"Authorization": "Bearer local"}
        httpx2.post(f"{url}/api/repos/create", json={"name": "kept"}, headers=user, trust_env=False).raise_for_status()
    bare = tmp_path / "repos/models/local/kept.git"
    (bare / "refs/heads/main.lock").write_text("")  # what libgit2 leaves when it is killed while it moves a ref
    (tmp_path / "tmp" / "draft").write_bytes(b"half a file")
    assert live_url(tmp_path) is None
    with serving(tmp_path) as url:
        line = b'{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"a","content":"b"}}\n'
        answer = httpx2.post(f"{url}/api/models/local/kept/commit/main", content=line, headers=user, trust_env=False)
        assert answer.status_code == 200
        assert list((tmp_path / "tmp").iterdir()) == []


def test_beyond_loopback_a_token_is_made_and_the_development_token_does_not_count(tmp_path: Path) -> None:
    with served("--root", str(tmp_path), "--host", "0.0.0.0", "--port", "0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        settings = dict(item.split("=") for item in process.stdout.readline().split()[1:])
        token, port = settings["HF_TOKEN"], settings["HF_ENDPOINT"].rpartition(":")[2]
        while live_url(tmp_path) is None:
            time.sleep(0.02)

        def asked_with(given: str) -> int:
            headers = {"Authorization": f"Bearer {given}"}
            return httpx2.get(f"http://127.0.0.1:{port}/api/whoami-v2", headers=headers, trust_env=False).status_code

        assert (asked_with("local"), asked_with(token)) == (401, 200)
        kept = "".join(path.read_text() for path in tmp_path.iterdir() if path.is_file())
        assert token not in kept
        done = local_hub("run", "--root", str(tmp_path), "--", "true")
        assert done.returncode == 1 and "HF_TOKEN" in done.stderr and done.stderr.count("\n") == 1
    with served("--root", str(tmp_path), "--host", "0.0.0.0", "--port", "0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert "HF_TOKEN=$TOKEN" in process.stdout.readline(), "a second start makes no further token"


def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    root = ("--root", str(tmp_path))
    token = local_hub("token", "create", "alice", "--org", "lab", *root).stdout.strip()
    listed = local_hub("token", "list", *root).stdout
    assert token not in listed
    token_id, user, role, orgs, _ = listed.rstrip("\n").split("\t")
    assert (user, role, orgs) == ("alice", "write", "lab")
    assert local_hub("token", "revoke", token_id, *root).returncode == 0
    assert local_hub("token", "list", *root).stdout == ""
    again = local_hub("token", "revoke", token_id, *root)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("arguments", [["gc"], ["token", "list"], ["token", "revoke", "1"]])
def test_a_mistyped_root_is_named_and_not_made(tmp_path: Path, arguments: list[str]) -> None:
    done = local_hub(*arguments, "--root", str(tmp_path / "typo"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "typo" in done.stderr
    assert not (tmp_path / "typo").exists()


def test_an_address_of_another_machine_is_one_clear_line(tmp_path: Path) -> None:
    done = local_hub("serve", "--root", str(tmp_path), "--host", "192.0.2.1", "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "--host" in done.stderr


def test_two_users_whose_names_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    assert local_hub("token", "create", "alice", "--root", str(tmp_path)).returncode == 0
    done = local_hub("token", "create", "Alice", "--root", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "") and "'alice'" in done.stderr


@pytest.mark.parametrize("arguments", [["../x"], ["alice", "--role", "owner"]])
def test_a_token_that_cannot_be_made_is_one_clear_line(tmp_path: Path, arguments: list[str]) -> None:
    done = local_hub("token", "create", *arguments, "--root", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_gc_waits_for_no_server_and_says_what_it_freed(tmp_path: Path) -> None:
    with serving(tmp_path):
        done = local_hub("gc", "--root", str(tmp_path))
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    done = local_hub("gc", "--root", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "freed 0 bytes: 0 large files, 0 xorbs\n")
