"""Discussions and pull requests, from the first word to the merge."""

from pathlib import Path

from huggingface_hub import CommitOperationAdd
from place import Place, refused


def a_discussion_is_opened_and_read(at: Place) -> None:
    at.new()
    opened = at.api.create_discussion(at.repo, title="A question", description="Why? 为什么")
    assert opened.url == f"{at.endpoint}/{at.repo}/discussions/1"
    read = at.api.get_discussion_details(at.repo, opened.num)
    assert (read.title, read.status, read.author, read.is_pull_request) == ("A question", "open", "local", False)
    assert (read.repo_id, read.repo_type, read.git_reference, read.diff) == (at.repo, "model", None, None)
    assert [event.content for event in read.events] == ["Why? 为什么"]


def datasets_and_spaces_have_discussions(at: Place) -> None:
    at.new(repo_type="dataset")
    at.new(repo_type="space", space_sdk="static")
    for kind in ("dataset", "space"):
        opened = at.api.create_discussion(at.repo, title="A question", repo_type=kind)
        assert (opened.repo_type, opened.url) == (kind, f"{at.endpoint}/{kind}s/{at.repo}/discussions/1")


def a_title_that_is_too_short_is_400(at: Place) -> None:
    at.new()
    refused(400, at.api.create_discussion, at.repo, title="ab")


def a_comment_is_added(at: Place) -> None:
    at.new()
    at.api.create_discussion(at.repo, title="A question")
    comment = at.api.comment_discussion(at.repo, 1, comment="An *answer*")
    assert (comment.content, comment.author, comment.edited, comment.hidden) == ("An *answer*", "local", False, False)
    assert at.api.get_discussion_details(at.repo, 1).events[-1].content == "An *answer*"


def a_title_is_changed(at: Place) -> None:
    at.new()
    at.api.create_discussion(at.repo, title="Old title")
    event = at.api.rename_discussion(at.repo, 1, new_title="New title")
    assert (event.old_title, event.new_title) == ("Old title", "New title")
    assert at.api.get_discussion_details(at.repo, 1).title == "New title"


def a_discussion_is_closed_and_reopened(at: Place) -> None:
    at.new()
    at.api.create_discussion(at.repo, title="A question")
    assert at.api.change_discussion_status(at.repo, 1, new_status="closed", comment="Done").new_status == "closed"
    assert at.api.get_discussion_details(at.repo, 1).status == "closed"
    at.api.change_discussion_status(at.repo, 1, new_status="open")
    read = at.api.get_discussion_details(at.repo, 1)
    changes = [event.new_status for event in read.events if event.type == "status-change"]
    assert (read.status, changes) == ("open", ["closed", "open"])


def discussions_are_listed_by_kind_status_and_author(at: Place) -> None:
    at.new()
    at.api.create_discussion(at.repo, title="One question")
    at.api.create_discussion(at.repo, title="Another question")
    at.api.create_pull_request(at.repo, title="An idea")
    at.api.change_discussion_status(at.repo, 1, new_status="closed")
    assert _numbers(at) == [1, 2, 3]
    assert _numbers(at, discussion_type="pull_request") == [3]
    assert _numbers(at, discussion_type="discussion") == [1, 2]
    assert _numbers(at, discussion_status="closed") == [1]
    assert _numbers(at, discussion_status="open", discussion_type="discussion") == [2]
    assert (_numbers(at, author="local"), _numbers(at, author="nobody")) == ([1, 2, 3], [])


def more_discussions_than_a_page_are_all_listed(at: Place) -> None:
    at.new()
    for number in range(53):
        at.api.create_discussion(at.repo, title=f"Question {number}")
    assert _numbers(at) == list(range(1, 54))


def a_missing_discussion_is_404(at: Place) -> None:
    at.new()
    refused(404, at.api.get_discussion_details, at.repo, 1)
    refused(404, at.api.comment_discussion, at.repo, 1, comment="Hello")


def a_pull_request_is_filled_and_merged(at: Place) -> None:
    at.new()
    opened = at.api.create_pull_request(at.repo, title="An idea", description="Please look")
    assert (opened.is_pull_request, opened.status, opened.git_reference) == (True, "draft", "refs/pr/1")
    at.put("idea.bin", at.noise(50_000), revision="refs/pr/1")
    assert at.files() == []
    at.api.merge_pull_request(at.repo, 1, comment="Thanks")
    merged = at.api.get_discussion_details(at.repo, 1)
    assert (merged.status, merged.target_branch) == ("merged", "refs/heads/main")
    assert merged.merge_commit_oid == at.api.model_info(at.repo).sha
    assert Path(at.api.hf_hub_download(at.repo, "idea.bin")).read_bytes() == at.noise(50_000)


def a_pull_request_shows_its_diff(at: Place) -> None:
    at.new()
    at.put("a.txt", "one\ntwo\n")
    at.put("a.txt", "one\nthree\n", create_pr=True)
    diff = at.api.get_discussion_details(at.repo, 1).diff
    assert "a.txt" in diff and "-two" in diff and "+three" in diff


def a_commit_can_open_a_pull_request(at: Place) -> None:
    at.new()
    add = [CommitOperationAdd("a.txt", b"a")]
    info = at.api.create_commit(at.repo, add, commit_message="A change", commit_description="Why", create_pr=True)
    assert (info.pr_num, info.pr_revision, info.pr_url) == (1, "refs/pr/1", f"{at.endpoint}/{at.repo}/discussions/1")
    assert (at.files(), at.files(revision="refs/pr/1")) == ([], ["a.txt"])
    assert at.api.get_discussion_details(at.repo, 1).title == "A change"


def a_folder_can_open_a_pull_request(at: Place) -> None:
    at.new()
    folder = at.folder({"a.txt": "a", "b.bin": at.noise(50_000)})
    info = at.api.upload_folder(repo_id=at.repo, folder_path=folder, create_pr=True)
    assert (info.pr_num, at.files(), at.files(revision="refs/pr/1")) == (1, [], ["a.txt", "b.bin"])


def a_pull_request_on_a_branch_merges_into_it(at: Place) -> None:
    at.new()
    at.api.create_branch(at.repo, branch="dev/one")
    at.put("a.txt", "a", revision="dev/one", create_pr=True)
    assert at.api.get_discussion_details(at.repo, 1).target_branch == "refs/heads/dev/one"
    at.api.merge_pull_request(at.repo, 1)
    assert (at.files(), at.files(revision="dev/one")) == ([], ["a.txt"])


def both_sides_of_a_merge_are_kept(at: Place) -> None:
    at.new()
    at.put("theirs.txt", "theirs", create_pr=True)
    at.put("ours.txt", "ours")
    at.api.merge_pull_request(at.repo, 1)
    assert at.files() == ["ours.txt", "theirs.txt"]


def a_conflict_is_named_and_not_merged(at: Place) -> None:
    at.new()
    at.put("a.txt", "base\n")
    at.put("a.txt", "theirs\n", create_pr=True)
    ours = at.put("a.txt", "ours\n")
    assert at.api.get_discussion_details(at.repo, 1).conflicting_files == ["a.txt"]
    refused(409, at.api.merge_pull_request, at.repo, 1)
    assert (at.api.model_info(at.repo).sha, at.api.get_discussion_details(at.repo, 1).status) == (ours, "draft")


def what_is_merged_or_no_pull_request_cannot_be_merged(at: Place) -> None:
    at.new()
    at.put("a.txt", "a", create_pr=True)
    at.api.create_discussion(at.repo, title="Only words")
    at.api.merge_pull_request(at.repo, 1)
    refused(400, at.api.merge_pull_request, at.repo, 1)
    refused(400, at.api.merge_pull_request, at.repo, 2)
    refused(400, at.api.change_discussion_status, at.repo, 1, new_status="closed")


def strangers_read_and_do_not_write(at: Place) -> None:
    at.new()
    at.api.create_discussion(at.repo, title="A question")
    assert at.api.get_discussion_details(at.repo, 1, token=False).title == "A question"
    refused(401, at.api.comment_discussion, at.repo, 1, comment="Hello", token=False)
    refused(401, at.api.create_discussion, at.repo, title="Another", token=False)


def _numbers(at: Place, **options: str) -> list[int]:
    return sorted(found.num for found in at.api.get_repo_discussions(at.repo, **options))
