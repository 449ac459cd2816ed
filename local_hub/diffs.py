"""The difference between two commits, as unified text of bounded length."""

import pygit2

MAX_DIFF = 2 << 20  # characters; what is beyond it is named, not shown


def unified(git: pygit2.Repository, old: pygit2.Commit | None, new: pygit2.Commit, limit: int = MAX_DIFF) -> str:
    """What `git diff old new` prints; without `old`, everything in `new` as added."""
    diff = old.tree.diff_to_tree(new.tree) if old else new.tree.diff_to_tree(swap=True)
    parts, length = [], 0
    for number, patch in enumerate(diff):
        text = _text(patch)
        if length + len(text) > limit:  # stop here: each further patch would be computed to be dropped
            parts.append(f"\\ {len(diff) - number} more files are not shown\n")
            break
        parts.append(text)
        length += len(text)
    return "".join(parts)


def _text(patch: pygit2.Patch) -> str:
    data: bytes = patch.data
    return data.decode("utf-8", "replace")
