"""Bytes of upstream files: a plain or gzip file in pieces or lines; the files of a folder or archive, in order."""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from dataset_builder.records import Rejection
from dataset_builder.sources import archives
from dataset_builder.sources.json_value import BadJson, parse
from dataset_builder.sources.row import SourceError, brief

CHUNK = 1 << 18
"""Bytes of a piece of a file."""


def stem(path: Path) -> str:
    """The name of a file without its endings, printable as UTF-8: what ids of rows without one begin with."""
    return archives.printable(path.name.split(".")[0] or path.name)


def unit_stem(name: str) -> str:
    """The same of a member's name as `units` gives it: `data/12.json` is `12`."""
    return stem(Path(name))


def chunks(path: Path) -> Iterator[bytes]:
    """The content of a file in pieces of at most CHUNK bytes, decompressed where it is gzip.

    Raises:
        SourceError: where there is no such file, or it cannot be read to its end; all before the damage came before.
    """
    if path.is_dir():
        raise SourceError(f"{str(path)!r} is a folder; give one of the files in it")
    if not path.is_file():
        raise SourceError(f"no corpus at {str(path)!r}: give a file that exists")
    try:
        with _open(path) as file:
            while piece := file.read1(CHUNK):  # type: ignore[attr-defined]  # read() loses what precedes an error
                yield piece
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path} cannot be read to its end ({brief(error)}); fetch or compress it again") from None


def lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """The lines of a file with their numbers, from 1, without line feeds; None for one above archives.MAX_UNIT bytes.

    Raises:
        SourceError: as `chunks`; a line that is cut by the damage does not come.
    """
    number, parts, size = 1, list[bytes](), 0
    for piece in chunks(path):
        *whole, rest = piece.split(b"\n")
        for line in whole:
            size += len(line)
            yield number, (b"".join([*parts, line]) if size <= archives.MAX_UNIT else None)
            number, parts, size = number + 1, [], 0
        size += len(rest)
        parts = [*parts, rest] if size <= archives.MAX_UNIT else []
    if size:
        yield number, (b"".join(parts) if size <= archives.MAX_UNIT else None)


def units(path: Path, pattern: str) -> Iterator[tuple[str, bytes] | Rejection]:
    """The files of a folder, a .tar, .tar.gz, .tgz or .zip whose names (without folders) match `pattern` whole.

    They come as (path inside the folder or archive, content), in the order of their paths, numbers by value, and
    nothing is unpacked to disk. `path` may be one such file, too, whatever its name, plain or gzip. What cannot be
    read among others is a Rejection: `unreadable`, `too_large` (above archives.MAX_UNIT bytes).

    Raises:
        SourceError: where `path` is missing or a damaged archive, after all files before the damage; where no file
            matches.
    """
    wanted = re.compile(pattern)
    if path.is_dir():
        found = _folder(path, wanted)
    elif archives.is_archive(path):
        found = archives.members(path, wanted, lambda: chunks(path))
    else:
        found = iter([_single(path)])
    count = 0
    for count, unit in enumerate(found, 1):  # noqa: B007
        yield unit
    if not count:
        raise SourceError(f"no file in {str(path)!r} has a name like {pattern}; give the folder or archive that does")


def json_units(path: Path, pattern: str) -> Iterator[tuple[str, Any] | Rejection]:
    """The JSON values in `units`; what is none is a Rejection: not_utf8, not_json or too_deep."""
    for item in units(path, pattern):
        if not isinstance(item, Rejection):
            try:
                yield item[0], parse(item[1])
            except BadJson as error:
                yield Rejection(item[0], error.reason)
        else:
            yield item


def _folder(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes] | Rejection]:
    names = [file.relative_to(path).as_posix() for file in path.rglob("*") if wanted.fullmatch(file.name)]
    for name in sorted(names, key=archives.natural):
        if not (path / name).is_dir():
            try:
                with (path / name).open("rb") as file:
                    yield archives.unit(name, file.read(archives.MAX_UNIT + 1))
            except OSError:
                yield Rejection(archives.printable(name), "unreadable")


def _single(path: Path) -> tuple[str, bytes] | Rejection:
    content = b""
    for piece in chunks(path):
        content += piece
        if len(content) > archives.MAX_UNIT:
            break
    return archives.unit(path.name.removesuffix(".gz"), content)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed or path.suffix in (".gz", ".tgz"):
        return gzip.open(path)  # type: ignore[return-value]
    return path.open("rb")
