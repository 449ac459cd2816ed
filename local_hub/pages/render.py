"""From a template to a response that no browser can be talked into running anything in."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from local_hub.errors import HubError
from local_hub.names import KINDS
from local_hub.store import DEFAULT_BRANCH, Repo
from local_hub.web import Call

_HERE = Path(__file__).parent
_STYLE = (_HERE / "style.css").read_bytes()
_ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2f5d50"/>'
    b'<path d="M9 8v16M23 8v16M9 16h14" stroke="#fff" stroke-width="4" stroke-linecap="round"/></svg>'
)
POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Authorization, Cookie",
}


def size_text(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{value / 1000:.1f} TB"


def day(when: str | int) -> str:
    """A git time, or one of ours as text, as a day and a minute."""
    text = datetime.fromtimestamp(when, UTC).isoformat() if isinstance(when, int) else when
    return text[:16].replace("T", " ")


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"size": size_text, "day": day, "segment": lambda text: quote(text, safe=""), "path": quote}
    made.globals |= {"style_version": hashlib.sha256(_STYLE).hexdigest()[:12], "kinds": KINDS}
    return made


_TEMPLATES = _environment()


def page(template: str, user: str | None, status: int = 200, **values: Any) -> Response:
    html = _TEMPLATES.get_template(template).render(user=user, **values)
    # Half a surrogate pair is in no file, but JSON and YAML can spell one.
    return HTMLResponse(html.encode("utf-8", "replace"), status, POLICY)


def repo_page(call: Call, repo: Repo, template: str, tab: str, **values: Any) -> Response:
    """A page about a repository, with its name and tabs on top."""
    settings = repo.settings()
    discussions = settings.get("discussions", [])
    values = {"revision": DEFAULT_BRANCH, **values}
    return page(
        template,
        call.user,
        repo=repo.name,
        base=f"/{repo.name.url_path}",
        private=settings["private"],
        gated=settings["gated"],
        open_discussions=sum(record["status"] in ("open", "draft") for record in discussions),
        tab=tab,
        **values,
    )


def may_read(call: Call) -> bool:
    """Whether the caller may read the files of this repository, which a gated one keeps from most."""
    try:
        call.content_repo()
    except HubError:
        return False
    return True


_TITLES = {
    400: "That address is not right",
    401: "Not here, or not for everybody",
    403: "Not for you yet",
    404: "Not here",
    405: "Not this way",
    500: "This went wrong",
}


def error_page(error: HubError, call_path: str = "") -> Response:
    """What a person sees of a refusal; `call_path` is the path that was asked for."""
    title = _TITLES.get(error.status, "Refused")
    answer = page("error.html", None, error.status, title=title, error=error, path=call_path)
    answer.headers.update({**error.headers, **({"X-Error-Code": error.code} if error.code else {})})
    return answer


def style(call: Call) -> Response:
    """Its address changes with it, so it may be kept for ever."""
    return Response(_STYLE, media_type="text/css", headers=_kept())


def icon(call: Call) -> Response:
    return Response(_ICON, media_type="image/svg+xml", headers=_kept())


def _kept() -> dict[str, str]:
    return {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
