"""Publishes named files as a Hub repo in one atomic commit. Every push of this project goes through here."""

from collections.abc import Mapping
from pathlib import Path

KEPT = (".gitattributes",)
"""Files that a Hub adds to every repo by itself."""


def publish(
    repo_id: str,
    repo_type: str,
    files: Mapping[str, Path | bytes],
    *,
    private: bool = False,
    space_sdk: str | None = None,
    message: str,
) -> None:
    """Make the repo hold exactly `files`, creating it where it is missing.

    Readers see the old files or the new ones, never a mixture: additions and deletions are one commit (`upload_folder`
    splits larger ones). Unchanged files are not uploaded again, and without a change there is no commit, so that a
    push that was interrupted is simply started again.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi()
    api.create_repo(repo_id, repo_type=repo_type, private=private, space_sdk=space_sdk, exist_ok=True)
    api.update_repo_settings(repo_id, repo_type=repo_type, visibility="private" if private else "public")
    stale = set(api.list_repo_files(repo_id, repo_type=repo_type)) - set(files) - set(KEPT)
    operations = [
        *(CommitOperationDelete(path) for path in sorted(stale)),
        *(
            CommitOperationAdd(path, content if isinstance(content, bytes) else str(content))
            for path, content in sorted(files.items())
        ),
    ]
    api.create_commit(repo_id, operations, repo_type=repo_type, commit_message=message)
