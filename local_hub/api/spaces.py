"""Routes about Spaces: their secrets, variables and hardware, and where the server runs them, how they do."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from local_hub import clock
from local_hub.errors import HubError
from local_hub.space_app import LogReader, save_secret
from local_hub.space_runner import State
from local_hub.store import Repo
from local_hub.web import Call, Route

_HARDWARE = "cpu-basic"
_MAX_VALUE = 64 << 10  # characters of a secret or variable; a process's environment takes not much more
_POLL = 0.5  # seconds
# Seconds until a log says that it is still there. A client that follows gives up after 120; one that does not is done
# when it has heard nothing for 5, and with a shorter time here it never would be.
_SILENCE = 30
_THIS_MACHINE = {
    "name": _HARDWARE,
    "prettyName": "This machine",
    "cpu": "shared",
    "ram": "shared",
    "accelerator": None,
    "unitCostMicroUSD": 0,
    "unitCostUSD": 0,
    "unitLabel": "minute",
}


def _space(call: Call, *, writable: bool = True) -> Repo:
    call.params["kind"] = "spaces"
    return call.writable_repo() if writable else call.repo()


def set_entry(repo: Repo, shelf: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Keep a secret or variable as clients send it, and answer the whole shelf; a secret's value is in no answer."""
    key, value = entry.get("key"), entry.get("value", "")
    if not isinstance(key, str) or not (key.isascii() and key.isidentifier()):
        raise HubError(400, f"key {str(key)[:80]!r} is not a name for an environment variable")
    if not isinstance(value, str) or "\0" in value or len(value) > _MAX_VALUE:
        raise HubError(400, f"the value of {key} must be text of at most {_MAX_VALUE:,} characters")
    kept = {"key": key, "description": entry.get("description"), "updatedAt": clock.now()}
    if shelf == "secrets":
        save_secret(repo, key, value)
    else:
        kept["value"] = value
    with repo.changing_settings() as settings:
        settings.setdefault(shelf, {})[key] = kept
        return dict(settings[shelf])


def _set(call: Call, shelf: str) -> Response:
    space = _space(call)
    shown = set_entry(space, shelf, call.json())
    _restart_if_running(space)
    return JSONResponse(shown)


def _unset(call: Call, shelf: str) -> Response:
    space, key = _space(call), str(call.json().get("key"))
    if shelf == "secrets":
        save_secret(space, key, None)
    with space.changing_settings() as settings:
        settings.setdefault(shelf, {}).pop(key, None)
    _restart_if_running(space)
    return JSONResponse(settings[shelf])


def _restart_if_running(space: Repo) -> None:
    """The environment of a process is set when it starts."""
    runner = space.store.runner
    if runner is not None and runner.state(space.name).stage != "STOPPED":
        runner.changed(space)


def set_secret(call: Call) -> Response:
    return _set(call, "secrets")


def set_variable(call: Call) -> Response:
    return _set(call, "variables")


def delete_secret(call: Call) -> Response:
    return _unset(call, "secrets")


def delete_variable(call: Call) -> Response:
    return _unset(call, "variables")


def secrets(call: Call) -> Response:
    return JSONResponse(_space(call).settings().get("secrets", {}))


def variables(call: Call) -> Response:
    return JSONResponse(_space(call).settings().get("variables", {}))


def runtime(call: Call) -> Response:
    return JSONResponse(_runtime(call, _space(call, writable=False)))


def state_of(space: Repo) -> State:
    """How a Space does; one that was paused stays so over a restart of the server."""
    if space.settings().get("paused"):
        return State("PAUSED")
    return space.store.runner.state(space.name) if space.store.runner else State()


def _runtime(call: Call, space: Repo) -> dict[str, Any]:
    settings, state = space.settings(), state_of(space)
    # An app may print anything, and whoever may not read the log sees no part of it here.
    error = f"{state.error}\n{state.said}" if state.said and call.may_write(space) else state.error
    wanted = settings.get("hardware") or _HARDWARE
    return {
        "stage": state.stage,
        "hardware": {"current": _HARDWARE if state.stage == "RUNNING" else None, "requested": wanted},
        "storage": None,
        "gcTimeout": settings.get("sleepTime"),
        "replicas": {"current": int(state.stage == "RUNNING"), "requested": 1},
        "domains": [{"domain": urlsplit(state.url).netloc, "stage": "READY"}] if state.url else [],
        **({"url": state.url} if state.url else {}),
        **({"errorMessage": error} if error else {}),
    }


def change_hardware(call: Call) -> Response:
    space, body = _space(call), call.json()
    with space.changing_settings() as settings:
        settings["hardware"] = str(body.get("flavor") or _HARDWARE)[:80]
        if "sleepTimeSeconds" in body:
            settings["sleepTime"] = _seconds(body["sleepTimeSeconds"])
    return JSONResponse(_runtime(call, space))


def change_sleep_time(call: Call) -> Response:
    space, body = _space(call), call.json()
    with space.changing_settings() as settings:
        settings["sleepTime"] = _seconds(body.get("seconds"))
    return JSONResponse(_runtime(call, space))


def _seconds(value: object) -> int | None:
    if value is None or (isinstance(value, int) and abs(value) < 1 << 31):
        return value
    raise HubError(400, f"the sleep time {str(value)[:80]!r} is not a number of seconds")


def restart(call: Call) -> Response:
    space = _space(call)
    with space.changing_settings() as settings:
        settings["paused"] = False
    if space.store.runner is not None:
        space.store.runner.start(space)
    return JSONResponse(_runtime(call, space))


def pause(call: Call) -> Response:
    space = _space(call)
    with space.changing_settings() as settings:
        settings["paused"] = True
    if space.store.runner is not None:
        space.store.runner.stop(space.name)
    return JSONResponse(_runtime(call, space))


def logs(call: Call) -> Response:
    """What the app printed, as server-sent events, for as long as it runs. There is no build, so that log is empty."""
    space = _space(call)
    if call.params["log"] not in ("run", "build"):
        raise HubError(404, f"there is no log {call.params['log'][:80]!r}; ask for run or build")
    if call.params["log"] == "build" or call.request.method == "HEAD":
        return Response("", media_type="text/event-stream")
    return StreamingResponse(_events(space), media_type="text/event-stream")


async def _events(space: Repo) -> AsyncIterator[str]:
    """Asynchronous, so that it ends with its reader: one that does not follow reads until it times out."""
    runner, silent = space.store.runner, 0.0
    if runner is None:
        return
    reader = LogReader(runner.log(space.name))
    while True:
        alive = runner.state(space.name).alive  # before the reading, so that the last lines are not missed
        lines = await run_in_threadpool(reader.lines)
        for at, text in lines:
            yield f"data: {json.dumps({'timestamp': at, 'data': text + chr(10)})}\n\n"
        if lines:
            silent = 0.0
            continue
        if not alive:
            return
        if silent >= _SILENCE:
            yield "data:\n\n"
            silent = 0.0
        await anyio.sleep(_POLL)
        silent += _POLL


def hardware(call: Call) -> Response:
    return JSONResponse([_THIS_MACHINE])


_SPACE = "/api/spaces/{namespace}/{name}"
ROUTES = [
    Route("GET", "/api/spaces/hardware", hardware, tokenless=True),
    Route("GET", f"{_SPACE}/secrets", secrets),
    Route("POST", f"{_SPACE}/secrets", set_secret),
    Route("DELETE", f"{_SPACE}/secrets", delete_secret),
    Route("GET", f"{_SPACE}/variables", variables),
    Route("POST", f"{_SPACE}/variables", set_variable),
    Route("DELETE", f"{_SPACE}/variables", delete_variable),
    Route("GET", f"{_SPACE}/runtime", runtime),
    Route("POST", f"{_SPACE}/hardware", change_hardware),
    Route("POST", f"{_SPACE}/sleeptime", change_sleep_time),
    Route("POST", f"{_SPACE}/restart", restart),
    Route("POST", f"{_SPACE}/pause", pause),
    Route("GET", f"{_SPACE}/logs/{{log}}", logs),
]
