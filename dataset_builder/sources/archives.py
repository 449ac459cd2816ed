"""The members of a .tar(.gz) or .zip, sorted by name within bounded memory, without unpacking to disk."""

import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from dataset_builder.records import Rejection
from dataset_builder.sources.row import SourceError, brief

MAX_UNIT = 64 << 20
"""Bytes of one dialogue's file, line or array element; those of upstream have some KB, so more is damage."""

WINDOW = 64 << 20  # bytes of members that wait for their turn

Unit = tuple[str, bytes] | Rejection


def is_archive(path: Path) -> bool:
    return path.name.endswith((".tar", ".tar.gz", ".tgz", ".zip"))


def printable(name: str) -> str:
    """`name` with its undecodable bytes escaped, so that it can be written as UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """A sort key that takes the numbers in a name by value: case_9 before case_10."""
    parts = re.split("([0-9]+)", name)
    return [(len(part.lstrip("0")) if at % 2 else 0, part) for at, part in enumerate(parts)], name


def unit(name: str, content: bytes) -> Unit:
    return Rejection(printable(name), "too_large") if len(content) > MAX_UNIT else (printable(name), content)


def members(path: Path, wanted: re.Pattern[str], chunks: Callable[[], Iterator[bytes]]) -> Iterator[Unit]:
    """The members of the archive at `path` whose file name is `wanted`, by `natural` order.

    `chunks` gives the decompressed bytes of a tar from its start, each time it is called. A tar is passed through once
    to list it and once more for each WINDOW bytes that do not lie in order.

    Raises:
        SourceError: where the archive is damaged, after all members before the damage.
    """
    return _zip(path, wanted) if path.suffix == ".zip" else _tar(path, wanted, chunks)


def first_members(
    path: Path, wanted: re.Pattern[str], chunks: Callable[[], Iterator[bytes]]
) -> Iterator[tuple[str, bytes]]:
    """The readable members whose file name is `wanted`, a tar's in the order in which they lie there."""
    if path.suffix == ".zip":
        yield from (item for item in _zip(path, wanted) if not isinstance(item, Rejection))
        return
    try:
        for name, file in _walk(chunks(), wanted):
            yield printable(name), file.read(MAX_UNIT)
    except SourceError:
        raise
    except Exception:  # tarfile raises nearly anything on damaged headers
        return


def _zip(path: Path, wanted: re.Pattern[str]) -> Iterator[Unit]:
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # zipfile raises nearly anything on damaged directories
        raise SourceError(f"{str(path)!r} cannot be read as a zip ({brief(error)}); fetch or pack it again") from None
    with archive:
        listed = [info for info in archive.infolist() if wanted.fullmatch(_base(info.filename))]
        for info in sorted(listed, key=lambda info: natural(info.filename)):
            try:
                with archive.open(info) as file:
                    content = file.read(MAX_UNIT + 1)
            except Exception:  # a checksum, a lost header, a password, an unknown compression
                yield Rejection(printable(info.filename), "unreadable")
            else:
                yield unit(info.filename, content)


def _tar(path: Path, wanted: re.Pattern[str], chunks: Callable[[], Iterator[bytes]]) -> Iterator[Unit]:
    listed, damage = list[tuple[str, int]](), ""
    try:
        for name, file in _walk(chunks(), wanted):
            listed.append((name, _size(file)))
    except SourceError as error:
        damage = str(error)
    except Exception as error:  # tarfile raises nearly anything on damaged headers
        damage = f"{str(path)!r} cannot be read to its end as a tar ({brief(error)}); fetch or pack it again"
    yield from _in_order(listed, lambda: _walk(chunks(), wanted))
    if damage:
        raise SourceError(damage)


def _in_order(listed: list[tuple[str, int]], walk: Callable[[], Iterator[tuple[str, IO[bytes]]]]) -> Iterator[Unit]:
    """The listed (name, size) members by natural order; what comes early waits, at most WINDOW bytes of it."""
    order = sorted(range(len(listed)), key=lambda index: natural(listed[index][0]))
    rank = {index: place for place, index in enumerate(order)}
    ahead = [0]  # bytes before each rank
    for index in order:
        ahead.append(ahead[-1] + min(listed[index][1], MAX_UNIT))
    turn, waiting = 0, dict[int, Unit]()
    while turn < len(order):
        for index, (name, file) in enumerate(walk()):
            place = rank[index]
            if place == turn or (place > turn and ahead[place + 1] - ahead[turn] <= WINDOW):
                waiting[place] = unit(name, file.read(MAX_UNIT + 1))
            while turn in waiting:
                yield waiting.pop(turn)
                turn += 1
            if turn == len(order) or index + 1 == len(listed):
                break  # before any damage


def _walk(chunks: Iterator[bytes], wanted: re.Pattern[str]) -> Iterator[tuple[str, IO[bytes]]]:
    class Header(tarfile.TarInfo):
        """tarfile takes a damaged header for the end of the archive and says nothing; here it is an error."""

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Header":
            try:
                return super().frombuf(buf, encoding, errors)
            except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed lacks it
                raise
            except tarfile.HeaderError as error:
                raise tarfile.ReadError(str(error)) from None

    with tarfile.open(fileobj=_Pieces(chunks), mode="r|", tarinfo=Header) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # typeshed lacks it; else it keeps the headers of all members
            if member.isreg() and wanted.fullmatch(_base(member.name)):
                file = archive.extractfile(member)
                assert file is not None
                yield member.name, file
        assert archive.fileobj is not None
        while rest := archive.fileobj.read(1 << 16):  # which also has gzip compare its checksum
            if rest.strip(b"\0"):
                raise tarfile.ReadError("it goes on behind its end mark")


def _base(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _size(file: IO[bytes]) -> int:
    """Bytes of a member up to MAX_UNIT, by reading it: its header may promise more than is there."""
    size = 0
    while size <= MAX_UNIT and (piece := file.read(1 << 20)):
        size += len(piece)
    return size


class _Pieces(io.RawIOBase):
    """A file of pieces; a read gives one of them or a part of it, never waiting for more."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._piece = pieces, memoryview(b"")

    def read(self, size: int = -1) -> Any:
        if not self._piece:
            self._piece = memoryview(next(self._pieces, b""))
        size = len(self._piece) if size < 0 else size
        part, self._piece = self._piece[:size], self._piece[size:]
        return bytes(part)
