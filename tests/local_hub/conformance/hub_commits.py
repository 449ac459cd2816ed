"""Commits: several changes at once, copies, parents, history, and what a refused one leaves behind."""

import subprocess
import sys
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, CommitScheduler
from place import Place, refused, sha256

PUSHER = """
import sys
from huggingface_hub import HfApi
for number in range(5):
    path = f"{sys.argv[2]}/{number}.txt"
    HfApi().upload_file(repo_id=sys.argv[1], path_or_fileobj=path.encode(), path_in_repo=path)
"""


def one_commit_adds_copies_and_deletes(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.txt": "a", "b.txt": "b", "c/d.txt": "d"}))
    operations = [
        CommitOperationAdd("new.txt", b"new"),
        CommitOperationCopy("a.txt", "copy/a.txt"),
        CommitOperationDelete("b.txt"),
        CommitOperationDelete("c/"),
    ]
    at.api.create_commit(at.repo, operations, commit_message="Mixed")
    assert at.files() == ["a.txt", "copy/a.txt", "new.txt"]


def a_large_file_is_copied_without_its_bytes(at: Place) -> None:
    at.new()
    at.put("a.bin", at.noise(400_000))
    at.api.create_commit(at.repo, [CommitOperationCopy("a.bin", "b.bin")], commit_message="Copy")
    original, copy = at.api.get_paths_info(at.repo, ["a.bin", "b.bin"])
    assert original.lfs.sha256 == copy.lfs.sha256 == sha256(Path(at.api.hf_hub_download(at.repo, "b.bin")))


def a_copy_may_come_from_an_older_revision(at: Place) -> None:
    at.new()
    old = at.put("a.bin", at.noise(100_000, "old"))
    at.put("a.bin", at.noise(100_000, "new"))
    copy = CommitOperationCopy("a.bin", "was.bin", src_revision=old)
    at.api.create_commit(at.repo, [copy], commit_message="Back")
    assert Path(at.api.hf_hub_download(at.repo, "was.bin")).read_bytes() == at.noise(100_000, "old")


def a_commit_says_what_it_is(at: Place) -> None:
    at.new()
    add = [CommitOperationAdd("a.txt", b"a")]
    info = at.api.create_commit(at.repo, add, commit_message="Title 标题", commit_description="Why\n\nand how")
    assert info.commit_url == f"{at.endpoint}/{at.repo}/commit/{info.oid}"
    newest = at.api.list_repo_commits(at.repo)[0]
    assert (newest.commit_id, newest.title, newest.message) == (info.oid, "Title 标题", "Why\n\nand how")
    assert newest.authors == ["local"]


def a_current_parent_is_accepted_and_a_stale_one_is_412(at: Place) -> None:
    at.new()
    first = at.put("a.txt", "a")
    at.put("b.txt", "b", parent_commit=first)
    refused(412, at.put, "c.txt", "c", parent_commit=first)
    assert at.files() == ["a.txt", "b.txt"]


def a_refused_commit_leaves_nothing(at: Place) -> None:
    at.new()
    before = at.put("a.txt", "a")
    operations = [CommitOperationAdd("half.txt", b"half"), CommitOperationDelete("absent.txt")]
    assert refused(404, at.api.create_commit, at.repo, operations, commit_message="Broken") == (
        "RemoteEntryNotFoundError"
    )
    assert (at.api.model_info(at.repo).sha, at.files()) == (before, ["a.txt"])


def a_commit_to_a_missing_branch_or_repository_is_404(at: Place) -> None:
    assert refused(404, at.put, "a.txt", "a") == "RepositoryNotFoundError"
    at.new()
    assert refused(404, at.put, "a.txt", "a", revision="absent") == "RevisionNotFoundError"


def a_commit_by_a_stranger_is_401(at: Place) -> None:
    at.new()
    refused(401, at.put, "a.txt", "a", token=False)


def delete_file_and_delete_folder(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.txt": "a", "b/c.txt": "c", "b/d/e.txt": "e"}))
    at.api.delete_file("a.txt", at.repo)
    assert at.files() == ["b/c.txt", "b/d/e.txt"]
    at.api.delete_folder("b", at.repo)
    assert at.files() == []


def delete_files_by_pattern(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.txt": "a", "b.md": "b", "c/d.txt": "d"}))
    at.api.delete_files(at.repo, delete_patterns=["*.txt"])
    assert at.files() == ["b.md"]


def history_is_newest_first_and_at_any_revision(at: Place) -> None:
    at.new()
    oids = [at.put(f"{n}.txt", str(n), commit_message=f"Commit {n}") for n in range(4)]
    commits = at.api.list_repo_commits(at.repo)
    assert [commit.title for commit in commits] == [f"Commit {n}" for n in (3, 2, 1, 0)] + ["initial commit"]
    assert [commit.commit_id for commit in commits[:4]] == oids[::-1]
    assert len(at.api.list_repo_commits(at.repo, revision=oids[1])) == 3


def a_squashed_branch_keeps_its_files_and_one_commit(at: Place) -> None:
    at.new()
    for n in range(3):
        at.put(f"{n}.bin", at.noise(50_000, str(n)))
    at.api.super_squash_history(at.repo, commit_message="All of it")
    assert [commit.title for commit in at.api.list_repo_commits(at.repo)] == ["All of it"]
    assert at.files() == ["0.bin", "1.bin", "2.bin"]
    assert Path(at.api.hf_hub_download(at.repo, "1.bin")).read_bytes() == at.noise(50_000, "1")


def squashing_one_branch_leaves_the_other(at: Place) -> None:
    at.new()
    at.put("a.txt", "a")
    at.api.create_branch(at.repo, branch="dev/one")
    at.put("b.txt", "b", revision="dev/one")
    at.api.super_squash_history(at.repo, branch="dev/one")
    assert len(at.api.list_repo_commits(at.repo, revision="dev/one")) == 1
    assert len(at.api.list_repo_commits(at.repo)) == 2
    assert refused(404, at.api.super_squash_history, at.repo, branch="absent") == "RevisionNotFoundError"


def large_files_of_all_history_are_listed(at: Place) -> None:
    at.new()
    old, new = at.noise(60_000, "old"), at.noise(70_000, "new")
    at.put("a.bin", old)
    at.put("a.bin", new)
    found = {file.file_oid: file for file in at.api.list_lfs_files(at.repo)}
    assert {oid: file.size for oid, file in found.items()} == {sha256(old): 60_000, sha256(new): 70_000}
    assert {file.filename for file in found.values()} == {"a.bin"}


def large_files_can_be_deleted_for_good(at: Place) -> None:
    at.new()
    at.put("gone.bin", at.noise(60_000))
    at.put("kept.txt", "kept")
    at.api.permanently_delete_lfs_files(at.repo, list(at.api.list_lfs_files(at.repo)))
    assert at.files() == ["kept.txt"]
    assert list(at.api.list_lfs_files(at.repo)) == []
    for commit in at.api.list_repo_commits(at.repo):
        assert "gone.bin" not in at.files(revision=commit.commit_id)


def three_pushers_at_once_lose_nothing(at: Place) -> None:
    at.new()
    pushers = [subprocess.Popen([sys.executable, "-c", PUSHER, at.repo, who]) for who in "abc"]
    assert [pusher.wait(timeout=100) for pusher in pushers] == [0, 0, 0]
    assert at.files() == sorted(f"{who}/{n}.txt" for who in "abc" for n in range(5))
    assert len(at.api.list_repo_commits(at.repo)) == 16


def a_scheduler_commits_what_a_process_appends(at: Place) -> None:
    folder = at.folder({"log.txt": "first\n"})
    with CommitScheduler(
        repo_id=at.repo, repo_type="dataset", folder_path=folder, path_in_repo="logs", every=60, hf_api=at.api
    ) as scheduler:
        scheduler.trigger().result(timeout=60)
        with scheduler.lock, (folder / "log.txt").open("a") as stream:
            stream.write("second\n")
    scheduler.trigger().result(timeout=60)
    stored = at.api.hf_hub_download(at.repo, "logs/log.txt", repo_type="dataset")
    assert Path(stored).read_text() == "first\nsecond\n"


def a_scheduler_without_news_makes_no_commit(at: Place) -> None:
    scheduler = CommitScheduler(repo_id=at.repo, folder_path=at.folder({"a.txt": "a"}), every=60, hf_api=at.api)
    scheduler.trigger().result(timeout=60)
    assert scheduler.trigger().result(timeout=60) is None
    scheduler.stop()
    assert len(at.api.list_repo_commits(at.repo)) == 2
