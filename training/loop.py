"""The optimizer loop: a step over all processes, a checkpoint every so often, a line of progress."""

import sys
import time
from pathlib import Path
from typing import Any

import torch

from training import checkpoint
from training.config import ConfigError, Recipe
from training.data import PackedRows
from training.model import SupervisedLoss, supervised_tokens
from training.plan import step_rows, total_steps

PROGRESS_EVERY = 10.0  # seconds between two lines of progress


class Loop:
    """One run's live state: engine, optimizer, schedule, and the log of every step so far.

    `log` has an entry a step: step (from 1), loss (nats per supervised token), learning_rate, tokens and supervised
    tokens of the step, and `validation` where it was measured.
    """

    def __init__(self, accelerator: Any, recipe: Recipe, model: Any, rows: dict[str, PackedRows], folder: Path):
        self.accelerator, self.recipe, self.folder = accelerator, recipe, folder
        self.train, self.held_out = rows["train"], rows.get("validation")
        self.rows_per_step = _rows_per_step(recipe, len(self.train), accelerator.num_processes)
        self.steps = total_steps(len(self.train), self.rows_per_step, recipe.max_steps, recipe.max_epochs)
        self.parameters = sum(parameter.numel() for parameter in model.parameters())  # before ZeRO shards them
        self.engine, self.optimizer, self.schedule = self._prepare(SupervisedLoss(model))
        state = checkpoint.resume(accelerator, folder) or {}
        self.log: list[dict[str, Any]] = state.get("log", [])
        self.seconds: float = state.get("seconds", 0.0)

    def run(self) -> None:
        """Train the steps that are left."""
        if self.log:
            self._say(f"resuming after step {len(self.log)} of {self.steps}")
        begun, spoken, first, before = time.monotonic(), 0.0, len(self.log), self.seconds
        while len(self.log) < self.steps:
            entry = self._step(len(self.log))
            self.log.append(entry)
            done, now = len(self.log), time.monotonic()
            at_checkpoint = done == self.steps or done % self.recipe.checkpoint_every == 0
            if at_checkpoint:
                entry |= self._validate()
            self.seconds = before + time.monotonic() - begun
            if at_checkpoint:
                state = {"log": self.log, "seconds": self.seconds}
                checkpoint.save(self.accelerator, self.folder, done, state)
            if at_checkpoint or now - spoken >= PROGRESS_EVERY:
                spoken = now
                rate = sum(step["tokens"] for step in self.log[first:]) / (now - begun)
                left = (now - begun) / (done - first) * (self.steps - done)
                self._say(_progress(entry, self.steps, rate, left))

    def _prepare(self, loss: SupervisedLoss) -> tuple[Any, Any, Any]:
        """Engine, optimizer and schedule; under plain Accelerate the schedule is stepped as it is."""
        from deepspeed.runtime.lr_schedules import WarmupDecayLR

        recipe = self.recipe
        matrices = [parameter for parameter in loss.parameters() if parameter.ndim >= 2]
        vectors = [parameter for parameter in loss.parameters() if parameter.ndim < 2]
        optimizer = torch.optim.AdamW(  # torch's own: DeepSpeed's CPU Adam would have to be compiled
            [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
            lr=recipe.learning_rate,
            betas=(0.9, 0.95),
        )
        schedule = WarmupDecayLR(
            optimizer,
            total_num_steps=self.steps,
            warmup_max_lr=recipe.learning_rate,
            warmup_num_steps=max(2, min(recipe.warmup_steps, self.steps // 10)),
            warmup_type="linear",  # DeepSpeed's default is logarithmic; the paper does not say which it used
        )
        plugin = self.accelerator.state.deepspeed_plugin
        if plugin is None:
            return *self.accelerator.prepare(loss, optimizer), schedule
        rows = self.rows_per_step // self.accelerator.num_processes
        plugin.deepspeed_config |= {"train_micro_batch_size_per_gpu": rows, "gradient_clipping": recipe.clip_norm}
        engine, prepared, stepped = self.accelerator.prepare(loss, optimizer, schedule)
        return engine, prepared, stepped

    def _step(self, step: int) -> dict[str, Any]:
        """One optimizer step; the loss is the mean over all supervised tokens of all processes."""
        accelerator, world = self.accelerator, self.accelerator.num_processes
        chosen = step_rows(len(self.train), self.rows_per_step, step, self.recipe.seed)
        share = len(chosen) // world
        mine = chosen[accelerator.process_index * share :][:share]
        if step == 0:
            self._check_shares(mine, chosen)
        batch = self._on_device(self.train.batch(mine))
        counted = torch.tensor([supervised_tokens(batch["labels"]), sum(map(self.train.row_tokens, mine))])
        supervised, tokens = accelerator.reduce(counted.to(accelerator.device), "sum").tolist()
        rate = self.optimizer.param_groups[0]["lr"]  # a resumed schedule forgets its own last rate
        total = self.engine(**batch)
        # Gradients are averaged over processes, so each one's sum is scaled to its share of the common mean.
        accelerator.backward(total * world / max(1, supervised))
        if accelerator.state.deepspeed_plugin is None:
            accelerator.clip_grad_norm_(self.engine.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        loss = accelerator.reduce(total.detach(), "sum").item() / max(1, supervised)
        return {
            "step": step + 1,
            "loss": loss,
            "learning_rate": rate,
            "tokens": tokens,
            "supervised_tokens": supervised,
        }

    @torch.no_grad()  # type: ignore[untyped-decorator]  # torch is not followed
    def _validate(self) -> dict[str, float]:
        """Mean loss over the first rows of the validation split; all processes take as many batches, for ZeRO-3."""
        if not self.held_out:
            return {}
        world, index = self.accelerator.num_processes, self.accelerator.process_index
        sums = torch.zeros(2, dtype=torch.float64, device=self.accelerator.device)
        self.engine.eval()
        rows = min(len(self.held_out), self.recipe.validation_rows)
        for start in range(0, rows, world):
            row = start + index
            batch = self._on_device(self.held_out.batch([row % rows]))
            loss = self.engine(**batch)
            if row < rows:
                sums += torch.tensor([float(loss), supervised_tokens(batch["labels"])], device=sums.device)
        self.engine.train()
        loss, tokens = self.accelerator.reduce(sums, "sum").tolist()
        return {"validation": loss / tokens} if tokens else {}

    def _check_shares(self, mine: list[int], chosen: list[int]) -> None:
        """Gather what every process is about to train on: accelerate can believe in one process without a word."""
        gathered = self.accelerator.gather(torch.tensor(mine, device=self.accelerator.device)).tolist()
        if gathered != chosen:
            raise RuntimeError(f"the processes would train on rows {gathered}, not on their shares of {chosen}")

    def _on_device(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {name: tensor.to(self.accelerator.device) for name, tensor in batch.items()}

    def _say(self, line: str) -> None:
        if self.accelerator.is_main_process:
            print(line, file=sys.stderr, flush=True)


def _rows_per_step(recipe: Recipe, rows: int, world: int) -> int:
    """The recipe's rows a step, or fewer where the corpus has fewer: a multiple of the processes."""
    fitting = min(recipe.rows_per_step, rows) // world * world
    if not fitting:
        raise ConfigError(
            f"the corpus packs into {rows} rows of {recipe.window} tokens and rows_per_step={recipe.rows_per_step}, "
            f"less than the {world} processes; run fewer processes, or lower window"
        )
    return fitting


def _progress(entry: dict[str, Any], steps: int, rate: float, left: float) -> str:
    validation = f"  validation {entry['validation']:.3f}" if "validation" in entry else ""
    return (
        f"step {entry['step']}/{steps}  loss {entry['loss']:.3f}{validation}  lr {entry['learning_rate']:.2e}  "
        f"{rate:,.0f} tokens/s  {int(left // 60)}:{int(left % 60):02d} left"
    )
