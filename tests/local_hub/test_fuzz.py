"""Proof: a malformed request is refused with an answer, and nothing outside the root is read or written.

20,000 cases in five families against a server in a process of its own, whose log, memory and files are watched.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import lz4.frame
import pytest
from hypothesis.strategies import SearchStrategy

from tests.local_hub import fuzzing, fuzzing_bodies
from tests.local_hub import fuzzing_xet as xet
from tests.local_hub.fuzzing import REPO, Case
from tests.local_hub.victim import Victim, started

CASES = 4_000  # of each family
BOMB_MEMORY = 110 << 20  # bytes; requests of up to 64 MB are read, or mapped, before they are refused
MEMORY = 300 << 20  # bytes that the server may grow by at its peak
LARGE = hashlib.sha256(b"hello").hexdigest()
GOOD_COMMIT = b"""{"key": "header", "value": {"summary": "still here"}}
{"key": "file", "value": {"path": "last.txt", "content": "fine"}}
"""


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    with started(tmp_path_factory.mktemp("outer")) as server:
        yield server


@pytest.fixture(scope="module")
def uploads(victim: Victim) -> SearchStrategy[Case]:
    return prepare(victim)


def _pass(victim: Victim) -> tuple[str, str]:
    """Where Xet uploads go, and the key to it."""
    answer = victim.ask(Case(b"GET", f"/api/models/{REPO}/xet-write-token/main".encode()))
    assert answer is not None
    given_out = json.loads(answer.body)
    return urlsplit(given_out["casUrl"]).path, given_out["accessToken"]


def prepare(victim: Victim) -> SearchStrategy[Case]:
    """Repositories to attack; and the uploads, which need keys and addresses that only the server can give."""

    def post(target: str, token: str = "local", data: bytes | None = None, **body: object) -> Any:
        headers = ((b"Authorization", f"Bearer {token}".encode()),)
        sent = json.dumps(body).encode() if data is None else data
        answer = victim.ask(Case(b"POST", target.encode(), headers, sent))
        assert answer is not None and answer.status < 300, answer
        return json.loads(answer.body) if answer.body else None

    for kind in ("model", "dataset", "space"):
        post("/api/repos/create", name="fuzz", type=kind)
    one = f"/api/models/{REPO}"
    post(f"{one}/branch/dev")
    post(f"{one}/tag/main", tag="v1", message="first")
    post(f"{one}/discussions", title="a pull request", pullRequest=True)
    post(f"{one}/discussions", title="a discussion")
    cas, key = _pass(victim)
    post(f"{cas}/v1/xorbs/default/{xet.XORB}", key, b"".join(map(xet.chunk, xet.CHUNKS)))
    post(f"{cas}/v1/shards", key, xet.shard([xet.described(LARGE, [xet.segment(0, 1, 5)])]))
    objects = [{"oid": hashlib.sha256(data).hexdigest(), "size": len(data)} for data in (b"", b"hellohello")]
    batch = post(f"/{REPO}.git/info/lfs/objects/batch", operation="upload", objects=objects)
    links = [action["href"] for item in batch["objects"] for action in item["actions"].values()]
    return xet.uploads(cas, key, [link[link.index("/lfs/") :] for link in links])


@pytest.mark.proof
def test_any_value_in_a_body_may_be_anything(tmp_path: Path, share: float) -> None:
    with started(tmp_path) as victim:  # its own: what the other proof leaves there makes each of these slower
        prepare(victim)
        for case in islice(fuzzing_bodies.sweep(LARGE), 0, None, round(1 / share)):
            victim.check(case)
        victim.stay_intact()


@pytest.mark.proof
def test_no_malformed_request_breaks_the_hub_or_leaves_its_root(
    victim: Victim, uploads: SearchStrategy[Case], share: float, record: Callable[..., None]
) -> None:
    families = {
        "paths": fuzzing.paths,
        "headers": fuzzing.headers,
        "bodies": fuzzing_bodies.bodies,
        "commits": fuzzing_bodies.commits(LARGE),
        "uploads": uploads,
    }
    before = victim.memory()
    for family, cases in families.items():
        victim.attack(family, cases, round(CASES * share))
    grown = victim.peak - before
    assert grown < MEMORY
    good = Case(b"POST", f"/api/models/{REPO}/commit/main".encode(), body=GOOD_COMMIT)
    answer = victim.check(good)
    assert answer is not None and answer.status == 200
    record(
        "local_hub_fuzz",
        ["hypothesis", "uvicorn", "starlette", "pygit2"],
        cases=sum(victim.per_family.values()),
        per_family=dict(victim.per_family),
        statuses=dict(sorted(victim.statuses.items())),
        server_errors=0,
        peak_memory_grown_mb=round(grown / (1 << 20)),
    )


def test_no_path_leads_to_a_file_beside_the_root(victim: Victim, uploads: object) -> None:
    for case in fuzzing.escapes("secret.txt"):
        victim.check(case)


def _bomb(name: str) -> Case:
    one = f"/api/models/{REPO}"
    match name:
        case "deep json":
            return Case(b"POST", f"{one}/discussions".encode(), body=b'{"title": ' + b"[" * 1_000_000)
        case "wide json":
            return Case(b"POST", f"{one}/discussions".encode(), body=b'{"title": [' + b"[]," * 5_000_000 + b"[]]}")
        case "wide line of a commit":
            return Case(b"POST", f"{one}/commit/main".encode(), body=b'{"key": [' + b"[]," * 10_000_000 + b"[]]}")
        case _:
            content = "---\n" + fuzzing_bodies.LAUGHS + "\n---\n"
            return Case(b"POST", b"/api/validate-yaml", body=json.dumps({"content": content}).encode())


@pytest.mark.parametrize("name", ["deep json", "wide json", "wide line of a commit", "yaml aliases"])
def test_a_few_bytes_that_mean_many_are_refused(victim: Victim, uploads: object, name: str) -> None:
    before = victim.memory()
    answer = victim.check(_bomb(name))
    assert answer is not None and answer.status in (400, 413)
    assert victim.peak - before < BOMB_MEMORY


@pytest.mark.parametrize(
    ("xorb", "segments"),
    [
        # 16 MB of zeros, 64 times in the xorb; which the shard names a thousand times: a terabyte.
        (xet.chunk(bytes((1 << 24) - 1)) * 64, [xet.segment(0, 64, 64 * ((1 << 24) - 1), xet.BOMB)] * 1000),
        # A gigabyte in a chunk that says it has five bytes.
        (xet.chunk(b"", size=5, packed=lz4.frame.compress(bytes(1 << 30))), [xet.segment(0, 1, 5, xet.BOMB)]),
        # The segment says so too, and then names a chunk of 16 MB.
        (xet.chunk(bytes((1 << 24) - 1)) * 64, [xet.segment(0, 64, 5, xet.BOMB)]),
        (bytes(64 << 20), []),  # 8 million empty chunks
        (xet.chunk(b"hello"), [xet.segment(0, 1, 5, xet.BOMB)] * 600_000),
    ],
    ids=["a terabyte of one chunk", "a chunk that unpacks to more", "a segment of more", "empty chunks", "segments"],
)
def test_a_small_upload_cannot_make_the_hub_write_or_hold_much(
    victim: Victim, uploads: object, xorb: bytes, segments: list[bytes]
) -> None:
    before = victim.memory()
    cas, key = _pass(victim)
    headers = ((b"Authorization", f"Bearer {key}".encode()),)
    sent = victim.check(Case(b"POST", f"{cas}/v1/xorbs/default/{xet.BOMB}".encode(), headers, xorb))
    shard = xet.shard([xet.described("0" * 64, segments)])
    answer = victim.check(Case(b"POST", f"{cas}/v1/shards".encode(), headers, shard))
    assert sent is not None and answer is not None
    assert answer.status in (400, 413)
    assert victim.peak - before < BOMB_MEMORY
