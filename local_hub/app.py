"""The ASGI application: find the route, know the caller, run the handler, and turn every refusal into an answer."""

import errno
import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from local_hub import api, pages
from local_hub.api.repos import without_namespace
from local_hub.errors import HubError
from local_hub.hosts import check_host
from local_hub.store import Store
from local_hub.web import Call, Route, Router, received

HEALTH_PATH = "/api/local-hub"
_log = logging.getLogger("local_hub")


def health(call: Call) -> Response:
    """Tells a client that this is the server of the root whose `store-id` it read."""
    return JSONResponse({"local_hub": call.store.id})


ROUTES: list[Route] = [
    Route("GET", HEALTH_PATH, health, tokenless=True),
    *api.ROUTES,
    *pages.ROUTES,
    Route("GET", "/api/{kind}/{name}", without_namespace),  # what no route above took
]


class App:
    def __init__(self, store: Store, hosts: frozenset[str] = frozenset()) -> None:
        self._store = store
        self._hosts = hosts
        self._router = Router(ROUTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # the server speaks nothing else: lifespan and websockets are off
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return  # an upload that was cut off has left only a draft, which is gone by now
        # Without the query: the key that signs an upload's address is in there.
        path = scope["raw_path"].decode("latin-1")[:500]
        _log.info(
            '%s "%s %s" %d',
            request.client.host if request.client else "-",
            scope["method"],
            path,
            response.status_code,
        )
        # The same address shows other things to another person; static files say otherwise themselves.
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.setdefault("Vary", "Authorization")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            check_host(request.headers.get("host"), self._hosts)
            raw_path = request.scope["raw_path"].decode("latin-1")
            route, params = self._router.find(request.method, raw_path)
            async with received(self._store, request, route, params) as call:
                return await run_in_threadpool(route.handler, call)
        except HubError as error:
            return _refusal(request, error)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            _log.error("no space left below %s", self._store.root)
            message = f"no space left on the disk below {self._store.root}; free some and try again"
            return HubError(507, message).response()
        except ClientDisconnect:
            raise
        except Exception:
            _log.exception("%s %s failed", request.method, request.url.path)
            return HubError(500, "the local Hub failed on this request; see server.log in its root").response()


def _refusal(request: Request, error: HubError) -> Response:
    """JSON for clients; for a browser a page, with the invitation to sign in where that would help."""
    if "text/html" not in request.headers.get("accept", ""):
        return error.response()
    page = pages.error_page(error, request.url.path)
    if error.status == 401 and request.url.path == "/login":
        # Only there: a page that asks for a password on its own takes a reader by surprise.
        page.headers["WWW-Authenticate"] = (
            'Basic realm="local Hub: any name, and a token as password", charset="UTF-8"'
        )
    return page
