"""datasets, transformers and the `hf` command, unmodified, against the Hub."""

import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def corpora(clients: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return clients.script("corpora", str(tmp_path_factory.mktemp("work")))


def test_each_config_of_an_uploaded_corpus_loads_and_streams(corpora: dict[str, Any]) -> None:
    assert corpora["configs"] == ["career", "family"]
    assert corpora["loaded"] == {"id": "family-49", "text": "你好"}
    assert corpora["streamed"] == {"id": "career-0", "text": "你好"}


def test_push_to_hub_adds_configs_and_branches(corpora: dict[str, Any]) -> None:
    assert corpora["pushed"] == ["family", "career"]
    assert corpora["revision"] == "new"


def test_a_pushed_model_and_tokenizer_load_bit_for_bit(clients: Any) -> None:
    seen = clients.script("models")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(seen["files"])
    assert seen["weights"]
    assert seen["tokens"] == [1, 2, 0]


def test_the_hf_command_uploads_lists_and_downloads(clients: Any, tmp_path: Path) -> None:
    hf = str(Path(sys.executable).with_name("hf"))
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "note.txt").write_text("by hand")
    assert "local" in clients.run([hf, "auth", "whoami"])
    clients.run([hf, "upload", "local/by-hand", str(tmp_path / "up"), "--type", "dataset"])
    assert "local/by-hand" in clients.run([hf, "datasets", "ls", "--author", "local", "--format", "json"])
    clients.run([hf, "download", "local/by-hand", "--type", "dataset", "--local-dir", str(tmp_path / "down")])
    assert (tmp_path / "down" / "note.txt").read_text() == "by hand"
