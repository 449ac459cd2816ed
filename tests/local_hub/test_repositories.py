"""What huggingface_hub, unmodified, sees: one client process, one behaviour a test."""

import subprocess
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def seen(clients: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return clients.script("repositories", str(tmp_path_factory.mktemp("work")))


def test_the_token_is_user_local(seen: dict[str, Any]) -> None:
    assert seen["user"] == "local"


def test_creating_twice_answers_409_with_the_same_url(seen: dict[str, Any], hub: str) -> None:
    assert seen["url"] == f"{hub}/local/all"
    assert seen["created again"] == [seen["url"], "HfHubHTTPError 409"]


def test_upload_folder_keeps_names_sizes_and_bytes(seen: dict[str, Any]) -> None:
    sizes = seen["siblings"]
    assert set(sizes) == {
        ".gitattributes", "README.md", "empty.txt", "nested/note.txt", "weights.bin", "中文 name.txt",
    }  # fmt: skip
    assert (sizes["weights.bin"], sizes["nested/note.txt"], sizes["empty.txt"]) == (6_000_000, 5, 0)
    assert seen["round trip"] and seen["snapshot"]


def test_only_the_large_file_is_a_pointer_in_git(seen: dict[str, Any]) -> None:
    assert seen["large"]


def test_uploading_the_same_folder_again_makes_no_commit(seen: dict[str, Any]) -> None:
    assert seen["no-op"]


def test_card_data_and_tags_come_from_the_readme(seen: dict[str, Any]) -> None:
    assert seen["card"] == ["mit", True, True]


def test_a_file_system_reads_a_range(seen: dict[str, Any]) -> None:
    assert seen["range"]
    assert seen["glob"] == [
        "local/all/empty.txt", "local/all/nested/note.txt", "local/all/中文 name.txt",
    ]  # fmt: skip


def test_trees_and_paths_are_listed(seen: dict[str, Any]) -> None:
    assert "nested" in seen["tree"] and "nested/note.txt" in seen["tree"]
    assert sorted(seen["paths"]) == ["README.md", "nested"]
    assert seen["last commit"].startswith("Upload folder")


def test_a_branch_with_a_slash_is_its_own_world(seen: dict[str, Any]) -> None:
    assert seen["branch only"] == [True, False, "on a branch"]


def test_refs_are_listed_and_an_annotated_tag_points_at_its_commit(seen: dict[str, Any]) -> None:
    assert seen["refs"] == [["dev/step-100", "main"], [["v1", True]]]
    assert seen["at tag"]


def test_names_that_are_taken_answer_409_and_names_git_cannot_hold_400(seen: dict[str, Any]) -> None:
    assert seen["taken names"] == ["HfHubHTTPError 409", "HfHubHTTPError 409", "BadRequestError 400"]


def test_one_commit_adds_copies_and_deletes(seen: dict[str, Any]) -> None:
    kept = [".gitattributes", "README.md", "weights.bin", "中文 name.txt"]
    assert seen["mixed"] == sorted([*kept, "added.txt", "copies/empty.txt", "copies/weights.bin"])


def test_a_stale_parent_is_refused(seen: dict[str, Any]) -> None:
    assert seen["stale parent"] == "HfHubHTTPError 412"


def test_a_refused_commit_changes_nothing(seen: dict[str, Any]) -> None:
    assert seen["broken commit"] == "RemoteEntryNotFoundError 404"
    assert seen["after refusals"] == [True, False]
    assert seen["history"] == ["Mixed", "Upload folder using huggingface_hub", "initial commit"]


def test_what_is_missing_raises_the_clients_own_errors(seen: dict[str, Any]) -> None:
    assert seen["gone"] == ["RevisionNotFoundError 404", "RemoteEntryNotFoundError 404", "RepositoryNotFoundError 404"]


def test_a_pull_request_is_opened_discussed_and_merged(seen: dict[str, Any]) -> None:
    assert seen["pull request"] == [False, True, "merged", 3]
    assert seen["direct pull request"] == [2, "x"]
    assert seen["discussions"] == [2, 1]


def test_a_private_repository_is_hidden_from_strangers(seen: dict[str, Any]) -> None:
    assert seen["private"] == ["RepositoryNotFoundError 401", ["org/data"], []]


def test_a_gated_repository_shows_itself_but_not_its_files(seen: dict[str, Any]) -> None:
    assert seen["gated"] == ["auto", "GatedRepoError 401", None]


def test_strangers_read_and_do_not_write(seen: dict[str, Any]) -> None:
    assert seen["anonymous"] == ["local/all", "HfHubHTTPError 401"]


def test_an_unknown_token_is_refused_everywhere(seen: dict[str, Any]) -> None:
    assert seen["bad token"] == ["HfHubHTTPError 401", "HfHubHTTPError 401"]


def test_repositories_move_and_go(seen: dict[str, Any]) -> None:
    assert seen["moved"] == [False, True]
    assert seen["deleted"] == []


def test_a_space_keeps_variables_and_no_secret_values(seen: dict[str, Any], hub_root: Path) -> None:
    assert seen["space"] == ["gradio", "local/all", "STOPPED"]
    stored = (hub_root / "repos/spaces/local/demo.git/hub.json").read_text(encoding="utf-8")
    assert '"KEY"' in stored and "do-not-keep" not in stored


def test_git_finds_nothing_wrong_and_clones(seen: dict[str, Any], hub_root: Path, tmp_path: Path) -> None:
    bare = hub_root / "repos/models/local/all.git"
    check = subprocess.run(["git", "-C", bare, "fsck", "--strict", "--no-dangling"], capture_output=True, text=True)
    assert (check.returncode, check.stdout) == (0, "")
    subprocess.run(["git", "clone", "--quiet", bare, tmp_path / "clone"], check=True)
    assert (tmp_path / "clone" / "added.txt").read_text() == "added"
    assert "oid sha256:" in (tmp_path / "clone" / "weights.bin").read_text()
