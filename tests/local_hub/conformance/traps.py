"""A regression test for each trap that clients set a server, numbered as we met them; datasets_ has 5 to 7."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, constants, get_session
from place import SOURCE, Place, hf, run, server, sha256


def trap_1_agent_harnesses_have_the_shape_that_clients_cache(at: Place) -> None:
    at.api.whoami()
    answer = get_session().get(f"{at.endpoint}/api/agent-harnesses").json()
    assert answer == {"standardEnvVars": [], "harnesses": {}}
    for _ in range(2):  # the second process reads what the first one cached
        assert "local" in hf("auth", "whoami")


def trap_2_a_wiped_store_takes_what_the_client_remembers_uploading(at: Place) -> None:
    source = at.folder({"a.bin": at.noise(2_000_000)}) / "a.bin"
    root, port = at.work / "hub", _free_port()
    for _ in range(2):  # the same address and the same HF_HOME: only the store's own id tells the two apart
        with _serving(root, port) as url:
            hf("upload", "local/again", str(source), "a.bin", HF_ENDPOINT=url)
            hf("download", "local/again", "a.bin", "--local-dir", str(at.work / "down"), HF_ENDPOINT=url)
            assert sha256(at.work / "down" / "a.bin") == sha256(source)
        shutil.rmtree(root)
        shutil.rmtree(at.work / "down")


def trap_2_a_kept_store_serves_the_same_address_after_a_restart(at: Place) -> None:
    source = at.folder({"a.bin": at.noise(2_000_000)}) / "a.bin"
    root, port = at.work / "hub", _free_port()
    for name in ("a.bin", "b.bin"):
        with _serving(root, port) as url:
            hf("upload", "local/again", str(source), name, HF_ENDPOINT=url)
    with _serving(root, port) as url:
        hf("download", "local/again", "--local-dir", str(at.work / "down"), HF_ENDPOINT=url)
    assert sha256(at.work / "down" / "a.bin") == sha256(at.work / "down" / "b.bin") == sha256(source)


def trap_3_a_large_folder_is_several_commits_and_create_commit_is_one(at: Place) -> None:
    files = {f"{number:03}.txt": str(number) for number in range(300)}
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder(files))
    parts = len(at.api.list_repo_commits(at.repo)) - 1
    assert parts == 1 if constants.HF_HUB_DISABLE_XET else parts > 1  # only the pipeline for Xet cuts it up
    at.new("-whole")
    operations = [CommitOperationAdd(path, text.encode()) for path, text in files.items()]
    at.api.create_commit(f"{at.repo}-whole", operations, commit_message="Release")
    assert [commit.title for commit in at.api.list_repo_commits(f"{at.repo}-whole")] == ["Release", "initial commit"]
    assert len(at.api.list_repo_files(f"{at.repo}-whole")) == 301


def trap_3_a_large_folder_can_still_be_one_pull_request(at: Place) -> None:
    at.new()
    files = {f"{number:03}.txt": str(number) for number in range(300)}
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder(files), create_pr=True)
    assert (len(at.files()), len(at.files(revision="refs/pr/1"))) == (0, 300)
    assert [found.num for found in at.api.get_repo_discussions(at.repo)] == [1]


def trap_4_the_endpoint_is_read_when_python_imports_the_client(at: Place) -> None:
    os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    assert HfApi().endpoint == constants.ENDPOINT != os.environ["HF_ENDPOINT"]
    HfApi().whoami()


def trap_4_run_sets_the_environment_before_its_command_starts(at: Place) -> None:
    command = [sys.executable, "-c", "from huggingface_hub import HfApi; print(HfApi().endpoint, HfApi().whoami())"]
    output = server(["run", "--root", str(at.work / "hub"), "--", *command], HF_ENDPOINT="", HF_TOKEN="hf_real")
    assert output.startswith("http://127.0.0.1:") and not output.startswith(at.endpoint), output
    assert "'name': 'local'" in output


def trap_6_a_server_that_is_down_is_noticed_at_once(at: Place) -> None:
    root = at.work / "hub"
    with _serving(root, _free_port()) as url:
        assert get_session().get(f"{url}/api/local-hub").json() == {"local_hub": (root / "store-id").read_text()}
    try:
        get_session().get(f"{url}/api/local-hub", timeout=5)
    except Exception as error:  # the class is httpx's or httpx2's, as the client's version has it
        assert type(error).__name__ == "ConnectError"
    else:
        raise AssertionError


def trap_8_the_upload_address_is_signed_since_no_token_comes(at: Place) -> None:
    at.new(private=True)
    data = at.noise(1_000)
    headers = {"authorization": "Bearer local", "content-type": "application/vnd.git-lfs+json"}
    wanted = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": sha256(data), "size": 1_000}]}
    batch = f"{at.endpoint}/{at.repo}.git/info/lfs/objects/batch"
    answer = get_session().post(batch, json=wanted, headers=headers).json()
    address = answer["objects"][0]["actions"]["upload"]["href"]
    assert get_session().put(address[:-1], content=data).status_code == 401
    assert get_session().put(address, content=b"x" * 1_000).status_code == 400
    assert get_session().put(address, content=data).status_code == 200
    at.api.upload_file(repo_id=at.repo, path_or_fileobj=data, path_in_repo="a.bin")
    assert Path(at.api.hf_hub_download(at.repo, "a.bin")).read_bytes() == data


def trap_9_no_proxy_keeps_every_byte_on_this_machine(at: Place) -> None:
    dead = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    source = at.folder({"a.bin": at.noise(200_000)}) / "a.bin"
    hf("upload", at.repo, str(source), "a.bin", **dead)
    hf("download", at.repo, "a.bin", "--local-dir", str(at.work / "down"), **dead)
    assert sha256(at.work / "down" / "a.bin") == sha256(source)


def trap_9_run_sets_no_proxy_itself(at: Place) -> None:
    dead = dict.fromkeys(("HTTP_PROXY", "ALL_PROXY", "http_proxy"), "http://127.0.0.1:9")
    source = at.folder({"a.bin": at.noise(200_000)}) / "a.bin"
    command = [str(Path(sys.executable).with_name("hf")), "upload", "local/proxied", str(source), "a.bin"]
    server(["run", "--root", str(at.work / "hub"), "--", *command], NO_PROXY="", no_proxy="", **dead)


def trap_10_a_saved_token_is_refused_and_hf_token_goes_before_it(at: Place) -> None:
    Path(constants.HF_TOKEN_PATH).write_text("hf_realAndSaved")
    assert "local" in hf("auth", "whoami")
    script = "from huggingface_hub import HfApi; HfApi().whoami()"
    try:
        run([sys.executable, "-c", script], HF_TOKEN="")
    except AssertionError as error:
        assert "Invalid user token" in str(error)
    else:
        raise AssertionError("a saved token of the real Hub was accepted")


def trap_10_no_token_of_a_client_is_kept(at: Place) -> None:
    secret = "hf_" + sha256(at.noise(10))
    try:
        HfApi(token=secret).whoami()
    except Exception:
        found = [p for p in Path(os.environ["LOCAL_HUB_ROOT"]).rglob("*.log") if secret in p.read_text()]
        assert found == []
    else:
        raise AssertionError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _serving(root: Path, port: int) -> Iterator[str]:
    command = [os.environ["LOCAL_HUB_PYTHON"], "-m", "local_hub", "serve", "--root", str(root), "--port", str(port)]
    process = subprocess.Popen(command, cwd=SOURCE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline().startswith("Local Hub at")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()
