"""The training curve: loss and learning rate over tokens, as a PNG for the model card."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def draw_curve(path: Path, log: Sequence[dict[str, Any]], title: str) -> None:
    """Draw `log` (entries with step, loss, learning_rate; some with validation) to `path`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, losses = pyplot.subplots(figsize=(7, 4), dpi=150)
    losses.plot(*_series(log, "loss"), color="#1f5fa8", linewidth=1.2, label="training loss (supervised tokens)")
    losses.plot(*_series(log, "validation"), "o-", color="#c2571a", markersize=4, label="validation loss")
    losses.set(xlabel="optimizer step", ylabel="cross entropy, nats per token", title=title)
    losses.grid(alpha=0.25)
    rates = losses.twinx()
    rates.plot(*_series(log, "learning_rate"), color="#999999", linewidth=0.8, linestyle="--")
    rates.set_ylabel("learning rate (dashed)", color="#777777")
    rates.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    losses.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def _series(log: Sequence[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    points = [(entry["step"], entry[name]) for entry in log if name in entry]
    return [step for step, _ in points], [value for _, value in points]
