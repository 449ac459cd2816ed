"""Routes about branches and tags."""

from collections.abc import Callable

import pygit2
from pygit2.enums import ObjectType
from starlette.responses import JSONResponse, Response

from local_hub.errors import HubError, revision_not_found
from local_hub.names import checked_ref
from local_hub.store import DEFAULT_BRANCH, Repo, signature
from local_hub.web import Call, Route


def refs(call: Call) -> Response:
    repo = call.repo()

    def below(prefix: str) -> list[dict[str, str]]:
        names = sorted(name for name in repo.git.references if name.startswith(prefix))
        return [
            {
                "name": name.removeprefix(prefix),
                "ref": name,
                "targetCommit": str(repo.git.references[name].peel(pygit2.Commit).id),
            }
            for name in names
        ]

    answer = {"branches": below("refs/heads/"), "converts": below("refs/convert/"), "tags": below("refs/tags/")}
    if call.flag("include_prs"):
        answer["pullRequests"] = below("refs/pr/")
    return JSONResponse(answer)


def _new_ref(repo: Repo, ref: str, make: Callable[[], object]) -> None:
    with repo.lock:
        if ref in repo.git.references:
            raise HubError(409, f"Reference already exists: {ref}")
        try:
            make()
        except (pygit2.GitError, ValueError) as error:  # `a` and `a/b` cannot both be branches
            raise HubError(400, f"git cannot hold {ref} beside the names that exist: {error}") from None


def create_branch(call: Call) -> Response:
    repo = call.writable_repo()
    start = repo.commit(str(call.json().get("startingPoint") or DEFAULT_BRANCH))
    ref = f"refs/heads/{checked_ref(call.params['branch'])}"
    _new_ref(repo, ref, lambda: repo.git.create_reference(ref, start.id))
    return Response(status_code=201)


def create_tag(call: Call) -> Response:
    """A message makes it an annotated tag."""
    repo, user, body = call.writable_repo(), call.signed_in(), call.json()
    target, name = repo.commit(call.params["revision"]).id, checked_ref(body.get("tag"))
    ref, message = f"refs/tags/{name}", str(body.get("message") or "")
    if "\0" in message:
        raise HubError(400, "the `message` of a tag must be text")
    who = signature(user)

    def annotated() -> None:
        repo.git.create_tag(name, target, ObjectType.COMMIT, who, message)

    _new_ref(repo, ref, annotated if message else lambda: repo.git.create_reference(ref, target))
    return Response(status_code=201)


def delete_branch(call: Call) -> Response:
    if call.params["branch"] == DEFAULT_BRANCH:
        raise HubError(403, f"{DEFAULT_BRANCH} cannot be deleted; delete the repository instead")
    return _delete_ref(call, f"refs/heads/{checked_ref(call.params['branch'])}")


def delete_tag(call: Call) -> Response:
    return _delete_ref(call, f"refs/tags/{checked_ref(call.params['tag'])}")


def _delete_ref(call: Call, ref: str) -> Response:
    repo = call.writable_repo()
    with repo.lock:
        if ref not in repo.git.references:
            raise revision_not_found(ref)
        repo.git.references.delete(ref)
    return Response(status_code=204)


_REPO = "/api/{kind}/{namespace}/{name}"
ROUTES = [
    Route("GET", f"{_REPO}/refs", refs),
    Route("POST", f"{_REPO}/branch/{{branch}}", create_branch),
    Route("DELETE", f"{_REPO}/branch/{{branch}}", delete_branch),
    Route("POST", f"{_REPO}/tag/{{revision}}", create_tag),
    Route("DELETE", f"{_REPO}/tag/{{tag}}", delete_tag),
]
