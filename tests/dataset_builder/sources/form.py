"""How units become the file, folder or archive that a source is published as."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow
from pyarrow import parquet


@dataclass(frozen=True)
class Form:
    """One way in which a source is published."""

    name: str  # of the file; of the folder or archive, where a unit is a file in it
    unit: Callable[[int], bytes]
    head: bytes = b""
    between: bytes = b"\n"
    tail: bytes = b"\n"
    member: Callable[[int], str] | None = None  # the file of a unit, from its place
    pack: Literal["", "gzip", "folder", "tar.gz", "tar", "zip", "parquet"] = ""

    def bytes_of(self, units: Sequence[bytes]) -> bytes:
        """The units as one file, before it is compressed."""
        return self.head + self.between.join(units) + self.tail

    def write(self, folder: Path, units: Sequence[bytes]) -> Path:
        """The file, folder or archive of these units; what was there under its name is overwritten."""
        path = folder / self.name
        members = [(self.member(place), unit) for place, unit in enumerate(units)] if self.member else []
        if self.pack == "folder":
            for name, unit in members:
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(unit)
        elif self.pack == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for name, unit in members:
                    archive.writestr(name, unit)
        elif self.pack in ("tar", "tar.gz"):
            content = _tar(members)
            path.write_bytes(gzip.compress(content, 1) if self.pack == "tar.gz" else content)
        elif self.pack == "parquet":
            _write_parquet(path, units)
        else:
            content = self.bytes_of(units)
            path.write_bytes(gzip.compress(content, 1) if self.pack == "gzip" else content)
        return path


def _tar(members: Sequence[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, unit in members:
            info = tarfile.TarInfo(name)
            info.size = len(unit)
            archive.addfile(info, io.BytesIO(unit))
    return buffer.getvalue()


def _write_parquet(path: Path, units: Sequence[bytes]) -> None:
    """Units are messages as JSON, in a column of strings, which Parquet does not look into."""
    offsets = [0]
    for unit in units:
        offsets.append(offsets[-1] + len(unit))
    buffers = [None, pyarrow.array(offsets, pyarrow.int32()).buffers()[1], pyarrow.py_buffer(b"".join(units))]
    messages = pyarrow.Array.from_buffers(pyarrow.string(), len(units), buffers)
    ids = pyarrow.array([f"row-{place}" for place in range(len(units))])
    parquet.write_table(pyarrow.table({"id": ids, "messages": messages}), path, row_group_size=2)
