"""What a Hugging Face Space holds to run the demo: the files, unchanged, that it needs, and four written for it."""

from importlib.metadata import version
from pathlib import Path

import yaml

from space.config import FILE

CARRIED = (
    "safety/*",
    "space/__init__.py",
    "space/app.py",
    "space/chat.py",
    "space/config.py",
    "space/style.css",
    "space/texts.py",
    "training/__init__.py",
    "training/encode.py",
    "training/generate.py",
    "training/prompt.py",
)
PACKAGES = ("gradio", "huggingface-hub", "opencc", "pyyaml", "torch", "transformers")
"""What those files import, the model being a checkpoint; `openai` would only be asked for by an endpoint."""

APP = '''"""The Space's entry: the demo with the settings of space/config.yaml."""

from space.app import build, launch
from space.config import load_config

if __name__ == "__main__":
    launch(build(load_config()))
'''

CARD = Path(__file__).with_name("space_card.md")


def space_files(repo_root: Path, model_repo_id: str) -> dict[str, bytes]:
    """Everything the Space's repo holds, by path, for the project at `repo_root` and the model it shows.

    Raises:
        FileNotFoundError: where a file that it carries is missing in `repo_root`.
    """
    files: dict[str, bytes] = {}
    for pattern in CARRIED:
        found = [path for path in sorted(repo_root.glob(pattern)) if path.is_file()]
        if not found:
            raise FileNotFoundError(f"{repo_root / pattern} is missing, and the Space needs it")
        files |= {path.relative_to(repo_root).as_posix(): path.read_bytes() for path in found}
    settings = yaml.safe_load(FILE.read_text(encoding="utf-8")) | {"model": model_repo_id}
    written = {
        "README.md": f"---\n{_yaml(_front_matter(model_repo_id))}---\n\n"
        + CARD.read_text(encoding="utf-8").format(model=model_repo_id),
        "app.py": APP,
        "requirements.txt": "".join(f"{name}=={_release(name)}\n" for name in PACKAGES),
        "space/config.yaml": _yaml(settings),
    }
    return dict(sorted((files | {path: text.encode() for path, text in written.items()}).items()))


def _front_matter(model_repo_id: str) -> dict[str, object]:
    return {
        "title": "SoulChat",
        "emoji": "🌱",
        "colorFrom": "green",
        "colorTo": "blue",
        "sdk": "gradio",
        "sdk_version": _release("gradio"),
        "python_version": "3.11",
        "app_file": "app.py",
        "models": [model_repo_id],
        "license": "apache-2.0",
        "short_description": "AI research demo of empathetic chat, 18+",  # the Hub takes up to 60 characters
        "tags": ["chinese", "empathy", "mental-health", "research-demo"],
    }


def _release(package: str) -> str:
    """The installed version without the local part, such as torch's +cpu, which no index serves."""
    return version(package).partition("+")[0]


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
