"""JSON bodies, YAML cards and commits as no client sends them, for test_fuzz.py."""

import base64
import json
from collections.abc import Iterator
from itertools import chain, pairwise, product

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from local_hub.app import ROUTES
from local_hub.web import Router
from tests.local_hub.fuzzing import LEAK, NAMES, REPO, Case, example, mostly, names, spoilt

_SNIPPETS = (
    "null", "true", "-1", "0", "0.5", "1e999", "NaN", "-Infinity", "9" * 5000, "1" + "0" * 400, '""', '"\\ud800"',
    '"a\\u0000b"', "[]", "{}", "[[]]", '["a"]', '{"a": {"b": 1}}', "[" * 900 + "]" * 900,
    "[" * 100_000 + "]" * 100_000, '{"a":' * 50_000, '"' + "x" * 70_000 + '"', '"' + "\\u0001" * 40 + '"',
    "[[1],[2],[3]]", '"\\udc00\\ud800"', "18446744073709551616", "1e-999", "-0", "tru", "'a'", "[1,]",
)  # fmt: skip
_scalars = names.map(lambda name: json.dumps(name))
_hostile = st.sampled_from(_SNIPPETS) | _scalars


def document(template: object, often: int = 6) -> SearchStrategy[str]:
    """JSON like `template`, with members spoilt, left out or doubled: each is well `often` times as often as not."""
    match template:
        case dict():
            pairs = [
                st.builds("{}: {}".format, st.just(json.dumps(key)), document(value, often))
                for key, value in template.items()
            ]
            members = [mostly(pair.map(lambda text: [text]), st.lists(pair, max_size=2), often) for pair in pairs]
            whole = st.tuples(*members).map(lambda parts: "{" + ", ".join(chain(*parts)) + "}")
        case list():
            whole = st.lists(st.one_of([document(item, often) for item in template]), max_size=3).map(
                lambda items: f"[{', '.join(items)}]"
            )
        case _:
            whole = st.just(json.dumps(template))
    return mostly(whole, _hostile, often)


def _bytes_of(text: SearchStrategy[str]) -> SearchStrategy[bytes]:
    """As UTF-8, sometimes cut or spliced."""

    def cut(data: bytes, at: int, splice: bytes) -> bytes:
        return data[: at % (len(data) + 1)] + splice

    whole = text.map(lambda text: text.encode("utf-8", "surrogatepass"))
    return mostly(
        whole,
        st.builds(cut, whole, st.integers(0, 300), st.sampled_from([b"", b"\xff", b"\0", b"}", b"\xef\xbb\xbf"])),
        9,
    )


# Nine lists of nine: 3 billion letters, were the aliases followed.
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefghi")
)
CARDS = (
    LAUGHS, "a: &a [*a]", "a: " + "[" * 5000, "a: " + "{a: " * 900, "!!python/object/apply:os.system ['id']",
    "a: 2026-13-45", "a: 0x" + "f" * 5000, "a: " + "9" * 5000, "a: .nan", "tags: [.inf]", 'a: "\\ud800"', 'a: "\\x00"',
    "a: !!binary x", "? [a]\n: b", "? {a: b}\n: c", "a: 1:99:99", "a: !!int x", "a: !!int ''", "a: !!float ''",
    "a: !!float x", "a: !!timestamp x", "a: !!bool x", "<<: *x", "<<: 3", "%YAML 3.0", "a: \0", "a: !!set {a, b}",
    "a: !!omap [1]", "tags: {a: b}", "license: [[a]]", "pipeline_tag: 3", "language: [null, 1.5]",
    "base_model: 2026-01-01", "- a", "a: b: c", "\t", "a: *a",
)  # fmt: skip
cards = (st.sampled_from(CARDS) | names).map(lambda yaml: f"---\n{yaml}\n---\n# Title\n")

_ONE = f"/api/models/{REPO}"
BODIES: dict[tuple[str, str], object] = {
    ("POST", "/api/repos/create"): {
        "name": "made",
        "type": "model",
        "private": True,
        "sdk": "static",
        "organization": "local",
    },
    ("DELETE", "/api/repos/delete"): {"name": "made", "type": "model", "organization": "local"},
    ("POST", "/api/repos/move"): {"fromRepo": "local/made", "toRepo": "local/moved", "type": "model"},
    ("PUT", f"{_ONE}/settings"): {"private": False, "gated": False, "visibility": "public"},
    ("POST", f"{_ONE}/preupload/main"): {
        "files": [{"path": "a", "size": 1, "sample": "aGk="}],
        "gitIgnore": "*.tmp\n",
    },
    ("POST", f"{_ONE}/branch/new"): {"startingPoint": "main"},
    ("POST", f"{_ONE}/tag/main"): {"tag": "new", "message": "why"},
    ("POST", f"{_ONE}/discussions"): {"title": "title", "description": "text", "pullRequest": True},
    ("POST", f"{_ONE}/discussions/1/comment"): {"comment": "text"},
    ("POST", f"{_ONE}/discussions/1/title"): {"title": "title"},
    ("POST", f"{_ONE}/discussions/1/status"): {"status": "closed", "comment": "text"},
    ("POST", f"{_ONE}/discussions/1/merge"): {"comment": "text"},
    ("POST", f"/api/spaces/{REPO}/secrets"): {"key": "SECRET", "value": LEAK, "description": "d"},
    ("DELETE", f"/api/spaces/{REPO}/secrets"): {"key": "SECRET"},
    ("POST", f"/api/spaces/{REPO}/variables"): {"key": "NAME", "value": "v", "description": "d"},
    ("DELETE", f"/api/spaces/{REPO}/variables"): {"key": "NAME"},
    ("POST", f"{_ONE}/discussions/1/comment/0/edit"): {"content": "text"},
    ("POST", f"{_ONE}/super-squash/dev"): {"message": "text"},
    ("POST", f"{_ONE}/duplicate"): {"repository": "local/made", "private": True},
    ("POST", f"{_ONE}/lfs-files/batch"): {"deletions": {"sha": ["0" * 64], "rewriteHistory": True}},
    ("POST", f"{_ONE}/lfs-files/duplicate"): {
        "target": {"type": "model", "name": REPO},
        "files": [{"sha256": "0" * 64}],
    },
    ("PUT", f"/api/datasets/{REPO}/settings"): {"gated": "auto"},
    ("POST", f"/api/datasets/{REPO}/user-access-request/grant"): {"user": "local"},
    ("POST", f"/api/datasets/{REPO}/user-access-request/handle"): {
        "user": "local",
        "status": "rejected",
        "rejectionReason": "text",
    },
    ("POST", f"/datasets/{REPO}/ask-access"): {"reason": "text"},
    ("POST", f"/{REPO}.git/info/lfs/objects/batch"): {
        "operation": "upload",
        "transfers": ["multipart"],
        "hash_algo": "sha256",
        "objects": [{"oid": "1" * 64, "size": 5}, {"oid": "2" * 64, "size": 1 << 33}],
    },
}


def _places(template: object) -> Iterator[tuple[str | int, ...]]:
    """The way to each value in `template`."""
    yield ()
    match template:
        case dict() | list():
            for key, value in template.items() if isinstance(template, dict) else enumerate(template):
                yield from ((key, *place) for place in _places(value))


def _replaced(template: object, place: tuple[str | int, ...], text: str) -> str:
    if not place:
        return text
    first, *rest = place
    pairs = template.items() if isinstance(template, dict) else enumerate(template)  # type: ignore[arg-type]
    parts = {key: _replaced(value, tuple(rest), text) if key == first else json.dumps(value) for key, value in pairs}
    if isinstance(template, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {part}" for key, part in parts.items()) + "}"
    return f"[{', '.join(parts.values())}]"


def _json_request(case: tuple[tuple[str, str], object]) -> SearchStrategy[Case]:
    (method, target), template = case
    one = st.builds(_replaced, st.just(template), st.sampled_from(list(_places(template))), _hostile)
    body = mostly(one.map(lambda text: text.encode("utf-8", "surrogatepass")), _bytes_of(document(template)), 2)
    return st.builds(Case, st.just(method.encode()), st.just(target.encode()), body=body)


def _others() -> dict[tuple[str, str], object]:
    """Routes that BODIES leaves out, as those to come: each may read JSON too."""
    router = Router(ROUTES)
    known = {id(router.find(method, target)[0]) for method, target in BODIES}
    left = [route for route in ROUTES if route.method != "GET" and route.admit is None and id(route) not in known]
    return {(route.method, example(route.pattern)): {"key": "value"} for route in left}


_form = st.lists(
    st.builds(lambda name, form: b"paths=" + spoilt(name, form), names, st.integers(0, 3)), max_size=4
).map(b"&".join)
_paths_info = st.builds(
    Case, st.just(b"POST"), st.just(f"{_ONE}/paths-info/main".encode()), body=_form | st.binary(max_size=40)
)
_card_check = st.builds(
    Case,
    st.just(b"POST"),
    st.just(b"/api/validate-yaml"),
    body=cards.map(lambda card: json.dumps({"content": card}).encode()),
)
bodies = mostly(
    st.sampled_from([*BODIES.items(), *_others().items()]).flatmap(_json_request), _paths_info | _card_check, 5
)


# --- Commits

_TREE = (
    "a", "a/b", "a/b/c", "b", "README.md", ".gitattributes", ".gitmodules", ".gitignore", "large.bin", "x.bin",
    "a b/" * 100 + "c",
)  # fmt: skip
_ATTRIBUTES = (
    "[attr]a a\n", "* filter=lfs\n" + "x" * 5000, "[attr]a b\n[attr]b a\n* a\n", "\0", "/" + "*" * 500 + "x\n",
)  # fmt: skip
_contents = cards | st.sampled_from(_ATTRIBUTES) | names


_HEADER = {"key": "header", "value": {"summary": "s", "description": "d", "parentCommit": None}}


def _operations(path: str, content: str, large: str) -> dict[str, object]:
    """What the lines of a commit hold, by their key."""
    data = base64.b64encode(content.encode("utf-8", "surrogatepass")).decode()
    return {
        "file": {"path": path, "content": data, "encoding": "base64"},
        "lfsFile": {"path": path, "algo": "sha256", "oid": large, "size": 5},
        "deletedFile": {"path": path},
        "deletedFolder": {"path": path},
    }


def _line(path: str, content: str, large: str) -> SearchStrategy[str]:
    operations = _operations(path, content, large)
    kinds = st.sampled_from(("file", "file", "file", "lfsFile", "deletedFile", "deletedFolder"))
    # Spoilt less often than other bodies: a commit is refused whole for one bad value, and has twenty.
    return kinds.flatmap(lambda kind: document({"key": kind, "value": operations[kind]}, 40))


def commits(large: str) -> SearchStrategy[Case]:
    """`large` is the sha256 of a file of 5 bytes that is stored."""
    path = mostly(st.sampled_from(_TREE), names)
    line = st.tuples(path, _contents).flatmap(lambda drawn: _line(*drawn, large))
    header = document(_HEADER, 40)
    text = st.builds(
        lambda head, rest, end: end.join([head, *rest]),
        header,
        st.lists(line, max_size=4),
        mostly(st.just("\n"), st.sampled_from(["", "\r\n", "\n\n", "\r", "\u2028"]), 9),
    )
    revision = mostly(
        st.sampled_from([b"main", b"main", b"dev", b"refs%2Fpr%2F1", b"main?create_pr=1"]),
        st.builds(spoilt, names, st.integers(0, 2)),
        9,
    )
    return st.builds(
        Case,
        st.just(b"POST"),
        revision.map(lambda revision: f"{_ONE}/commit/".encode() + revision),
        body=_bytes_of(text),
    )


def sweep(large: str) -> Iterator[Case]:
    """Each value of each body, and of each line of a commit, in turn replaced by each hostile one."""
    hostile = [*_SNIPPETS, *map(json.dumps, NAMES)]
    for (method, target), template in {**BODIES, **_others()}.items():
        for place, value in product(_places(template), hostile):
            yield Case(method.encode(), target.encode(), body=_replaced(template, place, value).encode())
    good, commit = json.dumps(_HEADER), f"{_ONE}/commit/main".encode()
    for place, value in product(_places(_HEADER), hostile):
        yield Case(b"POST", commit, body=_replaced(_HEADER, place, value).encode())
    for kind, operation in _operations("a", "text", large).items():
        line = {"key": kind, "value": operation}
        for place, value in product(_places(line), hostile):
            yield Case(b"POST", commit, body=f"{good}\n{_replaced(line, place, value)}\n".encode())
    for content in _ATTRIBUTES:
        operation = _operations(".gitattributes", content, large)["file"]
        yield Case(b"POST", commit, body=f"{good}\n{json.dumps({'key': 'file', 'value': operation})}\n".encode())
