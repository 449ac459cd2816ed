"""Who loads the corpus, and who trains on it as it is: other versions of `datasets`, TRL and LLaMA-Factory.

Each in a virtual environment of its own, offline, with an empty HF_HOME. Rows are compared by a hash of all they hold.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.loading import digest

HERE = Path(__file__).resolve().parent
CONFIGS = ("default", "family", "single-turn")
READERS = ("datasets==3.6.0", "datasets==4.8.5", "datasets==5.2.0")
TORCH = "torch==2.13.0"
TRL = "trl==1.16.0"
LLAMA_FACTORY = "llamafactory==0.9.5"
WHOLE_ONLY = "virtual environments are made, and gigabytes installed, for the whole proof only"

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, built; with its rows, read by pyarrow alone, under `rows`."""
    from tests.dataset_builder.building import build_into

    folder = tmp_path_factory.mktemp("corpus")
    build_into(folder, "sample")
    built: Path = folder / "soulchat"
    return built


@pytest.fixture(scope="module")
def expected(corpus: Path) -> dict[str, Any]:
    """By config, rows and hash of each split, from the files themselves and no library of Hugging Face."""
    from pyarrow import parquet

    places = {"default": "data/topics/*", "family": "data/topics/family", "single-turn": "data/single-turn"}
    return {
        config: {
            split: digest(
                row
                for file in sorted(corpus.glob(f"{place}/{split}-*.parquet"))
                for row in parquet.read_table(file).to_pylist()
            )
            for split in ("train", "validation", "test")
        }
        for config, place in places.items()
    }


@pytest.fixture(scope="module")
def model(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh model and tokenizer of this project, smaller than nano."""
    from datasets import load_dataset

    from training.config import load_recipe
    from training.data import formatted
    from training.model import build_model
    from training.tokenizer import train_tokenizer

    home = tmp_path_factory.mktemp("home")
    rows = load_dataset(str(corpus), "family", split="train", cache_dir=str(home))
    recipe = load_recipe("nano", ["hidden_size=64", "intermediate_size=128", "layers=1"])
    tokenizer = train_tokenizer(formatted(rows), vocab_size=1_000, window=256)
    folder = tmp_path_factory.mktemp("model")
    build_model(recipe, tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    """What each client did, for the record."""
    return {}


def run(python: str, *arguments: str, home: Path) -> str:
    """What a client's Python prints, offline and with nothing in its caches."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PYTHONPATH"))}
    environment |= {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [python, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=900, cwd=home
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def installed(folder: Path, *wanted: str) -> str:
    """The Python of a new virtual environment that has `wanted`; without a package index the test is skipped."""
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    for command in ([sys.executable, "-m", "venv", str(folder)], pip):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
        if done.returncode:
            pytest.skip(f"{' '.join(wanted)} cannot be installed: {done.stderr[-300:]}")
    return python


def read(python: str, corpus: Path, home: Path) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(run(python, str(HERE / "loading.py"), str(corpus), *CONFIGS, home=home))
    return printed


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for config, rows in expected.items():
        assert found[f"{config} whole"] == rows
        assert found[f"{config} streamed"] == rows


def test_the_datasets_installed_here_reads_every_row(corpus: Path, expected: dict[str, Any], tmp_path: Path) -> None:
    same(read(sys.executable, corpus, tmp_path)["found"], expected)


@pytest.mark.parametrize("reader", READERS)
def test_every_datasets_reads_the_same_rows(
    reader: str, share: float, corpus: Path, expected: dict[str, Any], outcomes: dict[str, Any], tmp_path: Path
) -> None:
    if share < 1:
        pytest.skip(WHOLE_ONLY)
    (tmp_path / "home").mkdir()
    done = read(installed(tmp_path / "venv", reader), corpus, tmp_path / "home")
    same(done["found"], expected)
    readings = {how: sum(rows for rows, _ in splits.values()) for how, splits in done["found"].items()}
    outcomes[reader] = {"versions": done["versions"], "rows_identical": readings}


def test_trl_trains_on_the_folder_as_it_is(
    share: float, corpus: Path, model: Path, outcomes: dict[str, Any], tmp_path: Path
) -> None:
    if share < 1:
        pytest.skip(WHOLE_ONLY)
    (tmp_path / "home").mkdir()
    python = installed(tmp_path / "venv", TRL, TORCH)
    printed = run(python, str(HERE / "sft.py"), str(model), str(corpus), str(tmp_path / "out"), home=tmp_path / "home")
    outcomes[TRL] = done = json.loads(printed.strip().splitlines()[-1])
    assert done["rows"] > 100 and 5 < done["loss"] < 9, "fresh weights know nothing: about ln(1000)"


def test_llama_factory_trains_on_the_folder_as_it_is(
    share: float, corpus: Path, model: Path, outcomes: dict[str, Any], tmp_path: Path
) -> None:
    if share < 1:
        pytest.skip(WHOLE_ONLY)
    (tmp_path / "home").mkdir()
    python = installed(tmp_path / "venv", LLAMA_FACTORY, TORCH)
    without_cuda(python, tmp_path / "venv")
    outcomes[LLAMA_FACTORY] = done = llama_factory(python, corpus, model, tmp_path)
    assert 5 < done["loss"] < 9, "fresh weights know nothing: about ln(1000)"


def without_cuda(python: str, folder: Path) -> None:
    """Take away what beside a CPU build of torch cannot be loaded.

    Package indexes have torchvision and torchaudio built for CUDA. LLaMA-Factory imports torchaudio, for sound, and
    runs without its compiled part; transformers runs without torchvision.
    """
    if subprocess.run([python, "-c", "import torchaudio, torchvision"], capture_output=True, check=False).returncode:
        subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "torchvision"], check=True)
        for compiled in folder.glob("lib/*/site-packages/torchaudio/lib/*.so"):
            compiled.unlink()


def llama_factory(python: str, corpus: Path, model: Path, tmp_path: Path) -> dict[str, Any]:
    """One step of LLaMA-Factory on the corpus, named in a dataset_info.json of the user's as the card says."""
    entry = {
        "hf_hub_url": str(corpus),
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"},
    }
    (tmp_path / "dataset_info.json").write_text(json.dumps({"soulchat": entry}), encoding="utf-8")
    settings = {
        "model_name_or_path": str(model),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "full",
        "dataset": "soulchat",
        "dataset_dir": str(tmp_path),
        "template": "default",
        "cutoff_len": 256,
        "output_dir": str(tmp_path / "out"),
        "per_device_train_batch_size": 2,
        "max_steps": 1,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
    }
    # JSON is YAML too; a file that is called .json is more than LLaMA-Factory 0.9.5 can open.
    (tmp_path / "sft.yaml").write_text(json.dumps(settings), encoding="utf-8")
    run(python, "-m", "llamafactory.cli", "train", str(tmp_path / "sft.yaml"), home=tmp_path / "home")
    log = [json.loads(line) for line in (tmp_path / "out" / "trainer_log.jsonl").read_text().splitlines()]
    packages = ("llamafactory", "transformers", "datasets", "torch", "trl")
    code = (
        f"import json; from importlib.metadata import version as v; print(json.dumps({{p: v(p) for p in {packages}}}))"
    )
    versions = json.loads(run(python, "-c", code, home=tmp_path / "home"))
    return {"versions": versions, "loss": round(next(entry["loss"] for entry in log if "loss" in entry), 4)}


def test_what_was_found_is_kept(share: float, outcomes: dict[str, Any], record: Callable[..., None]) -> None:
    """Last, for it records what the tests before it saw."""
    if share < 1:
        pytest.skip("a tenth is no record")
    assert list(outcomes) == [*READERS, TRL, LLAMA_FACTORY], "a client failed, or was not asked for"
    record("corpus_clients", ["datasets", "pyarrow"], clients=outcomes)
