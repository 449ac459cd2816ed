"""The two Xet formats that an upload sends: xorbs (chunks of many files) and shards (which chunks make which file).

All numbers are little-endian, and a hash prints as four 64-bit words. Written after the public Xet specification.
A file is checked by its sha256, so no BLAKE3 is needed: a chunk that is not what its hash says cannot pass.
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import lz4.frame

MAX_CHUNKS = 1 << 16  # of a xorb; clients stop at 8,192
_CHUNK_HEADER = 8
_ENTRY = 48  # bytes of every record of a shard
_END = b"\xff" * 32
_HAS_VERIFICATION, _HAS_METADATA = 1 << 31, 1 << 30
_PLAIN, _LZ4, _GROUPED_LZ4 = 0, 1, 2


class Malformed(ValueError):
    """Bytes that are no xorb, or no shard."""


@dataclass(frozen=True)
class Segment:
    """Chunks `first` to before `end` of one xorb, `size` bytes once unpacked."""

    xorb: str
    first: int
    end: int
    size: int


@dataclass(frozen=True)
class XetFile:
    sha256: str
    _records: memoryview

    @property
    def segments(self) -> Iterator[Segment]:
        """Read as they are used: a shard has room for a million, which as objects would take half a gigabyte."""
        for at in range(0, len(self._records), _ENTRY):
            _, size, first, end = struct.unpack_from("<4I", self._records, at + 32)
            yield Segment(hash_text(self._records[at : at + 32]), first, end, size)


def hash_text(raw: memoryview) -> str:
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", raw))


class Bytes(Protocol):
    """Bytes that are read by slices: in memory, or of a file."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


def chunk_offsets(xorb: Bytes) -> "array[int]":
    """Where each chunk starts, and where the last one ends. Raises Malformed unless chunks fill the xorb."""
    size, at = len(xorb), 0
    offsets = array("L", [0])
    while at < size:
        header = xorb[at : at + _CHUNK_HEADER]
        if len(header) < _CHUNK_HEADER or header[0] != 0:
            raise Malformed(f"no chunk header of version 0 at byte {at}")
        at += _CHUNK_HEADER + int.from_bytes(header[1:4], "little")
        offsets.append(at)
        if len(offsets) > MAX_CHUNKS:
            raise Malformed(f"it has more than {MAX_CHUNKS:,} chunks")
    if at != size or len(offsets) == 1:
        raise Malformed(f"chunks end at byte {at} of {size}")
    return offsets


def unpack_chunk(whole: bytes | memoryview) -> bytes | memoryview:
    """The plain bytes of one chunk with its header."""
    chunk = memoryview(whole)
    scheme, size = chunk[4], int.from_bytes(chunk[5:8], "little")
    packed = chunk[_CHUNK_HEADER:]
    if scheme == _PLAIN:
        data: bytes | memoryview = packed
    elif scheme in (_LZ4, _GROUPED_LZ4):
        try:
            data = lz4.frame.LZ4FrameDecompressor().decompress(packed, max_length=size + 1)  # a bomb stops here
        except RuntimeError as error:
            raise Malformed(f"a chunk does not decompress: {error}") from None
        data = _ungrouped(bytes(data)) if scheme == _GROUPED_LZ4 else data
    else:
        raise Malformed(f"compression scheme {scheme} is unknown")
    if len(data) != size:
        raise Malformed(f"a chunk unpacks to {len(data)} bytes, not {size}")
    return data


def _ungrouped(grouped: bytes) -> bytes:
    """Undo grouping by four: first all bytes 0, 4, 8 ..., then all bytes 1, 5, 9 ..., and so on."""
    plain, start = bytearray(len(grouped)), 0
    for lane in range(4):
        end = start + len(range(lane, len(grouped), 4))
        plain[lane::4] = grouped[start:end]
        start = end
    return bytes(plain)


def shard_files(shard: memoryview) -> Iterator[XetFile]:
    """The files that a shard describes; what follows them (a listing of its xorbs) is of no use here."""
    at = _ENTRY  # past the shard's own header
    while True:
        header, at = _records(shard, at, 1)
        if header[:32] == _END:
            return
        flags, count = struct.unpack_from("<II", header, 32)
        segments, at = _records(shard, at, count)
        at += count * _ENTRY if flags & _HAS_VERIFICATION else 0
        if not flags & _HAS_METADATA:
            raise Malformed("a file comes without its sha256")
        metadata, at = _records(shard, at, 1)
        yield XetFile(hash_text(metadata[:32]), segments)


def _records(shard: memoryview, at: int, count: int) -> tuple[memoryview, int]:
    end = at + count * _ENTRY
    if end > len(shard):
        raise Malformed(f"the shard ends inside a record, at byte {len(shard)}")
    return shard[at:end], end
