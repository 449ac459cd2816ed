"""A repository's front page: its card, and what one does with it."""

import re

import pygit2
from starlette.responses import Response

from local_hub import card
from local_hub.api.spaces import state_of
from local_hub.pages import results, sources, usage
from local_hub.pages.markdown import Place, render
from local_hub.pages.render import may_read, repo_page
from local_hub.store import DEFAULT_BRANCH, Repo
from local_hub.tree import File, Folder, files, find, listing, readme
from local_hub.web import Call

_MAX_TAGS = 40
_MAX_EVALUATION = 64 << 10  # bytes of one file of `.eval_results/`
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})*")


def repository(call: Call) -> Response:
    repo = call.repo()
    commit = repo.commit(DEFAULT_BRANCH)
    text = readme(repo.git, commit)  # of a gated repository too: the card says what one asks for
    about = card.data(text)
    by_path = {file.path: file for file in files(repo.git, commit)}
    settings, name, paths = repo.settings(), repo.name, set(by_path)
    allowed = may_read(call)
    configs = sources.configs(about, list(by_path)) if name.kind == "dataset" else []
    evaluation = results.from_card(about) if name.kind == "model" else []
    if name.kind == "model" and allowed:
        evaluation += _evaluation_files(repo, commit)
    default = next((config.name for config in configs if config.default), configs[0].name if configs else None)
    state = state_of(repo) if name.kind == "space" and call.store.runner else None
    space = usage.space(name, about, settings, paths, call.endpoint) if name.kind == "space" else None
    return repo_page(
        call,
        repo,
        "repository.html",
        "card",
        card=render(card.body(text), Place(name.url_path, DEFAULT_BRANCH)),
        language=_language(about),
        problems=card.errors(text),
        tags=[tag for tag in card.tags(about) if not tag.startswith("license:")][:_MAX_TAGS],
        license=str(about.get("license_name") or about.get("license") or ""),
        allowed=allowed,
        configs=configs,
        results=evaluation[: results.MAX_RESULTS],
        space=space,
        state=state,
        said=state.said if state and call.may_write(repo) else "",
        variables=sorted(settings.get("variables", {})),
        secrets=sorted(settings.get("secrets", {})) if call.may_write(repo) else [],
        environment=usage.environment(call.endpoint, token=bool(settings["private"] or settings["gated"])),
        snippets=[] if space else usage.snippets(name, about, paths, default),
        changed=commit.commit_time,
        size=sum(file.size for file in by_path.values()),
        count=len(by_path),
    )


def _language(about: dict[str, object]) -> str | None:
    """The card's language, by which a browser picks glyphs and a screen reader its voice."""
    value = about.get("language")
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) and _LANGUAGE.fullmatch(first) else None


def _evaluation_files(repo: Repo, commit: pygit2.Commit) -> list[results.Result]:
    folder = find(repo.git, commit, ".eval_results")
    found: list[results.Result] = []
    for file in listing(repo.git, commit, folder, recursive=False) if isinstance(folder, Folder) else []:
        small = isinstance(file, File) and not file.pointer and file.size <= _MAX_EVALUATION
        if small and file.path.endswith((".yaml", ".yml")) and len(found) < results.MAX_RESULTS:
            found += results.from_file(repo.git[file.oid].data.decode("utf-8", "replace"))
    return found
