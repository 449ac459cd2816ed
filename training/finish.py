"""Puts a trained model in its folder: data first, `run.json` last, so that a folder with it is whole."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.curve import draw_curve

RECORD = "run.json"


def is_finished(out: Path, key: str) -> bool:
    """Whether `out` holds the whole model of the run `key`."""
    record = out / RECORD
    return record.is_file() and json.loads(record.read_text(encoding="utf-8")).get("key") == key


def save_model(
    out: Path,
    model: Any,
    weights: dict[str, Any],
    tokenizer: Any,
    log: Sequence[dict[str, Any]],
    record: dict[str, Any],
) -> None:
    """Write weights, tokenizer, curve and `record` as a folder that `from_pretrained` loads.

    `weights` are those of `training.model.SupervisedLoss`, whose one child the model is.
    """
    staging = out / "checkpoints" / "model.partial"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    own = {name.removeprefix("model."): tensor for name, tensor in weights.items()}
    if model.config.tie_word_embeddings:  # ZeRO-2 hands the tied weight out twice
        own = {name: tensor for name, tensor in own.items() if name not in model._tied_weights_keys}
    model.save_pretrained(staging, state_dict=own)
    tokenizer.save_pretrained(staging)
    draw_curve(staging / "training_curve.png", log, f"{record['recipe']} on {Path(record['corpus']['name']).name}")
    (staging / RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / RECORD).unlink(missing_ok=True)
    for path in sorted(staging.iterdir(), key=lambda path: path.name == RECORD):
        os.replace(path, out / path.name)
    staging.rmdir()
