"""CPsyCounD as published: a text file per case, turns labelled 来访者 or 心理咨询师, with unlabelled lines between."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LABELS = ("来访者", "心理咨询师")

_TURN = re.compile(rf"^\s*({'|'.join(LABELS)})\s*[：:]", re.MULTILINE)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """`{id, messages}` of every `case_<n>.txt` in a folder or a .tar.gz, by number.

    An unlabelled line goes on with the turn before it; words before the first label are a turn of nobody known.
    """
    for name, text in sorted(_files(path), key=lambda file: (len(file[0]), file[0])):
        parts = _TURN.split(text)
        turns = list(zip(parts[1::2], parts[2::2], strict=True))
        if parts[0].strip():
            turns.insert(0, ("", parts[0]))
        yield {"id": name, "messages": [{"role": role, "content": content.strip()} for role, content in turns]}


def _files(path: Path) -> Iterator[tuple[str, str]]:
    if path.is_dir():
        for file in path.rglob("case_*.txt"):
            yield file.stem, file.read_text(encoding="utf-8")
        return
    with tarfile.open(path) as archive:  # read in order, nothing is unpacked to disk
        for member in archive:
            if member.isfile() and re.fullmatch(r"case_\d+\.txt", Path(member.name).name):
                content = archive.extractfile(member)
                assert content is not None
                yield Path(member.name).stem, content.read().decode("utf-8")
