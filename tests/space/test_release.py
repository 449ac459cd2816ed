"""The release: everything is checked before anything is published."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_builder.build import build
from dataset_builder.read import read

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unlicensed(tmp_path_factory):
    """A corpus built from rows that do not say under which licence they are."""
    folder = tmp_path_factory.mktemp("corpus")
    turns = [{"role": "client", "content": "我很累"}, {"role": "counselor", "content": "多久了？"}]
    (folder / "theirs.jsonl").write_text(json.dumps({"id": 1, "messages": turns}), encoding="utf-8")
    build(read(folder / "theirs.jsonl"), source="theirs", out=folder / "soulchat", work=folder / "work")
    return folder / "soulchat"


def push(hub_root, *arguments):
    """`space push` against a Hub on this machine; what it says, and the repos that exist afterwards."""
    list_all = (
        "from huggingface_hub import HfApi as A; print([*A().list_models(), *A().list_datasets(), *A().list_spaces()])"
    )
    script = f'"$0" -m space push "$@"; code=$?; "$0" -c "{list_all}"; exit $code'
    result = subprocess.run(
        [sys.executable, "-m", "local_hub", "run", "--root", str(hub_root), "--", "sh", "-c", script, sys.executable]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        env=os.environ | {"HF_HOME": str(hub_root / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stdout.splitlines()[-1] == "[]"
    return result.stderr


def test_rows_without_a_known_licence_are_not_pushed_to_a_public_hub(unlicensed, tmp_path):
    said = push(tmp_path, "--hub", "huggingface", "--namespace", "lab", "--corpus", unlicensed)
    assert "error: rows of theirs have no known licence" in said


def test_nothing_is_published_while_the_model_has_no_card(unlicensed, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "run.json").write_text("{}")
    said = push(tmp_path, "--corpus", unlicensed, "--model", tmp_path / "model")
    assert f"error: no README.md in {tmp_path / 'model'}; make it with `make card`" in said


def test_nothing_is_published_without_a_corpus(tmp_path):
    assert "build it with `make data`" in push(tmp_path, "--corpus", tmp_path / "absent")
