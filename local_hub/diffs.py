"""The difference between two commits, as unified text of bounded length."""

import pygit2

MAX_DIFF = 2 << 20  # characters; what is beyond it is named, not shown
MAX_COMPARED = 1 << 20  # bytes of a file: time grows with their square, 1 s at twice 1 MB, 93 s at twice 20 MB


def unified(git: pygit2.Repository, old: pygit2.Commit | None, new: pygit2.Commit, limit: int = MAX_DIFF) -> str:
    """What `git diff old new` prints; without `old`, everything in `new` as added."""
    diff = old.tree.diff_to_tree(new.tree) if old else new.tree.diff_to_tree(swap=True)
    parts, length = [], 0
    for number, delta in enumerate(diff.deltas):
        if max(size_of(git, delta.old_file), size_of(git, delta.new_file)) > MAX_COMPARED:
            names = f"a/{delta.old_file.path} b/{delta.new_file.path}"
            text = f"diff --git {names}\nBinary files {names} differ: too large to compare\n"
        else:
            text = _text(diff[number])
        if length + len(text) > limit:  # stop here: each further patch would be computed to be dropped
            parts.append(f"\\ {len(diff) - number} more files are not shown\n")
            break
        parts.append(text)
        length += len(text)
    return "".join(parts)


def size_of(git: pygit2.Repository, file: pygit2.DiffFile) -> int:
    """Bytes of one side of a difference; 0 where it is not there."""
    return int(git.odb.read_header(file.id)[1]) if file.id in git.odb else 0


def _text(patch: pygit2.Patch) -> str:
    data: bytes = patch.data
    return data.decode("utf-8", "replace")
