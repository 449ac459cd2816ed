"""A unified diff, file by file and line by line, for a template to show."""

import re
from dataclasses import dataclass, field

MAX_SHOWN = 200_000  # characters of a diff on a page
_MAX_FILES = 300
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_POINTER = "version https://git-lfs.github.com/spec/v1"


@dataclass
class Changed:
    """`lines` are pairs of what a line is ("add", "del", "hunk" or "") and its text."""

    path: str = ""
    what: str = "changed"
    lines: list[tuple[str, str]] = field(default_factory=list)
    large: bool = False  # the lines are those of a pointer
    binary: bool = False


@dataclass
class Changes:
    files: list[Changed] = field(default_factory=list)
    left: bool = False  # there is more than is shown


def parse(diff: str) -> Changes:
    """Of what `diffs.unified` writes. Lines of files start with a sign, so none is taken for a header."""
    found = Changes(left=len(diff) > MAX_SHOWN)
    current = Changed()
    header = True
    for line in diff[:MAX_SHOWN].split("\n"):
        if line.startswith("diff --git "):
            if len(found.files) == _MAX_FILES:
                found.left = True
                break
            current, header = Changed(_name_in(line)), True
            found.files.append(current)
        elif line.startswith("@@"):
            header = False
            current.lines.append(("hunk", line))
        elif header:
            _read_header(current, line)
        elif line.startswith(("+", "-", " ", "\\")):
            kind = {"+": "add", "-": "del"}.get(line[0], "")
            current.lines.append((kind, line))
            current.large = current.large or line[1:] == _POINTER
    found.left = found.left or "files are not shown" in diff[-60:]
    return found


def _read_header(current: Changed, line: str) -> None:
    if line.startswith("new file"):
        current.what = "added"
    elif line.startswith("deleted file"):
        current.what = "deleted"
    elif line.startswith("rename "):
        current.what = "moved"
    elif line.startswith("Binary files "):
        current.binary = True
    elif line.startswith(("--- ", "+++ ")) and not line.endswith("/dev/null"):
        current.path = _unquoted(line[4:].rstrip("\t"))[2:]


def _name_in(line: str) -> str:
    """The path in `diff --git a/<path> b/<path>`: both are the same, as nothing here looks for renames."""
    both = line.removeprefix("diff --git ")
    half = both[: len(both) // 2]
    return _unquoted(half)[2:]


def _unquoted(name: str) -> str:
    """git puts paths with unusual characters in quotes, with each byte of them in octal."""
    if not (name.startswith('"') and name.endswith('"')):
        return name

    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8) & 255]) if len(code) == 3 else _PLAIN.get(code, code)

    return _ESCAPE.sub(byte, name[1:-1].encode()).decode("utf-8", "replace")
