"""The one error that handlers raise, and how clients are told about it.

huggingface_hub picks its exception by the header `X-Error-Code` (RepoNotFound, RevisionNotFound, EntryNotFound,
GatedRepo) and prints `X-Error-Message`, so both go with every refusal.
"""

from collections.abc import Mapping

from starlette.responses import JSONResponse

_MAX_LINE = 1000  # characters of a message in a header


class HubError(Exception):
    """A request that is refused, with the HTTP status and the line that the client shows its user."""

    def __init__(
        self, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        # A header carries latin-1 without control characters; the body keeps the message as it is.
        line = "".join(c if c.isprintable() else " " for c in self.message)[:_MAX_LINE].strip()
        headers = {"X-Error-Message": line.encode("ascii", "backslashreplace").decode(), **self.headers}
        if self.code is not None:
            headers["X-Error-Code"] = self.code
        return JSONResponse({"error": self.message}, status_code=self.status, headers=headers)


def repo_not_found(repo_id: str, *, anonymous: bool) -> HubError:
    """One answer for missing and for private, so that nobody learns which; 401 asks an anonymous caller to log in."""
    return HubError(401 if anonymous else 404, f"Repository {repo_id} not found", "RepoNotFound")


def revision_not_found(revision: str) -> HubError:
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(path: str, commit: str) -> HubError:
    """Carries the commit too: clients remember per commit that a file is absent."""
    return HubError(404, f"Entry not found: {path}", "EntryNotFound", {"X-Repo-Commit": commit})
