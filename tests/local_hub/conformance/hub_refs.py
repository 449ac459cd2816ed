"""Trees, paths, branches, tags, and every way to name a revision."""

from pathlib import Path

from huggingface_hub.hf_api import RepoFile, RepoFolder
from place import Place, refused


def a_tree_lists_one_level(at: Place) -> None:
    _three_levels(at)
    entries = {entry.path: entry for entry in at.api.list_repo_tree(at.repo)}
    assert set(entries) == {".gitattributes", "a", "top.txt"}
    assert isinstance(entries["a"], RepoFolder) and isinstance(entries["top.txt"], RepoFile)
    assert entries["top.txt"].size == 3


def a_recursive_tree_lists_folders_and_files(at: Place) -> None:
    _three_levels(at)
    paths = [entry.path for entry in at.api.list_repo_tree(at.repo, "a", recursive=True)]
    assert sorted(paths) == ["a/b", "a/b/deep.bin", "a/mid.txt"]


def an_expanded_tree_has_last_commits(at: Place) -> None:
    _three_levels(at)
    at.put("a/mid.txt", "changed", commit_message="Change mid")
    titles = {e.path: e.last_commit.title for e in at.api.list_repo_tree(at.repo, recursive=True, expand=True)}
    assert titles["a/mid.txt"] == titles["a"] == "Change mid"
    assert titles["top.txt"] == titles["a/b/deep.bin"] == "Three levels"


def a_tree_of_a_missing_folder_is_404(at: Place) -> None:
    at.new()
    assert refused(404, list, at.api.list_repo_tree(at.repo, "absent")) == "RemoteEntryNotFoundError"


def paths_info_leaves_out_what_is_missing(at: Place) -> None:
    _three_levels(at)
    found = {entry.path: entry for entry in at.api.get_paths_info(at.repo, ["a", "absent", "a/b/deep.bin"])}
    assert set(found) == {"a", "a/b/deep.bin"}
    assert found["a/b/deep.bin"].lfs.size == found["a/b/deep.bin"].size == 40_000


def paths_info_expands_and_takes_a_revision(at: Place) -> None:
    _three_levels(at)
    old = at.api.model_info(at.repo).sha
    at.put("top.txt", "changed", commit_message="Change top")
    (now,) = at.api.get_paths_info(at.repo, "top.txt", expand=True)
    (then,) = at.api.get_paths_info(at.repo, "top.txt", expand=True, revision=old)
    assert (now.last_commit.title, then.last_commit.title) == ("Change top", "Three levels")


def paths_info_of_many_and_odd_names(at: Place) -> None:
    names = [f"部分/{number}&a=b +%2F.txt" for number in range(60)]
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder(dict.fromkeys(names, "x")))
    assert sorted(entry.path for entry in at.api.get_paths_info(at.repo, names)) == sorted(names)


def file_exists_knows_revisions_and_folders(at: Place) -> None:
    _three_levels(at)
    first = at.api.list_repo_commits(at.repo)[-1].commit_id
    assert at.api.file_exists(at.repo, "a/mid.txt")
    assert not at.api.file_exists(at.repo, "a/mid.txt", revision=first)
    assert not at.api.file_exists(at.repo, "absent.txt")
    assert not at.api.file_exists(at.repo + "-absent", "top.txt")


def refs_list_branches_tags_and_pull_requests(at: Place) -> None:
    at.new()
    head = at.put("a.txt", "a")
    at.api.create_branch(at.repo, branch="dev")
    at.api.create_tag(at.repo, tag="v1")
    at.api.create_pull_request(at.repo, title="Idea")
    refs = at.api.list_repo_refs(at.repo, include_pull_requests=True)
    assert {ref.name: ref.ref for ref in refs.branches} == {"dev": "refs/heads/dev", "main": "refs/heads/main"}
    assert [(ref.name, ref.ref, ref.target_commit) for ref in refs.tags] == [("v1", "refs/tags/v1", head)]
    assert [ref.ref for ref in refs.pull_requests] == ["refs/pr/1"]
    assert at.api.list_repo_refs(at.repo).pull_requests is None


def a_branch_with_slashes_is_its_own_world(at: Place) -> None:
    at.new()
    at.api.create_branch(at.repo, branch="dev/step-100/b")
    at.put("only.txt", "there", revision="dev/step-100/b")
    assert (at.files(), at.files(revision="dev/step-100/b")) == ([], ["only.txt"])
    assert Path(at.api.hf_hub_download(at.repo, "only.txt", revision="dev/step-100/b")).read_text() == "there"


def a_branch_starts_anywhere(at: Place) -> None:
    at.new()
    first = at.put("a.txt", "a")
    at.put("b.txt", "b")
    at.api.create_tag(at.repo, tag="v1", revision=first)
    at.api.create_branch(at.repo, branch="from-oid", revision=first)
    at.api.create_branch(at.repo, branch="from-tag", revision="v1")
    assert at.files(revision="from-oid") == at.files(revision="from-tag") == ["a.txt"]


def a_taken_branch_is_409_or_ok(at: Place) -> None:
    at.new()
    at.api.create_branch(at.repo, branch="dev")
    refused(409, at.api.create_branch, at.repo, branch="dev")
    at.api.create_branch(at.repo, branch="dev", exist_ok=True)


def a_branch_that_git_cannot_hold_is_400(at: Place) -> None:
    at.new()
    at.api.create_branch(at.repo, branch="dev/one")
    for name in ("dev", "a..b", "a b", "x.lock"):
        refused(400, at.api.create_branch, at.repo, branch=name)


def a_branch_goes_and_main_stays(at: Place) -> None:
    at.new()
    at.api.create_branch(at.repo, branch="dev/one")
    at.api.delete_branch(at.repo, branch="dev/one")
    assert not at.api.revision_exists(at.repo, "dev/one")
    refused(403, at.api.delete_branch, at.repo, branch="main")
    assert refused(404, at.api.delete_branch, at.repo, branch="absent") == "RevisionNotFoundError"


def tags_light_and_annotated_point_at_commits(at: Place) -> None:
    at.new()
    head = at.put("a.txt", "a")
    at.api.create_tag(at.repo, tag="light")
    at.api.create_tag(at.repo, tag="annotated/v1", tag_message="With a message 说明")
    at.put("b.txt", "b")
    assert {(ref.name, ref.target_commit) for ref in at.api.list_repo_refs(at.repo).tags} == {
        ("annotated/v1", head),
        ("light", head),
    }
    assert at.files(revision="light") == at.files(revision="annotated/v1") == ["a.txt"]


def a_taken_tag_is_409_or_ok_and_can_go(at: Place) -> None:
    at.new()
    at.api.create_tag(at.repo, tag="v1")
    refused(409, at.api.create_tag, at.repo, tag="v1")
    refused(409, at.api.create_tag, at.repo, tag="v1", tag_message="annotated")
    at.api.create_tag(at.repo, tag="v1", exist_ok=True)
    at.api.delete_tag(at.repo, tag="v1")
    assert refused(404, at.api.delete_tag, at.repo, tag="v1") == "RevisionNotFoundError"


def a_tag_on_a_missing_revision_is_404(at: Place) -> None:
    at.new()
    assert refused(404, at.api.create_tag, at.repo, tag="v1", revision="absent") == "RevisionNotFoundError"


def long_and_short_commit_ids_are_revisions(at: Place) -> None:
    at.new()
    old = at.put("a.txt", "old")
    at.put("a.txt", "new")
    for revision in (old, old[:12], old[:7]):
        assert Path(at.api.hf_hub_download(at.repo, "a.txt", revision=revision)).read_text() == "old"
        assert at.api.model_info(at.repo, revision=revision).sha == old


def a_pull_request_is_a_revision(at: Place) -> None:
    at.new()
    opened = at.api.create_pull_request(at.repo, title="Idea")
    at.put("idea.txt", "idea", revision=opened.git_reference)
    assert (at.files(), at.files(revision="refs/pr/1")) == ([], ["idea.txt"])
    assert (
        at.api.model_info(at.repo, revision="refs/pr/1").sha
        == at.api.list_repo_commits(at.repo, revision="refs/pr/1")[0].commit_id
    )
    assert Path(at.api.hf_hub_download(at.repo, "idea.txt", revision="refs/pr/1")).read_text() == "idea"


def a_tag_cannot_be_committed_to(at: Place) -> None:
    at.new()
    at.api.create_tag(at.repo, tag="v1")
    refused(400, at.put, "a.txt", "a", revision="v1")


def _three_levels(at: Place) -> None:
    at.new()
    folder = at.folder({"top.txt": "top", "a/mid.txt": "mid", "a/b/deep.bin": at.noise(40_000)})
    at.api.upload_folder(repo_id=at.repo, folder_path=folder, commit_message="Three levels")
