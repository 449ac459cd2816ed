"""Checkpoints that a killed run starts again from: whole or absent, by rename."""

import json
import shutil
from pathlib import Path
from typing import Any

KEPT = 2
"""Checkpoints on disk; the newest is enough, the one before it is there should a disk fill up."""


def save(accelerator: Any, folder: Path, step: int, state: dict[str, Any]) -> None:
    """Write model, optimizer, schedule and random states of all processes, and `state`, as `folder/step-NNNNNN`."""
    final = folder / f"step-{step:06d}"
    partial = final.with_suffix(".partial")
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(final, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        (partial / "state.json").write_text(json.dumps(state), encoding="utf-8")
        partial.rename(final)
        for old in checkpoints(folder)[:-KEPT]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()


def checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.suffix != ".partial")


def resume(accelerator: Any, folder: Path) -> dict[str, Any] | None:
    """Load the newest checkpoint and return its state; None where there is none."""
    found = checkpoints(folder)
    if not found:
        return None
    accelerator.load_state(str(found[-1]))
    state: dict[str, Any] = json.loads((found[-1] / "state.json").read_text(encoding="utf-8"))
    return state
