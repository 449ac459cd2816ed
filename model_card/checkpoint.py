"""What a model folder says about itself: its run record, and a fingerprint of what decides its replies."""

import hashlib
import json
from pathlib import Path
from typing import Any

from model_card.errors import ModelCardError

_RUN_KEYS = (
    "recipe",
    "base_model",
    "parameters",
    "steps",
    "tokens",
    "supervised_tokens",
    "seconds",
    "tokens_per_second",
    "losses",
    "versions",
    "corpus",
    "seed",
    "world_size",
    "deepspeed",
)


def weight_files(model: Path) -> list[Path]:
    """The checkpoint's safetensors, sharded or not.

    Raises:
        ModelCardError: where `model` is no folder with a checkpoint in it.
    """
    weights = sorted(model.glob("model*.safetensors"))
    if not (model / "config.json").is_file() or not weights:
        raise ModelCardError(f"{model} holds no model (config.json and model.safetensors); run: make train")
    return weights


def fingerprint(model: Path) -> str:
    """Of weights, config and tokenizer: a retrained model has another one."""
    named = [model / name for name in ("config.json", "tokenizer.json", "chat_template.jinja")]
    return _hash_files([path for path in named if path.is_file()] + weight_files(model))


def architecture_fingerprint(model: Path) -> str:
    """Of config and tokenizer alone: what a randomly initialised copy of the model depends on."""
    weight_files(model)
    return _hash_files([path for name in ("config.json", "tokenizer.json") if (path := model / name).is_file()])


def read_run(model: Path) -> dict[str, Any]:
    """`run.json`, as training wrote it.

    Raises:
        ModelCardError: where it is missing, is not JSON or lacks a key.
    """
    path = model / "run.json"
    record = read_json(path, "run: make train")
    missing = [key for key in _RUN_KEYS if key not in record]
    if missing:
        raise ModelCardError(f"{path} lacks {', '.join(missing)}; run: make train")
    losses = record["losses"]
    if not isinstance(losses, dict) or not {"first", "last", "validation"} <= losses.keys():
        raise ModelCardError(f"{path}: losses is {losses!r}, not {{first, last, validation}}; run: make train")
    return record


def base_model(model: Path) -> str | None:
    """The pretrained model that the run started from, an id or a folder; None where it started from scratch, or no
    run is recorded."""
    if not (model / "run.json").is_file():
        return None
    name = read_json(model / "run.json", "run: make train").get("base_model")
    return None if name is None else str(name)


def public_name(location: str) -> str:
    """A Hub id as it is, a folder without where it lies: what is published tells nothing about a disk."""
    return Path(location).resolve().name if Path(location).is_dir() or Path(location).is_absolute() else location


def read_json(path: Path, fix: str) -> dict[str, Any]:
    """The object in `path`; `fix` ends the message where it cannot be read."""
    if not path.is_file():
        raise ModelCardError(f"{path} is missing; {fix}")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelCardError(f"{path} is not JSON ({error}); {fix}") from None
    if not isinstance(record, dict):
        raise ModelCardError(f"{path} holds a {type(record).__name__}, not an object; {fix}")
    return record


def _hash_files(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
