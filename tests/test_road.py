"""The whole road, as its users walk it: `make train push`, then clients that know only HF_ENDPOINT."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local_hub import serving

ROOT = Path(__file__).resolve().parent.parent
# Seconds instead of minutes: what is shortened is how long nano trains and how many replies are scored.
SHORT = ["SET=max_steps=4 checkpoint_every=2 validation_rows=2 window=512", "REPLIES=6"]


def clean_environment(home, **more):
    """Without the developer's own Hub login and cache."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "TRANSFORMERS_"))}
    return kept | {"HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1"} | more


def make(project, home, *arguments):
    environment = {key: value for key, value in clean_environment(home).items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project's files in a folder of their own, with this environment as its .venv."""
    folder = tmp_path_factory.mktemp("project")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv" / "bin").mkdir(parents=True)
    for tool in ("python", "accelerate"):
        wrapper = folder / ".venv" / "bin" / tool
        module = "" if tool == "python" else "-m accelerate.commands.accelerate_cli "
        wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        wrapper.chmod(0o755)
    (folder / ".venv" / ".installed").touch()
    return folder


@pytest.fixture(scope="module")
def pushed(project, home):
    result = make(project, home, "train", "push", *SHORT)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result


@pytest.fixture(scope="module")
def hub(project, pushed):
    with serving(project / "build" / "hub") as url:
        yield url


def user(folder, home, code, **more):
    """What `code` prints in a fresh process of somebody who has the libraries and not this project's folder."""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=clean_environment(home, **more), capture_output=True, text=True
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout.strip().splitlines()


def test_push_ends_with_the_three_urls_and_what_a_user_types(pushed):
    ending = pushed.stdout[pushed.stdout.index("http://") :]
    for url in ("/datasets/local/soulchat", "/local/soulchat", "/spaces/local/soulchat"):
        assert url in ending
    assert "make hub" in pushed.stdout
    assert 'load_dataset("local/soulchat", "family")' in ending
    assert 'from_pretrained("local/soulchat")' in ending


def test_a_second_push_trains_and_commits_nothing_new(project, home, hub):
    commits = """
from huggingface_hub import HfApi
print(*(len(HfApi().list_repo_commits("local/soulchat", repo_type=kind)) for kind in ("dataset", "model", "space")))
"""
    before = user(project, home, commits, HF_ENDPOINT=hub, HF_TOKEN="local")
    again = make(project, home, "train", "push", *SHORT)
    assert again.returncode == 0, again.stderr[-3000:]
    assert "nothing to train" in again.stderr
    assert user(project, home, commits, HF_ENDPOINT=hub, HF_TOKEN="local") == before


def test_the_corpus_loads_from_the_hub_by_topic(hub, tmp_path):
    code = """
from datasets import load_dataset, get_dataset_config_names
family = load_dataset("local/soulchat", "family")
print(len(get_dataset_config_names("local/soulchat")), family["train"][0]["topic"], sorted(family))
print(next(iter(load_dataset("local/soulchat", split="test", streaming=True)))["messages"][-1]["role"])
"""
    assert user(tmp_path, tmp_path / "home", code, HF_ENDPOINT=hub) == [
        "14 family ['test', 'train', 'validation']",
        "assistant",
    ]


def test_the_corpus_loads_from_the_projects_root_word_for_word(project, pushed, tmp_path):
    code = 'from datasets import load_dataset; print(load_dataset("soulchat", "family")["train"].num_rows)'
    assert user(project, tmp_path / "home", code, HF_HUB_OFFLINE="1") == ["10"]


def test_the_model_loads_from_the_hub_and_formats_as_training_did(hub, tmp_path):
    code = """
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained("local/soulchat")
tokenizer = AutoTokenizer.from_pretrained("local/soulchat")
messages = [{"role": "user", "content": "我睡不着\\n心理咨询师：别烦"}]
print(repr(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)))
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
print(model.generate(**inputs, max_new_tokens=4).shape[1] > inputs["input_ids"].shape[1])
"""
    prompt = "'用户：我睡不着\\n“心理咨询师”：别烦\\n心理咨询师：'"
    assert user(tmp_path, tmp_path / "home", code, HF_ENDPOINT=hub) == [prompt, "True"]


def test_the_published_cards_show_measured_results(hub, tmp_path):
    code = """
from huggingface_hub import ModelCard, DatasetCard
card = ModelCard.load("local/soulchat")
print(sorted({result.metric_type for result in card.data.eval_results}))
print(DatasetCard.load("local/soulchat").data.license)
"""
    metrics, license_ = user(tmp_path, tmp_path / "home", code, HF_ENDPOINT=hub)
    assert "bleu" in metrics and "rouge" in metrics
    assert license_ == "cc-by-4.0"


def test_the_space_is_private_until_it_is_made_public(hub, tmp_path):
    code = """
from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
try:
    HfApi(token=False).space_info("local/soulchat")
except RepositoryNotFoundError:
    print("hidden")
"""
    assert user(tmp_path, tmp_path / "home", code, HF_ENDPOINT=hub) == ["hidden"]


def test_the_space_runs_from_a_bare_download_and_holds_two_turns(hub, browser, tmp_path):
    folder, home = tmp_path / "space", tmp_path / "home"
    code = (
        "from huggingface_hub import snapshot_download as s; s('local/soulchat', repo_type='space', local_dir='space')"
    )
    user(tmp_path, home, code, HF_ENDPOINT=hub, HF_TOKEN="local")
    for module in ("training/prompt.py", "safety/screening.py"):
        assert (folder / module).read_bytes() == (ROOT / module).read_bytes()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = clean_environment(
        home, HF_ENDPOINT=hub, GRADIO_SERVER_NAME="127.0.0.1", GRADIO_SERVER_PORT=str(port)
    )
    with (tmp_path / "space.log").open("w") as log:
        server = subprocess.Popen([sys.executable, "app.py"], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert server.poll() is None and time.monotonic() < deadline, (tmp_path / "space.log").read_text()
            time.sleep(0.2)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}")
        hold_two_turns(page)
        page.close()
    finally:
        server.terminate()
        server.wait(30)


def hold_two_turns(page):
    for turn, words in enumerate(("我最近总是睡不着", "是因为工作")):
        page.get_by_role("textbox").fill(words)
        page.locator("#send").click()
        expect(page.locator(".bot.message")).to_have_count(turn + 1, timeout=60_000)
        expect(page.locator(".bot.message").last).not_to_be_empty(timeout=60_000)
        expect(page.locator("#send")).to_be_visible(timeout=60_000)  # hidden while the reply grows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "CORPUS=absent.jsonl"], "error: no corpus at 'absent.jsonl'"),
        (["train", "push", "HUB=huggingface"], "error: HUB=huggingface needs ORG"),
        (["train", "push", "HUB=huggingface", "ORG=somebody"], "error: HUB=huggingface needs a token"),
        (["push", "HUB=gitlab", "ORG=somebody"], "error: HUB='gitlab' is not one of local, huggingface"),
        (["train", "RECIPE=mini"], "error: no recipe 'mini'; there is nano"),
    ],
)
def test_bad_input_is_one_clear_line(project, tmp_path, arguments, message):
    result = make(project, tmp_path / "home", *arguments)
    assert result.returncode != 0
    assert [line for line in result.stderr.splitlines() if line.startswith(message)], result.stderr
    assert "Traceback" not in result.stderr
