"""A dataset's first rows as a table."""

from starlette.responses import Response

from local_hub.api.repos import card_data
from local_hub.errors import HubError
from local_hub.pages import sources
from local_hub.pages.render import repo_page
from local_hub.pages.rows import first_rows
from local_hub.store import DEFAULT_BRANCH
from local_hub.tree import files
from local_hub.web import Call

_ROWS = 50


def viewer(call: Call) -> Response:
    repo = call.content_repo()
    if repo.name.kind != "dataset":
        raise HubError(404, f"{repo.name.repo_id} is a {repo.name.kind}; only datasets have rows to show")
    commit = repo.commit(DEFAULT_BRANCH)
    by_path = {file.path: file for file in files(repo.git, commit)}
    known = sources.configs(card_data(repo, str(commit.id)), list(by_path))
    config = next((config for config in known if config.name == call.params["config"]), None)
    if config is None:
        raise HubError(404, f"{repo.name.repo_id} has no config {call.params['config'][:80]!r}")
    split = call.query("split") or next(iter(config.splits), "train")
    if split not in config.splits:
        raise HubError(404, f"config {config.name!r} has no split {split[:80]!r}")
    chosen = [by_path[path] for path in config.files(split, list(by_path))]
    rows = first_rows(repo, chosen, _ROWS)
    if not chosen:
        rows.problems.append(f"no file matches {', '.join(config.splits[split])[:300] or 'this split'}")
    return repo_page(
        call,
        repo,
        "viewer.html",
        "viewer",
        configs=known,
        config=config,
        split=split,
        rows=rows,
        files=[file.path for file in chosen],
    )
