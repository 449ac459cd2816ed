"""Requests as no client sends them, for test_fuzz.py: each strategy starts from a good one and spoils parts of it.

A spoilt part is the exception, so that most requests get past the first check and reach what lies behind it.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from local_hub.app import ROUTES
from local_hub.web import Route

TOKEN = b"Bearer local"
REPO = "local/fuzz"  # of each kind
LEAK = "hf_tHiSiSaToKeNtHaTnObOdYmAyKeEp"  # sent where tokens go, and never to be seen again
T = TypeVar("T")
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Case:
    method: bytes
    target: bytes
    headers: Headers = ((b"Authorization", TOKEN),)
    body: bytes = b""
    framed: bool = True  # False: the headers lie about the body, so the server may hang up without a word

    @property
    def whole(self) -> bool:
        """Whether the server reads this as one request, and the next one from where it ends."""
        return self.framed and b"\n" not in self.target + b"".join(map(b"".join, self.headers))

    def encode(self) -> bytes:
        length = ((b"Host", b"127.0.0.1"), (b"Content-Length", b"%d" % len(self.body))) if self.framed else ()
        lines = [b"%s %s HTTP/1.1" % (self.method, self.target)]
        lines += [b"%s: %s" % header for header in (*length, *self.headers)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


def mostly(good: SearchStrategy[T], bad: SearchStrategy[T], often: int = 3) -> SearchStrategy[T]:
    """`good` so many times as often as `bad`; not by the least or greatest number, which Hypothesis likes to draw."""
    return st.integers(0, often).flatmap(lambda number: bad if number == (often + 1) // 2 else good)


# --- Names and paths

NAMES = (
    "..", ".", "", "...", "../../secret.txt", "..\\..\\secret.txt", "/etc/passwd", "a/../../b", "//a", "a//b", "a/",
    ".git", ".GIT/config", "git~1", ".git /x", ".git::$INDEX_ALLOCATION/x", ".git\\x", ".g\u200cit/x", "main\0x",
    "a\nb", "a\r\nX-Injected: 1", "%", "%00", "%2e%2e%2f", "%zz", "refs/heads/../..", "refs/heads/main", "refs/pr/1",
    "refs/", "HEAD", "@", "@{-1}", "main^", "main:README.md", "a.lock", "-rf", "~", "*", "x" * 300, "é" * 250,
    "x/" * 500 + "x", "x" * 5000, "x/" * 3000, "\u202e", "con", "a:b", "0" * 40, "f" * 64, "deadbee", "\ud800",
    "\udcff", "😀", " ", "[" * 400, "9" * 5000, "٣", "²", "<script>", "'\";--", "${jndi:x}", "a" + " " * 1000,
)  # fmt: skip
names = st.sampled_from(NAMES) | st.text(st.characters(), max_size=12)

GOOD = {
    "kind": ("models", "datasets", "spaces"),
    "prefix": ("", "datasets/", "spaces/"),
    "namespace": ("local",),
    "name": ("fuzz",),
    "revision": ("main", "dev", "v1", "refs/pr/1"),
    "branch": ("dev", "new"),
    "tag": ("v1", "new"),
    "path": ("README.md", "a/b", "a", "large.bin", "pr/1/README.md"),
    "number": ("1", "2"),
    "spec": ("main..dev", "main...v1", "v1"),
    "status": ("pending", "accepted"),
    "what": ("edit", "hide"),
    "oid": ("0" * 64,),
    "hash": ("0" * 64,),
}


def example(pattern: str) -> str:
    """A path that the pattern of a route matches."""
    return re.sub(r"\{(\w+)\}", lambda match: GOOD.get(match[1], ("x",))[0], pattern)


def spoilt(name: str, form: int) -> bytes:
    raw = name.encode("utf-8", "surrogatepass")
    once = quote(raw, safe="").encode()
    return (once, once, quote(once, safe="").encode(), raw)[form]


def _filled(pattern: str) -> SearchStrategy[bytes]:
    parts: list[SearchStrategy[bytes]] = []
    for text in re.split(r"(\{\w+\})", pattern):
        good = GOOD.get(text.strip("{}"), ("x",)) if text.startswith("{") else (text,)
        safe = "/" if text in ("{path}", "{prefix}") or not text.startswith("{") else ""
        whole = st.sampled_from([quote(value, safe=safe).encode() for value in good])
        bad = st.builds(spoilt, names, st.integers(0, 3))
        parts.append(mostly(whole, bad, 4) if text.startswith("{") else whole)
    return st.tuples(*parts).map(b"".join)


def escapes(to: str) -> list[Case]:
    """Each placeholder of each route that reads, filled with ways up to a file that lies beside the root."""
    ups = ["../" * depth + to for depth in range(1, 7)] + [f"/{to}", "..\\..\\" + to]
    cases = []
    for route in ROUTES:
        for name in re.findall(r"\{(\w+)\}", route.pattern) if route.method == "GET" else ():
            for up, form in product(ups, (0, 2, 3)):
                path = example(route.pattern.replace(f"{{{name}}}", "<here>")).encode()
                cases.append(Case(b"GET", path.replace(b"<here>", spoilt(up, form))))
    return cases


_QUERIES = ("p", "limit", "recursive", "expand", "full", "blobs", "search", "author", "filter", "type", "status",
            "create_pr", "include_prs", "size", "part", "repo", "key")  # fmt: skip
_values = st.sampled_from([b"1", b"true", b"0", b"-1", b"9" * 5000, b"99999999999999999999", f"1-{LEAK}".encode()])
queries = st.lists(
    st.builds(lambda k, v: k.encode() + b"=" + v, st.sampled_from(_QUERIES),
    mostly(_values, st.builds(spoilt, names, st.integers(0, 2)))),
    max_size=3,
).map(lambda pairs: b"?" + b"&".join(pairs) if pairs else b"")  # fmt: skip
_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"X" * 99)


def _request(route: Route) -> SearchStrategy[Case]:
    target = st.builds(lambda path, query: path + query, _filled(route.pattern), queries)
    method = mostly(st.just(route.method.encode()), st.sampled_from(_METHODS), 5)
    headers = mostly(st.just(((b"Authorization", TOKEN),)), st.just(()), 5)
    return st.builds(Case, method, target, headers, mostly(st.just(b""), st.binary(max_size=50), 4))


_raw = st.builds(lambda rest: Case(b"GET", b"/" + rest), st.binary(max_size=60))
paths = mostly(st.sampled_from(ROUTES).flatmap(_request), _raw, 20)


# --- Headers

_TARGETS = (
    f"/{REPO}/resolve/main/README.md", f"/{REPO}/resolve/main/large.bin", f"/api/models/{REPO}", "/", "/api/models",
    f"/api/models/{REPO}/tree/main", f"/api/models/{REPO}/auth-check/write", f"/api/models/{REPO}/commits/main?p=0",
    f"/api/models/{REPO}/xet-write-token/main", "/api/whoami-v2", f"/{REPO}/resolve/main/README.md?key={LEAK}",
)  # fmt: skip
_ODD = (
    b"", b"*", b"\xff\xfe", b"\x80" * 40, b"a\0b", b"[", b"[::1", b"]:x", b"a b", b"//", b"evil.example:99999999",
    b"9" * 5000, b"x" * 30000, b"-1", b"1e3", b"0x10", b"1, 1", b"\t", b"local", b"Bearer", b"Bearer ",
    b"Bearer \xff\xfe", b"Bearer " + b"x" * 20000, b"Basic !!!", b"Basic /w==", b"Basic " + b"A" * 4999, b"Digest x",
    b"bearer local", b"Bearer local, Bearer local", b"bytes=0-1", b"bytes=-" + b"9" * 5000,
    b"bytes=" + b"9" * 5000 + b"-", b"bytes=-0", b"bytes=5-2", b"bytes=0-0," * 500, b"bytes=\xd9\xa3-",
    b"bytes=99999999999999999999-", b'W/"x"', b'"' * 99, b"chunked", b"gzip", b"100-continue", b"websocket", b"close",
    b"a\r\n b", b"a\r\nX: b", b"text/html;q=" + b"9" * 400,
)  # fmt: skip
_FIELDS = (b"Authorization", b"Range", b"If-None-Match", b"Accept", b"Host", b"Cookie", b"X-Forwarded-For",
b"X-Forwarded-Host",
           b"X-Forwarded-Proto", b"Origin", b"Content-Type", b"Accept-Encoding", b"Connection", b"Upgrade", b"Expect",
           b"TE")  # fmt: skip
_FRAMING = (b"Content-Length", b"Transfer-Encoding", b"Host", b"Content-Encoding", b"", b" X", b"X\0", b"\xff")
_values_odd = st.sampled_from(_ODD) | st.binary(max_size=30)


def _headers(fields: Sequence[bytes], least: int) -> SearchStrategy[Headers]:
    return st.lists(st.tuples(st.sampled_from(fields), _values_odd), min_size=least, max_size=4).map(tuple)


_tokens = (TOKEN, b"Bearer " + LEAK.encode(), b"Basic " + base64.b64encode(f"u:{LEAK}".encode()))
_token = st.just(()) | st.sampled_from([((b"Authorization", token),) for token in _tokens])
_target = st.sampled_from([target.encode() for target in _TARGETS])
_sent = st.builds(
    Case, st.sampled_from((b"GET", b"HEAD")), _target, st.builds(tuple.__add__, _token, _headers(_FIELDS, 1))
)
_lengths = st.sampled_from(
    [((b"Content-Length", value),) for value in (b"0", b"5", b"1000", b"-1", b"9" * 30, b"+5", b"5, 6")]
)
_lies = st.builds(
    Case,
    st.sampled_from((b"GET", b"POST", b"PUT", b"BREW")),
    _target | st.just(f"/api/models/{REPO}/commit/main".encode()),
    st.builds(lambda *parts: sum(parts, ()), _token, _lengths | st.just(()), _headers(_FRAMING, 0)),
    st.binary(max_size=40)
    | st.sampled_from((b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx", b"zz\r\n", b"0\r\n")),
    st.just(False),
)
headers = mostly(_sent, _lies, 2)
