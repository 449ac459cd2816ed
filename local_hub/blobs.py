"""Large files, kept once each under their sha256: a file that is there is whole."""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

SHA256 = re.compile(r"[0-9a-f]{64}")
BUFFER = 1 << 20  # bytes per write of a large file: in the pieces that arrive, the kernel takes twice the CPU


def sync(path: Path) -> None:
    """Make what was written to a file, or a rename inside a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(draft: Path, target: Path) -> None:
    """Let `draft`, on the same file system, appear at `target`: synced first, so that what is there is whole."""
    sync(draft)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(target)
    sync(target.parent)


@contextmanager
def published(target: Path, temporary: Path) -> Iterator[BinaryIO]:
    """A file to write that appears at `target` when the block ends well, and not at all otherwise."""
    draft = temporary / secrets.token_hex(16)
    try:
        with draft.open("wb", buffering=BUFFER) as stream:
            yield stream
        publish(draft, target)
    finally:
        draft.unlink(missing_ok=True)


class Mismatch(ValueError):
    """Bytes that are not what their sender said."""


class BlobWriter:
    """Takes a file's bytes in order and hashes them as they pass."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        self._stream.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class Blobs:
    """The content-addressed store below `folder`; `temporary` must be on the same file system."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._folder = folder
        self._temporary = temporary

    def path(self, sha256: str) -> Path:
        if not SHA256.fullmatch(sha256):
            raise Mismatch(f"{sha256[:80]!r} is not a sha256 in lower-case hex")
        return self._folder / sha256[:2] / sha256[2:4] / sha256

    def size(self, sha256: str) -> int | None:
        """Bytes of the stored file, or None when it is not here."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def writing(self, sha256: str) -> Iterator[BlobWriter]:
        """Store what is written under `sha256`; raises Mismatch, and stores nothing, if it hashes to anything else."""
        with published(self.path(sha256), self._temporary) as stream:
            writer = BlobWriter(stream)
            yield writer
            _same(writer.sha256, sha256)

    def adopt(self, draft: Path, sha256: str) -> None:
        """Take over a finished file; raises Mismatch, and leaves it, if it does not hash to `sha256`."""
        with draft.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        _same(found, sha256)
        publish(draft, self.path(sha256))


def _same(found: str, promised: str) -> None:
    if found != promised:
        raise Mismatch(f"the bytes sent hash to {found}, not to {promised}; upload the file again")
