"""Routes about Spaces. Nothing runs here, so a Space has settings and no runtime; secret values are not kept."""

from typing import Any

from starlette.responses import JSONResponse, Response

from local_hub import clock
from local_hub.errors import HubError
from local_hub.store import Repo
from local_hub.web import Call, Route


def _space(call: Call) -> Repo:
    call.params["kind"] = "spaces"
    return call.writable_repo()


def _set(call: Call, shelf: str, *, keep_value: bool) -> Response:
    space, body = _space(call), call.json()
    key = body.get("key")
    if not isinstance(key, str) or not key.isidentifier():
        raise HubError(400, f"key {key!r} is not a name for an environment variable")
    entry = {"key": key, "description": body.get("description"), "updatedAt": clock.now()}
    if keep_value:
        entry["value"] = str(body.get("value", ""))
    with space.changing_settings() as settings:
        settings.setdefault(shelf, {})[key] = entry
        return JSONResponse(settings[shelf])


def _unset(call: Call, shelf: str) -> Response:
    space, key = _space(call), call.json().get("key")
    with space.changing_settings() as settings:
        settings.setdefault(shelf, {}).pop(str(key), None)
        return JSONResponse(settings[shelf])


def _shown(call: Call, shelf: str) -> Response:
    return JSONResponse(_space(call).settings().get(shelf, {}))


def set_secret(call: Call) -> Response:
    return _set(call, "secrets", keep_value=False)


def set_variable(call: Call) -> Response:
    return _set(call, "variables", keep_value=True)


def delete_secret(call: Call) -> Response:
    return _unset(call, "secrets")


def delete_variable(call: Call) -> Response:
    return _unset(call, "variables")


def secrets(call: Call) -> Response:
    return _shown(call, "secrets")


def variables(call: Call) -> Response:
    return _shown(call, "variables")


def runtime(call: Call) -> Response:
    """The same answer to every question about hardware: the Space is stored, and not running."""
    call.params["kind"] = "spaces"
    call.repo() if call.request.method in ("GET", "HEAD") else call.writable_repo()
    hardware = {"current": None, "requested": "cpu-basic"}
    stage: dict[str, Any] = {"stage": "STOPPED", "hardware": hardware, "storage": None, "gcTimeout": None}
    return JSONResponse(stage)


_SPACE = "/api/spaces/{namespace}/{name}"
ROUTES = [
    Route("GET", f"{_SPACE}/secrets", secrets),
    Route("POST", f"{_SPACE}/secrets", set_secret),
    Route("DELETE", f"{_SPACE}/secrets", delete_secret),
    Route("GET", f"{_SPACE}/variables", variables),
    Route("POST", f"{_SPACE}/variables", set_variable),
    Route("DELETE", f"{_SPACE}/variables", delete_variable),
    Route("GET", f"{_SPACE}/runtime", runtime),
    *(Route("POST", f"{_SPACE}/{what}", runtime) for what in ("hardware", "sleeptime", "restart", "pause")),
]
