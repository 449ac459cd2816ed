"""The Space's files from an empty folder, with a checkpoint made here; and the command line."""

import ast
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect

from space.bundle import space_files
from training.prompt import CHAT_TEMPLATE

ROOT = Path(__file__).resolve().parents[2]
LINES = ["用户：最近压力很大", "心理咨询师：你愿意多说一点吗？", "我睡不好。", "我在听。", "hello, how are you?"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<eos>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<eos>")
    fast.chat_template = CHAT_TEMPLATE
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(fast), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, head_dim=8, max_position_embeddings=1024, eos_token_id=0, pad_token_id=0,
        )
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("checkpoint")
    fast.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def downloaded(tmp_path: Path, checkpoint: Path) -> Path:
    for path, content in space_files(ROOT, str(checkpoint)).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


@pytest.fixture
def served(downloaded: Path, port: int) -> Iterator[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {
        "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port), "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(downloaded / "cache"), "GRADIO_TEMP_DIR": str(downloaded / "temp"),
    }  # fmt: skip
    log = (downloaded / "log.txt").open("w")
    process = subprocess.Popen([sys.executable, "app.py"], cwd=downloaded, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"
    for _ in range(240):
        try:
            urllib.request.urlopen(url).close()
            break
        except urllib.error.URLError:
            assert process.poll() is None, (downloaded / "log.txt").read_text()
            time.sleep(0.25)
    yield url
    process.terminate()
    process.wait(20)
    log.close()


def test_a_bare_download_holds_a_talk_and_leaves_no_word_of_it_behind(
    page: Page, served: str, downloaded: Path
) -> None:
    page.goto(served)
    for turn, text in enumerate(("最近压力很大", "还是睡不着"), start=1):
        page.fill("#ask textarea", text)
        page.click("#send")
        expect(page.locator("#chat .bot")).to_have_count(turn, timeout=30_000)
        expect(page.locator("#send")).to_be_visible(timeout=30_000)
    page.fill("#ask textarea", "我不想活了")
    page.click("#send")
    expect(page.locator("#chat")).to_contain_text("12356")
    for file in downloaded.rglob("*"):
        if file.is_file() and file.suffix not in (".pyc", ".yaml", ".py"):
            assert "睡不着".encode() not in file.read_bytes(), file


def test_what_it_imports_of_ours_is_what_it_carries() -> None:
    files = space_files(ROOT, "someone/soulchat")
    for path, content in files.items():
        for node in ast.walk(ast.parse(content)) if path.endswith(".py") else ():
            if isinstance(node, ast.ImportFrom) and node.module and (ROOT / node.module.split(".")[0]).is_dir():
                module = node.module.replace(".", "/")
                assert f"{module}.py" in files or f"{module}/__init__.py" in files, (path, node.module)


def test_the_card_has_what_the_hub_reads_and_pins_are_exact(checkpoint: Path) -> None:
    files = space_files(ROOT, "someone/soulchat")
    front = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
    assert front["sdk"] == "gradio" and front["app_file"] == "app.py" and front["python_version"] == "3.11"
    assert front["models"] == ["someone/soulchat"] and len(front["short_description"]) <= 60
    pins = dict(line.split("==") for line in files["requirements.txt"].decode().split())
    assert pins["gradio"] == front["sdk_version"] and "+" not in pins["torch"]
    assert yaml.safe_load(files["space/config.yaml"])["model"] == "someone/soulchat"
    for path in ("safety/lexicon.yaml", "training/prompt.py", "training/generate.py", "space/chat.py"):
        assert files[path] == (ROOT / path).read_bytes()
    assert str(ROOT).encode() not in b"".join(files.values())
    assert not any("release" in path or "__main__" in path for path in files if path.startswith("space/"))


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "space", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_a_port_in_use_and_a_missing_model_and_a_bad_key_are_one_clear_line(port: int, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("model: x\nmodle: y\n")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = busy.getsockname()[1]
        cases = {
            str(taken): serve("--port", str(taken)),
            "build/no-such-model": serve("--model", "build/no-such-model", "--port", str(port)),
            "modle": serve("--config", str(config)),
        }
    for named, done in cases.items():
        assert done.returncode == 1 and named in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1 and done.stdout == ""
