"""Command line of training; `accelerate launch` starts it once per process."""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    recipe: Annotated[str, typer.Option(help="a name in training/recipes, or the path of a .yaml file")] = "nano",
    corpus: Annotated[str, typer.Option(help="a built corpus: a folder or a Hub repo")] = "soulchat",
    out: Annotated[Path, typer.Option(help="the model folder; a killed run resumes from its checkpoints/")] = Path(
        "build/model"
    ),
    override: Annotated[list[str], typer.Option("--set", help="a recipe field, as key=value; may be repeated")] = [],  # noqa: B006
    check: Annotated[bool, typer.Option("--check", help="only say whether recipe and corpus can be used")] = False,
) -> None:
    """Train a recipe on a corpus: Accelerate and DeepSpeed, packed conversations, loss on every counsellor turn.

    \b
    Examples:
      accelerate launch --config_file training/accelerate/cpu-zero2.yaml -m training --recipe nano --corpus soulchat
      accelerate launch --config_file training/accelerate/gpu-zero3.yaml -m training --set max_steps=100 --out /tmp/try
    """
    _quiet()
    from training.config import load_recipe

    try:
        settings = load_recipe(recipe, override)
        if check:
            from training.data import load_corpus

            load_corpus(corpus)
            return
        from training.train import train

        train(settings, name=Path(recipe).stem, corpus=corpus, out=out)
    except (ValueError, OSError) as error:
        if os.environ.get("RANK", "0") == "0":
            print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def _quiet() -> None:
    """Leave stderr to the progress: libraries log below a warning only where the user asked for it."""
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\.distributed")
    if os.environ.get("RANK", "0") != "0":
        from datasets import disable_progress_bars

        disable_progress_bars()


if __name__ == "__main__":
    app()
