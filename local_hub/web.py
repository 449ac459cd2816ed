"""Requests and routes.

Routing works on the raw path: a revision such as `refs/pr/1` arrives as `refs%2Fpr%2F1` and must stay one segment.
"""

import io
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from local_hub.accounts import Account
from local_hub.auth import caller, is_loopback
from local_hub.blobs import BUFFER
from local_hub.errors import HubError, repo_not_found
from local_hub.names import RepoName, is_reserved
from local_hub.payload import parse_object
from local_hub.store import Repo, Store

_Item = TypeVar("_Item")
_SPECIAL = {
    "kind": "models|datasets|spaces",  # plural, below /api
    "prefix": "datasets/|spaces/|",  # elsewhere; models have none
    "path": ".*",
    "number": r"[0-9]{1,9}",
    "what": "edit|hide",
}
_IN_MEMORY = 4 << 20  # larger request bodies wait on disk
MAX_BODY = 1 << 30  # a commit carries small files inline, the clients at most about 100 MB of them
MAX_ANONYMOUS_BODY = 1 << 20
MAX_JSON = 16 << 20  # of a body that is one JSON object
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass
class Call:
    """One request, as handlers see it. Handlers run in a thread each and may block."""

    store: Store
    request: Request
    params: dict[str, str]
    account: Account | None = None
    body: BinaryIO = field(default_factory=io.BytesIO)
    draft: Path | None = None  # the file behind `body`, for a route that admits large bodies; theirs to keep

    @property
    def endpoint(self) -> str:
        """The address that the client knows this server by."""
        return str(self.request.base_url).rstrip("/")

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def flag(self, name: str) -> bool:
        return self.query(name).lower() in ("1", "true")

    def number(self, name: str) -> int:
        """A query parameter that counts something; 0 where it is absent or no such number."""
        text = self.query(name)
        return int(text) if _NUMBER.fullmatch(text) else 0

    def paged(self, items: Iterable[_Item], size: int) -> tuple[list[_Item], dict[str, str]]:
        """The page of `items` that `?p=` asks for, and the header by which clients find the next one."""
        page = self.number("p")
        found = list(islice(items, page * size, (page + 1) * size + 1))
        following = self.request.url.include_query_params(p=page + 1)
        return found[:size], {"Link": f'<{following}>; rel="next"'} if len(found) > size else {}

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object."""
        data = self.body.read(MAX_JSON + 1)
        if len(data) > MAX_JSON:
            raise HubError(413, f"the JSON in the request body is above {MAX_JSON:,} bytes; send less at a time")
        return parse_object(data, "the request body") if data.strip() else {}

    @property
    def repo_name(self) -> RepoName:
        kind = self.params.get("kind") or self.params.get("prefix", "").rstrip("/") or "models"
        return RepoName(kind.removesuffix("s"), self.params["namespace"], self.params["name"])

    @property
    def user(self) -> str | None:
        """The caller's name; None for an anonymous one."""
        return self.account.name if self.account else None

    def signed_in(self) -> str:
        """The user, or a 401 that says how to become one."""
        if self.account is None:
            raise HubError(401, "this needs a token; set HF_TOKEN to one of this Hub's")
        return self.account.name

    def writes_in(self, namespace: str) -> str:
        """The user, if their token may write below `namespace`."""
        user = self.signed_in()
        assert self.account is not None
        if self.account.role != "write":
            raise HubError(403, f"the token of {user} may only read; use one with the role `write`")
        if not self.account.writes_in(namespace):
            raise HubError(403, f"{user} may not write below {namespace}/; use another namespace or another token")
        return user

    def sees(self, repo: Repo) -> bool:
        return not repo.private or (self.account is not None and self.account.belongs_to(repo.name.namespace))

    def may_write(self, repo: Repo) -> bool:
        return self.account is not None and self.account.writes_in(repo.name.namespace)

    def repo(self) -> Repo:
        """The repository of this path, if the caller may read it."""
        if self.params["namespace"] in ("datasets", "spaces", "models"):
            raise repo_not_found(self.params["name"], anonymous=self.account is None)
        if is_reserved(self.params["namespace"]):
            raise HubError(404, f"nothing is served at {self.request.url.path[:200]}")
        name = self.repo_name
        if self.store.exists(name):
            repo = self.store.open(name)
            if self.sees(repo):
                return repo
        raise repo_not_found(name.repo_id, anonymous=self.account is None)

    def writable_repo(self) -> Repo:
        """The repository of this path, if the caller may change it."""
        self.signed_in()
        repo = self.repo()
        self.writes_in(repo.name.namespace)
        return repo

    def shared_repo(self) -> Repo:
        """The repository of this path, if the caller may open a discussion or pull request in it."""
        user, repo = self.signed_in(), self.repo()
        self.writes_in(user)  # anywhere that one can see, with a token that may write at all
        return repo

    def content_repo(self) -> Repo:
        """The repository of this path, if the caller may read its files: a gated one shows only its listing."""
        repo = self.repo()
        if not repo.settings()["gated"] or self.may_write(repo) or repo.access_of(self.user) == "accepted":
            return repo
        if self.account is None:
            raise HubError(401, f"Access to {repo.name.repo_id} is restricted; set HF_TOKEN", "GatedRepo")
        ask = f"{self.endpoint}/{repo.name.url_path}/ask-access"
        raise HubError(
            403, f"Access to {repo.name.repo_id} is restricted; ask for it with a POST to {ask}", "GatedRepo"
        )


@dataclass(frozen=True)
class Route:
    """`pattern` is a path with {placeholders}; {kind}, {prefix}, {path} and {number} match as in `_SPECIAL`.

    `tokenless` routes ignore the Authorization header: they are public, or bring a key of their own. Those that take
    large files check that key in `admit`, before the body, and answer how many bytes may follow.
    """

    method: str
    pattern: str
    handler: Callable[[Call], Response]
    tokenless: bool = False
    admit: Callable[[Call], int] | None = None


class Router:
    def __init__(self, routes: list[Route]) -> None:
        self._routes = [(_compiled(route.pattern), route) for route in routes]

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """The first route that matches, and the decoded placeholders; HEAD goes where GET goes."""
        if not raw_path.isascii():
            raise HubError(400, "the path holds bytes that are not ASCII; percent-encode it as UTF-8")
        method = "GET" if method == "HEAD" else method
        other_method = False
        for pattern, route in self._routes:
            match = pattern.fullmatch(raw_path)
            if match and route.method == method:
                try:
                    return route, {key: unquote(value, errors="strict") for key, value in match.groupdict().items()}
                except UnicodeDecodeError:
                    raise HubError(400, "the path is not UTF-8; percent-encode it as UTF-8") from None
            other_method = other_method or match is not None
        if other_method:
            raise HubError(405, f"{method} is not supported at {raw_path[:200]}")
        # An id without a namespace matches no route; clients are told so in their own words.
        about_repo = "/resolve/" in raw_path or raw_path.startswith(("/api/models/", "/api/datasets/", "/api/spaces/"))
        code = "RepoNotFound" if about_repo else None
        raise HubError(404, f"nothing is served at {raw_path[:200]}", code)


def _compiled(pattern: str) -> re.Pattern[str]:
    def group(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{_SPECIAL.get(match[1], '[^/]+')})"

    return re.compile(re.sub(r"\{(\w+)\}", group, pattern.replace(".", r"\.")))


def _caller(store: Store, request: Request) -> Account | None:
    near = request.client is not None and is_loopback(request.client.host)
    return caller(
        store.tokens,
        request.headers.get("authorization"),
        development=store.development and near,
        reading=request.method in ("GET", "HEAD"),
    )


@asynccontextmanager
async def received(store: Store, request: Request, route: Route, params: dict[str, str]) -> AsyncIterator[Call]:
    """The call with its body taken in, on disk where it may be large; what the handler leaves there is removed."""
    call = Call(store, request, params)
    if not route.tokenless:
        call.account = _caller(store, request)
    limit = MAX_ANONYMOUS_BODY if call.account is None else MAX_BODY
    with ExitStack() as stack:
        if route.admit is not None:
            limit = route.admit(call)
            call.draft = store.temporary / secrets.token_hex(16)
            stack.callback(call.draft.unlink, missing_ok=True)
            call.body = stack.enter_context(call.draft.open("w+b", buffering=BUFFER))
        else:
            spool = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(store.temporary)))
            call.body = cast(BinaryIO, spool)
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise HubError(413, f"the request body is larger than the {limit} bytes that are taken here")
            call.body.write(chunk)
        call.body.flush()
        call.body.seek(0)
        yield call
