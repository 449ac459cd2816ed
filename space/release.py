"""Publishes the corpus, the model and the Space, once all three are ready: one atomic commit each."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO_NAME = "soulchat"
HUBS = ("local", "huggingface")
LOCAL_URL = "http://127.0.0.1:7777"
"""Where `make hub` serves what was pushed; the server of the push itself ends with it."""


class NotReady(ValueError):
    """Something is missing for a release; nothing was published."""


@dataclass(frozen=True)
class Released:
    """What a push has published."""

    urls: dict[str, str]  # by repo type
    withheld: str  # why the dataset is private whatever was asked; empty where it is not


def check(hub: str, namespace: str) -> None:
    """Whether `hub` can be pushed to, before hours are spent on what to push.

    Raises:
        NotReady: on an unknown hub, a missing namespace, or a token that is missing or refused.
    """
    if hub not in HUBS:
        raise NotReady(f"HUB={hub!r} is not one of {', '.join(HUBS)}")
    if not namespace:
        raise NotReady("HUB=huggingface needs ORG: the user or organisation to publish under, as in ORG=my-lab")
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError

    if get_token() is None:
        raise NotReady(f"HUB={hub} needs a token: run `hf auth login`, or set HF_TOKEN")
    try:
        HfApi().whoami()
    except HfHubHTTPError as error:
        raise NotReady(f"HUB={hub} refuses the token ({error.response.status_code}); run `hf auth login`") from None


def release(hub: str, namespace: str, *, corpus: Path, model: Path, public: bool) -> Released:
    """Push corpus, model and Space to `<namespace>/soulchat`.

    Everything is checked and gathered before the first push. The Space is private unless `public`; a dataset with rows
    that may not be passed on is private, and goes to a Hub on this machine only.

    Raises:
        NotReady: where a part is missing, or may not be published there.
    """
    check(hub, namespace)
    repo_id = f"{namespace}/{REPO_NAME}"
    corpus_files, withheld = _corpus_files(corpus, repo_id, hub)
    parts = [
        ("dataset", corpus_files, bool(withheld)),
        ("model", _model_files(model), False),
        ("space", _space_files(repo_id), not public),
    ]
    from dataset_builder.publish import publish

    for repo_type, files, private in parts:
        sdk = "gradio" if repo_type == "space" else None
        publish(repo_id, repo_type, files, private=private, space_sdk=sdk, message="Release")
    endpoint = LOCAL_URL if hub == "local" else os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    urls = {
        "dataset": f"{endpoint}/datasets/{repo_id}",
        "model": f"{endpoint}/{repo_id}",
        "space": f"{endpoint}/spaces/{repo_id}",
    }
    return Released(urls, withheld)


def a_topic(corpus: Path) -> str | None:
    """A topic that the corpus has a config for; None where its rows have no topics."""
    from dataset_builder.corpus import partition_folder
    from dataset_builder.topics import TOPICS

    return next((topic for topic in TOPICS if (corpus / partition_folder(topic)).is_dir()), None)


def what_users_type(hub: str, namespace: str, released: Released, *, topic: str | None, public: bool) -> str:
    """The last words of a push: where the three repos are, and the lines that load them."""
    urls = released.urls
    repo_id = f"{namespace}/{REPO_NAME}"
    reach = (
        f"make hub    # serves what was just pushed, kept in build/hub\n"
        f"export HF_ENDPOINT={LOCAL_URL} HF_TOKEN=local NO_PROXY=127.0.0.1,localhost\n\n"
        if hub == "local"
        else ""
    )
    return f"""
Published. {"First, in a shell of its own and then in yours:" if reach else ""}

{reach}dataset  {urls["dataset"]}{f"  (private: {released.withheld})" if released.withheld else ""}
model    {urls["model"]}
Space    {urls["space"]}{"" if public else "  (private; PUBLIC=1 shows it to everyone)"}

from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer

corpus = load_dataset("{repo_id}"{f', "{topic}"' if topic else ""})
model = AutoModelForCausalLM.from_pretrained("{repo_id}")
tokenizer = AutoTokenizer.from_pretrained("{repo_id}")

hf download {repo_id} --type space --local-dir demo && python demo/app.py"""


def _corpus_files(corpus: Path, repo_id: str, hub: str) -> tuple[dict[str, Any], str]:
    """The files of the dataset repo, and why they may only go to a private one on this machine, if so."""
    from dataset_builder.card import card_for
    from dataset_builder.corpus import corpus_files, refused_sources

    if not (corpus / "README.md").is_file():
        raise NotReady(f"no corpus at {corpus}; build it with `make data`")
    withheld = "; ".join(
        f"{rows} rows of {source} may not be passed on: {reason}"
        for source, (reason, rows) in refused_sources(corpus).items()
    )
    if withheld and hub != "local":
        raise NotReady(f"{withheld}. Build without them, or push with HUB=local, where the dataset is private")
    files: dict[str, Any] = dict(corpus_files(corpus))
    card = card_for((corpus / "README.md").read_text("utf-8"), repo_id)
    return files | {"README.md": card.encode()}, withheld


def _model_files(model: Path) -> dict[str, Any]:
    from model_card.card import model_files

    for needed, target in (("run.json", "train"), ("README.md", "card")):
        if not (model / needed).is_file():
            raise NotReady(f"no {needed} in {model}; make it with `make {target}`")
    return dict(model_files(model))


def _space_files(repo_id: str) -> dict[str, Any]:
    from space.bundle import space_files

    return dict(space_files(Path(__file__).resolve().parent.parent, repo_id))
