"""Xorbs and shards, well-formed and spoilt, for test_fuzz.py: the formats of local_hub/xet_format.py, written."""

import hashlib
import struct

import lz4.frame
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.local_hub.fuzzing import TOKEN, Case, mostly, queries

PLAIN, LZ4, GROUPED = 0, 1, 2
METADATA, VERIFICATION = 1 << 30, 1 << 31
XORB = hashlib.sha256(b"the name of a stored xorb").hexdigest()
BOMB = hashlib.sha256(b"the name of a xorb that is a bomb").hexdigest()
CHUNKS = [b"hello", bytes(1000), b"", bytes(range(256)) * 4]
_END = b"\xff" * 32 + bytes(16)


def chunk(data: bytes, scheme: int = LZ4, *, size: int | None = None, packed: bytes | None = None) -> bytes:
    """With its header; `size` and `packed` may be lies."""
    match scheme:
        case _ if packed is not None:
            pass
        case 1:
            packed = lz4.frame.compress(data)
        case 2:
            packed = lz4.frame.compress(b"".join(data[lane::4] for lane in range(4)))
        case _:
            packed = data
    stated = len(data) if size is None else size
    return b"\0" + len(packed).to_bytes(3, "little") + bytes([scheme]) + stated.to_bytes(3, "little") + packed


def segment(first: int, end: int, size: int, xorb: str = XORB) -> bytes:
    name = struct.pack("<4Q", *(int(xorb[at : at + 16], 16) for at in range(0, 64, 16)))
    return name + struct.pack("<4I", 0, size, first, end)


def described(sha256: str, segments: list[bytes], flags: int = METADATA, count: int | None = None) -> bytes:
    """One file of a shard."""
    head = bytes(32) + struct.pack("<2I", flags, len(segments) if count is None else count) + bytes(8)
    verified = bytes(48) * (len(segments) if flags & VERIFICATION else 0)
    name = struct.pack("<4Q", *(int(sha256[at : at + 16], 16) for at in range(0, 64, 16)))
    return head + b"".join(segments) + verified + (name + bytes(16) if flags & METADATA else b"")


def shard(files: list[bytes]) -> bytes:
    return bytes(48) + b"".join(files) + _END


_numbers = st.sampled_from([0, 1, 2, 3, 4, 5, 1000, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
_sizes = st.none() | st.sampled_from([0, 1, 4, 5, 999, 1 << 20, (1 << 24) - 1])
_packed = (
    st.none()
    | st.binary(max_size=20)
    | st.sampled_from([lz4.frame.compress(bytes(9 << 20)), lz4.frame.compress(b"") * 9])
)
_chunks = st.builds(
    lambda data, scheme, size, packed: chunk(data, scheme, size=size, packed=packed),
    st.sampled_from(CHUNKS) | st.binary(max_size=40),
    mostly(st.sampled_from((PLAIN, LZ4, GROUPED)), st.integers(0, 255)),
    mostly(st.none(), _sizes),
    mostly(st.none(), _packed),
)
_xorbs = st.lists(_chunks, max_size=5).map(b"".join)
_FEW = [f"{number:064x}" for number in range(4)]  # names for xorbs that come and go
_named = st.sampled_from([XORB, XORB, *_FEW, *_FEW, "f" * 64])
_good = st.sampled_from([segment(0, 1, 5), segment(0, 4, 2029), segment(1, 2, 1000), segment(2, 3, 0)])
_firsts = st.builds(segment, st.just(0), st.just(1), _numbers, _named)
_segments = mostly(_good, _firsts | st.builds(segment, _numbers, _numbers, _numbers, _named), 2)
# A file that is stored is not built again, so most are files that cannot be.
_sha256 = mostly(
    st.sampled_from(("0" * 64, "1" * 64)),
    st.sampled_from([hashlib.sha256(data).hexdigest() for data in (b"hello", b"", b"hellohello", b"".join(CHUNKS))]),
)
_flags = mostly(st.sampled_from((METADATA, METADATA | VERIFICATION)), _numbers, 9)
_files = st.builds(described, _sha256, st.lists(_segments, max_size=4), _flags, mostly(st.none(), _numbers, 9))
_shards = st.lists(_files, max_size=3).map(shard)


def _cut(data: bytes, at: int, dropped: int, inserted: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + inserted + data[at + dropped :]


def _spoilt(whole: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    places, lengths = st.integers(0, 5000), st.sampled_from([0, 1, 4, 48, 9999])
    splices = st.binary(max_size=5) | st.sampled_from([b"\xff" * 4, b"\0" * 48, b"\xff" * 48])
    return mostly(whole, st.builds(_cut, whole, places, lengths, splices))


def uploads(cas: str, key: str, links: list[str]) -> SearchStrategy[Case]:
    """Xorbs, shards and large files. `cas` and `key` are as the Hub gave them out, `links` those of an LFS batch."""
    bearer = mostly(
        st.just(((b"Authorization", f"Bearer {key}".encode()),)),
        st.sampled_from([(), ((b"Authorization", TOKEN),)]),
        19,
    )
    hashes = mostly(
        st.sampled_from(_FEW),
        st.sampled_from([XORB[:-1], XORB.upper(), "..%2F" * 20, "%00" * 64]),
        9,
    )
    xorb = st.builds(lambda h: f"{cas}/v1/xorbs/default/{h}".encode(), hashes)
    large = st.sampled_from(links).map(str.encode)
    altered = st.builds(lambda link, query: link.partition(b"?")[0] + query, large, queries)
    return st.one_of(
        st.builds(Case, st.just(b"POST"), xorb, bearer, _spoilt(_xorbs)),
        st.builds(Case, st.just(b"POST"), st.just(f"{cas}/v1/shards".encode()), bearer, _spoilt(_shards)),
        st.builds(Case, st.just(b"POST"), st.just(f"{cas}/v1/shards".encode()), bearer, _spoilt(_shards)),
        st.builds(Case, st.sampled_from((b"PUT", b"POST")), mostly(large, altered), st.just(()),
        st.sampled_from((b"hello", b"", b"hellohello"))),
    )  # fmt: skip
