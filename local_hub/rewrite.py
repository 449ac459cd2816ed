"""Rewriting history: squash a branch into one commit, and take large files out of every commit."""

import pygit2
from pygit2.enums import FileMode, SortMode

from local_hub.commits import branch_ref
from local_hub.store import Repo, signature
from local_hub.tree import all_commits, file_at


def squash(repo: Repo, revision: str, user: str, message: str) -> str:
    """Replace a branch's history by one commit of its present files; returns that commit's id."""
    with repo.lock:
        ref = branch_ref(repo, revision)
        head = repo.git.references[ref].peel(pygit2.Commit)
        who = signature(user)
        new = repo.git.create_commit(None, who, who, message, head.tree.id, [])
        repo.git.references[ref].set_target(new)
    return str(new)


def without_files(repo: Repo, gone: set[str]) -> None:
    """Write every commit of every ref anew without the pointers to the large files `gone`, and move the refs there.

    Commits that never had one keep their ids. Each ref moves by itself: a killed server leaves some of them moved,
    and the same call again does the rest.
    """
    git = repo.git
    trees: dict[pygit2.Oid, pygit2.Oid | None] = {}
    commits: dict[pygit2.Oid, pygit2.Oid] = {}
    for commit in all_commits(git, SortMode.TOPOLOGICAL | SortMode.REVERSE):
        tree = _tree(git, commit.tree, gone, trees) or git.TreeBuilder().write()
        parents = [commits[parent] for parent in commit.parent_ids]
        if tree == commit.tree.id and parents == commit.parent_ids:
            commits[commit.id] = commit.id
        else:
            commits[commit.id] = git.create_commit(
                None, commit.author, commit.committer, commit.message, tree, parents
            )
    for name in list(git.references):
        old = git.references[name].peel(pygit2.Commit).id
        if commits[old] != old:
            git.references[name].set_target(commits[old])


def _tree(
    git: pygit2.Repository, tree: pygit2.Tree, gone: set[str], known: dict[pygit2.Oid, pygit2.Oid | None]
) -> pygit2.Oid | None:
    """The same tree without those pointers; None if nothing is left of it."""
    if tree.id in known:
        return known[tree.id]
    builder = git.TreeBuilder(tree)
    for item in tree:
        if item.type_str == "tree":
            inner = _tree(git, item, gone, known)
            if inner is None:
                builder.remove(item.name)
            elif inner != item.id:
                builder.insert(item.name, inner, FileMode.TREE)
        elif item.type_str == "blob":
            pointer = file_at(git, item.name, item.id).pointer
            if pointer is not None and pointer.sha256 in gone:
                builder.remove(item.name)
    known[tree.id] = builder.write() if len(builder) else None
    return known[tree.id]
