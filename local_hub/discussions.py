"""Pull requests and discussions: `refs/pr/<n>` in git, the talk about them in the repository's settings."""

import secrets
from dataclasses import dataclass
from typing import Any

import pygit2
from pygit2.enums import SortMode

from local_hub import clock
from local_hub.commits import Delete, Put, advance, apply, branch_ref
from local_hub.diffs import MAX_COMPARED, size_of, unified
from local_hub.errors import HubError
from local_hub.names import RepoName
from local_hub.store import DEFAULT_BRANCH, Repo


@dataclass(frozen=True)
class Requested:
    title: str
    description: str = ""
    base: str = DEFAULT_BRANCH
    pull_request: bool = True


@dataclass(frozen=True)
class Opened:
    number: int
    ref: str


def event(user: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": secrets.token_hex(12),
        "type": kind,
        "createdAt": clock.now(),
        "author": {"name": user},
        "data": data,
    }


def comment_event(user: str, text: str) -> dict[str, Any]:
    return event(user, "comment", {"edited": False, "hidden": False, "latest": {"raw": text}})


def add_record(settings: dict[str, Any], user: str, asked: Requested) -> dict[str, Any]:
    known = settings.setdefault("discussions", [])
    record = {
        "num": len(known) + 1,
        "title": asked.title,
        "status": "draft" if asked.pull_request else "open",
        "createdAt": clock.now(),
        "author": {"name": user},
        "isPullRequest": asked.pull_request,
        "base": asked.base if asked.base.startswith("refs/") else f"refs/heads/{asked.base}",
        "events": [comment_event(user, asked.description)] if asked.description else [],
    }
    known.append(record)
    return dict(record)


def open_pull_request(
    repo: Repo,
    user: str,
    asked: Requested,
    changes: list[Put | Delete] | None = None,
    parent: str | None = None,
) -> Opened:
    """Branch `refs/pr/<n>` off the base (or off `parent`, an older commit of it) and commit `changes` there."""
    with repo.changing_settings() as settings:
        branch_ref(repo, asked.base)
        base = repo.commit(parent or asked.base)
        record = add_record(settings, user, asked)
        opened = Opened(record["num"], f"refs/pr/{record['num']}")
        tree = apply(repo, base, changes or [])
        repo.git.create_reference(opened.ref, base.id, force=True)  # one left by a killed request has no record
        if tree != base.tree.id:
            advance(repo, opened.ref, base, tree, user, asked.title, [base.id])
    return opened


def as_json(name: RepoName, record: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in record.items() if key not in ("events", "base", "mergeCommit")}
    return {**shown, "repo": {"name": name.repo_id, "type": name.kind}, "pinned": False}


def found(settings: dict[str, Any], number: int) -> dict[str, Any]:
    """The record of a discussion, in `settings`; raises a 404."""
    known: list[dict[str, Any]] = settings.get("discussions", [])
    if not 0 < number <= len(known):
        raise HubError(404, f"there is no discussion {number}")
    return known[number - 1]


def heads(repo: Repo, record: dict[str, Any]) -> tuple[pygit2.Commit, pygit2.Commit]:
    """The newest commits of the base and of the pull request."""
    return repo.commit(record["base"]), repo.commit(f"refs/pr/{record['num']}")


def _too_large(repo: Repo, base: pygit2.Commit, head: pygit2.Commit) -> list[str]:
    """Files that both sides changed, and that take too long to merge line by line."""
    common = repo.git.merge_base(base.id, head.id)
    if common is None:
        return []
    sides = [repo.git[common].tree.diff_to_tree(side.tree) for side in (base, head)]
    ours, theirs = ({delta.new_file.path: delta for delta in side.deltas} for side in sides)
    return sorted(
        path
        for path in ours.keys() & theirs.keys()
        if ours[path].new_file.id != theirs[path].new_file.id
        and max(size_of(repo.git, d.new_file) for d in (ours[path], theirs[path])) > MAX_COMPARED
    )


def conflicts(repo: Repo, record: dict[str, Any]) -> list[str]:
    """The files that keep a pull request from being merged; none where its base is gone."""
    if record["status"] == "merged" or record["base"] not in repo.git.references:
        return []
    base, head = heads(repo, record)
    if large := _too_large(repo, base, head):
        return large
    triples = repo.git.merge_commits(base, head).conflicts
    return sorted({side.path for triple in triples or [] for side in triple if side is not None})


def pull_request_diff(repo: Repo, record: dict[str, Any]) -> str:
    """What the pull request changes, since it left its base; empty once the base is gone."""
    head = repo.commit(f"refs/pr/{record['num']}")
    if record["status"] == "merged":
        base = repo.commit(record["mergeCommit"]).parents[0]
    elif (ref := record["base"]) in repo.git.references:
        base = repo.git.references[ref].peel(pygit2.Commit)
    else:
        return ""
    common = repo.git.merge_base(base.id, head.id)
    return unified(repo.git, repo.git[common] if common else None, head)


def opened_by(repo: Repo, user: str | None, number: int) -> bool:
    known = repo.settings().get("discussions", [])
    return 0 < number <= len(known) and known[number - 1]["author"]["name"] == user


def landed(repo: Repo, record: dict[str, Any]) -> str | None:
    """The merge commit that is on the base already: its request was killed before it could note that down."""
    base, head = heads(repo, record)
    if not repo.git.descendant_of(base.id, head.id):
        return None
    walk = repo.git.walk(base.id, SortMode.TOPOLOGICAL)
    walk.simplify_first_parent()
    return next((str(commit.id) for commit in walk if head.id in commit.parent_ids[1:]), None)


def merge(repo: Repo, user: str, record: dict[str, Any]) -> str:
    """Move the base by a merge commit, and return its id; 409 names the files in conflict."""
    base, head = heads(repo, record)
    if large := _too_large(repo, base, head):
        raise HubError(409, f"these files changed on both sides, and are too large to merge: {', '.join(large)}")
    index = repo.git.merge_commits(base, head)
    if index.conflicts:
        raise HubError(409, f"these files changed on both sides: {', '.join(conflicts(repo, record))}")
    message = f"{record['title']} (#{record['num']})"
    return advance(repo, record["base"], base, index.write_tree(repo.git), user, message, [base.id, head.id])
