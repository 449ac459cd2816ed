"""Publishing: one commit that makes the repo hold exactly the files, or none."""

import json
import os
import subprocess
import sys

import pytest

from local_hub import serving

# One client process walks all of it, since HF_ENDPOINT is read at import; each step's outcome is a line of JSON.
STEPS = """
import json
from pathlib import Path
from huggingface_hub import HfApi
from dataset_builder.publish import publish

api, repo = HfApi(), "local/corpus"

def state(**more):
    commits = [commit.commit_id for commit in api.list_repo_commits(repo, repo_type="dataset")]
    files = sorted(set(api.list_repo_files(repo, repo_type="dataset")) - {".gitattributes"})
    private = api.dataset_info(repo).private
    print(json.dumps({"commits": len(commits), "files": files, "private": private} | more))

Path("a.txt").write_text("one")
publish(repo, "dataset", {"a.txt": Path("a.txt"), "data/b.bin": b"b" * 3_000_000}, private=True, message="First")
state()
publish(repo, "dataset", {"a.txt": Path("a.txt"), "data/b.bin": b"b" * 3_000_000}, private=True, message="Same")
state()
publish(repo, "dataset", {"a.txt": b"two", "c.txt": b"c"}, message="Second")
state(a=Path(api.hf_hub_download(repo, "a.txt", repo_type="dataset")).read_text())
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with serving(tmp_path_factory.mktemp("hub")) as url:
        environment = os.environ | {"HF_ENDPOINT": url, "HF_TOKEN": "local", "HF_HOME": str(folder / "home")}
        result = subprocess.run(
            [sys.executable, "-c", STEPS],
            cwd=folder,
            env=environment | {"PYTHONPATH": root, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stderr[-3000:]
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_a_first_push_is_one_commit_of_all_files(outcomes):
    assert outcomes[0]["files"] == ["a.txt", "data/b.bin"]
    assert outcomes[0]["private"]


def test_pushing_the_same_again_commits_nothing(outcomes):
    assert outcomes[1] == outcomes[0]


def test_a_changed_push_adds_replaces_and_deletes_in_one_commit(outcomes):
    assert outcomes[2]["commits"] == outcomes[1]["commits"] + 1
    assert outcomes[2]["files"] == ["a.txt", "c.txt"]
    assert outcomes[2]["a"] == "two"
    assert not outcomes[2]["private"]
