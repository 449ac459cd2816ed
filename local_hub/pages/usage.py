"""The lines to copy: how one gets a repository into a program, or a Space to run."""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from local_hub.names import RepoName
from local_hub.space_app import sdk_and_app

_VERSION = re.compile(r"\d+(?:\.\w+){0,4}")


@dataclass(frozen=True)
class Snippet:
    title: str
    text: str


def environment(endpoint: str, *, token: bool) -> str:
    return f"export HF_ENDPOINT={endpoint}" + (" HF_TOKEN=<your token>" if token else "")


def snippets(name: RepoName, about: dict[str, Any], paths: set[str], config: str | None) -> list[Snippet]:
    """For a dataset and a model; what a Space needs is `commands`."""
    loading = None
    if name.kind == "dataset":
        second = f", {json.dumps(config, ensure_ascii=False)}" if config not in (None, "default") else ""
        loading = f'from datasets import load_dataset\n\ndata = load_dataset("{name.repo_id}"{second})'
    elif about.get("library_name") == "peft" or "adapter_config.json" in paths:
        loading = (
            "from peft import AutoPeftModelForCausalLM\n\n"
            f'repo = "{name.repo_id}"\n'
            "model = AutoPeftModelForCausalLM.from_pretrained(repo)"
        )
    elif about.get("library_name") == "transformers" or "config.json" in paths:
        loading = (
            "from transformers import AutoModelForCausalLM\n"
            "from transformers import AutoTokenizer\n\n"
            f'repo = "{name.repo_id}"\n'
            "tokenizer = AutoTokenizer.from_pretrained(repo)\n"
            "model = AutoModelForCausalLM.from_pretrained(repo)"
        )
    kind = "" if name.kind == "model" else f" --type {name.kind}"
    download = Snippet("Shell", f"hf download {name.repo_id}{kind} \\\n  --local-dir {name.name}")
    return [Snippet("Python", loading), download] if loading else [download]


@dataclass(frozen=True)
class Space:
    sdk: str
    app_file: str
    command: str  # what fetches and runs it


def space(name: RepoName, about: dict[str, Any], settings: dict[str, Any], paths: set[str], endpoint: str) -> Space:
    sdk, app_file = sdk_and_app(about, settings)
    steps = [f"HF_ENDPOINT={endpoint} hf download {name.repo_id} --type space --local-dir {name.name}"]
    steps.append(f"cd {name.name}")
    # The card is somebody's input, and this is for a shell.
    app, version = shlex.quote(app_file), str(about.get("sdk_version") or "")
    pinned = f"=={version}" if _VERSION.fullmatch(version) else ""
    if sdk in ("gradio", "streamlit"):
        needed = "-r requirements.txt" if "requirements.txt" in paths else ""
        steps.append(f"pip install {sdk}{pinned} {needed}".rstrip())
        steps.append(f"python {app}" if sdk == "gradio" else f"streamlit run {app}")
    elif sdk == "docker":
        port = about.get("app_port")
        port = port if isinstance(port, int) and 0 < port < 1 << 16 else 7860
        tag = name.repo_id.lower()
        steps += [f"docker build -t {tag} .", f"docker run --rm -p 127.0.0.1:{port}:{port} {tag}"]
    else:
        steps.append("python -m http.server --bind 127.0.0.1")
    return Space(sdk, app_file, " && \\\n".join(steps))
