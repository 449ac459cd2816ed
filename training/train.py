"""Corpus to checkpoint: sets a run up under Accelerate and DeepSpeed, trains it, saves it."""

import dataclasses
import fcntl
import hashlib
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

import deepspeed
import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs

from training.config import ConfigError, Recipe
from training.data import PackedRows, fingerprint, formatted, load_corpus, pack_split
from training.finish import is_finished, save_model
from training.loop import Loop
from training.model import build_model
from training.tokenizer import train_tokenizer

RECORDED = ("torch", "transformers", "accelerate", "deepspeed", "datasets", "tokenizers")


def train(recipe: Recipe, *, name: str, corpus: str, out: Path) -> None:
    """Train `recipe` on `corpus` into the model folder `out`; what a killed run did is not done again.

    Every process of a distributed run calls this. A finished run of the same recipe, corpus and processes is left as
    it is; another one's model is replaced only once the new one is whole.

    Raises:
        ConfigError: where there is no such corpus, or it is too small for the recipe.
    """
    accelerator = _accelerator()
    lock = _locked(out) if accelerator.is_main_process else None
    splits = load_corpus(corpus)
    identity = {
        "recipe": name,
        "settings": dataclasses.asdict(recipe),
        "corpus_fingerprint": fingerprint(splits),
        "world_size": accelerator.num_processes,
        "deepspeed": _zero_stage(accelerator),
    }
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    if is_finished(out, key):
        if accelerator.is_main_process:
            print(f"{out} already holds run {key}, nothing to train", file=sys.stderr)
        return
    work = out / "checkpoints" / key
    with accelerator.main_process_first():
        tokenizer = _tokenizer(recipe, splits, work / "tokenizer")
        rows = {s: pack_split(splits[s], tokenizer, recipe.window) for s in ("train", "validation") if s in splits}
    loop = Loop(accelerator, recipe, build_model(recipe, tokenizer), rows, work)
    loop.run()
    weights = accelerator.get_state_dict(loop.engine)
    if accelerator.is_main_process:
        record = {"key": key, **identity, **_summary(loop, rows, corpus, identity["corpus_fingerprint"])}
        save_model(out, accelerator.unwrap_model(loop.engine).model, weights, tokenizer, loop.log, record)
        print(f"trained {loop.steps} steps in {loop.seconds:.0f} s -> {out}", file=sys.stderr)
    accelerator.wait_for_everyone()
    if lock:
        lock.close()
    accelerator.end_training()  # tears the process group down; torch warns otherwise


def _locked(out: Path) -> IO[str]:
    """Hold `out` until the file is closed or the process dies: the workers of a killed launcher may outlive it."""
    out.mkdir(parents=True, exist_ok=True)
    file = (out / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ConfigError(f"another run is training into {out}; wait for it, or end its processes") from None
    return file


def _accelerator() -> Accelerator:
    """Accelerate over gloo on a CPU, over its own choice on GPUs.

    Without the handler accelerate 1.15 sets up no process group on a CPU under DeepSpeed: each process believes to be
    the only one, and all train on the same rows. With `cpu=True` it drops DeepSpeed instead.
    """
    deepspeed.utils.logger.setLevel("ERROR")  # it warns of the schedule's first step, which is as intended
    on_cpu = not torch.cuda.is_available()
    if on_cpu:
        # Compiling DeepSpeed's shared-memory collectives costs half a minute and needs a compiler; gloo's serve.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    accelerator = Accelerator(kwargs_handlers=[InitProcessGroupKwargs(backend="gloo")] if on_cpu else [])
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    if accelerator.num_processes != launched:
        raise RuntimeError(f"{launched} processes were launched, accelerate sees {accelerator.num_processes}")
    return accelerator


def _zero_stage(accelerator: Accelerator) -> str | None:
    plugin = accelerator.state.deepspeed_plugin
    return f"ZeRO-{plugin.zero_stage}" if plugin else None


def _tokenizer(recipe: Recipe, splits: Any, folder: Path) -> Any:
    """The run's tokenizer: trained by the first process to come here, loaded by all, so that all have the same."""
    from transformers import AutoTokenizer

    if not folder.is_dir():
        trained = train_tokenizer(formatted(splits["train"]), vocab_size=recipe.vocab_size, window=recipe.window)
        partial = folder.with_suffix(".partial")
        trained.save_pretrained(partial)
        partial.rename(folder)
    return AutoTokenizer.from_pretrained(folder)


def _summary(loop: Loop, rows: dict[str, PackedRows], corpus: str, corpus_fingerprint: str) -> dict[str, Any]:
    """What `run.json` says of a run beyond its settings: enough to reproduce it, and for the card."""
    tokens = sum(entry["tokens"] for entry in loop.log)
    measured = [entry["validation"] for entry in loop.log if "validation" in entry]
    return {
        "base_model": None,
        "parameters": loop.parameters,
        "steps": loop.steps,
        "tokens": tokens,
        "supervised_tokens": sum(entry["supervised_tokens"] for entry in loop.log),
        "seconds": round(loop.seconds, 1),
        "tokens_per_second": round(tokens / loop.seconds, 1),
        "losses": {
            "first": loop.log[0]["loss"],
            "last": loop.log[-1]["loss"],
            "validation": measured[-1] if measured else None,
        },
        "seed": loop.recipe.seed,
        "corpus": {
            "name": corpus,
            "fingerprint": corpus_fingerprint,
            "conversations": {split: len(packed.encoded) for split, packed in rows.items()},
            "dropped_newest_round_too_long": {split: packed.dropped for split, packed in rows.items()},
            "tokens": {split: packed.tokens for split, packed in rows.items()},
        },
        "versions": {package: importlib.metadata.version(package) for package in RECORDED},
    }
