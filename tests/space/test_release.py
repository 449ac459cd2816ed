"""The release: everything is checked before anything is published."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from space import release
from tests.dataset_builder.building import build_into
from tests.dataset_builder.synthetic import dialogues

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unlicensed(tmp_path_factory):
    """A corpus built from rows that do not say under which licence they are."""
    folder = tmp_path_factory.mktemp("corpus")
    turns = [{"role": "client", "content": "我很累"}, {"role": "counselor", "content": "多久了？"}]
    (folder / "theirs.jsonl").write_text(json.dumps({"id": 1, "messages": turns}), encoding="utf-8")
    build_into(folder, f"messages:{folder / 'theirs.jsonl'}")
    return folder / "soulchat"


@pytest.fixture
def of_psyqa(tmp_path):
    """A corpus of which one row was written from PsyQA, under a licence that sounds free."""
    rows = list(dialogues(20))
    theirs = rows[3] | {"source": "SMILECHAT", "license": "cc0-1.0"}
    ours = [row | {"source": "ours", "license": "cc-by-4.0"} for row in rows[:3] + rows[4:]]
    build_into(tmp_path, [*ours, theirs])
    return tmp_path / "soulchat"


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
    assert "error: 1 rows of theirs may not be passed on: its licence is unknown" in said


def test_rows_that_come_from_psyqa_are_refused_by_name_whatever_their_licence_says(of_psyqa, tmp_path):
    said = push(tmp_path, "--hub", "huggingface", "--namespace", "lab", "--corpus", of_psyqa)
    assert "error: 1 rows of SMILECHAT may not be passed on: smilechat-v2 may not be redistributed" in said
    assert "ours" not in said


def test_what_may_not_be_passed_on_is_private_on_a_hub_of_this_machine_and_says_why(of_psyqa, tmp_path, monkeypatch):
    pushed = {}
    monkeypatch.setattr(release, "check", lambda hub, namespace: None)
    monkeypatch.setattr(release, "_model_files", lambda model: {})
    monkeypatch.setattr(
        "dataset_builder.publish.publish", lambda repo, kind, files, **how: pushed.update({kind: (files, how)})
    )
    released = release.release("local", "local", corpus=of_psyqa, model=tmp_path, public=True)
    assert pushed["dataset"][1]["private"] and not pushed["space"][1]["private"]
    assert b"**Not to be passed on**" in pushed["dataset"][0]["README.md"]
    said = release.what_users_type("local", "local", released, topic=None, public=True)
    assert "(private: 1 rows of SMILECHAT may not be passed on" in said
    assert not any("crisis" in path for path in pushed["dataset"][0])


def test_nothing_is_published_while_the_model_has_no_card(unlicensed, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "run.json").write_text("{}")
    said = push(tmp_path, "--corpus", unlicensed, "--model", tmp_path / "model")
    assert f"error: no README.md in {tmp_path / 'model'}; make it with `make card`" in said


def test_nothing_is_published_without_a_corpus(tmp_path):
    assert "build it with `make data`" in push(tmp_path, "--corpus", tmp_path / "absent")
