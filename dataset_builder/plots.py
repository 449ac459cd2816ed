"""The pictures of a corpus's figures, for its card: rounds, turn lengths and the counsellor's habits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataset_builder.figures import BIN, LONGEST, Figures

COLOURS = ("#1f5fa8", "#c2571a", "#8a8a8a", "#4b8b3b")
HABITS = {
    "top_opener": "open with the same\n4 characters",
    "list_words": "use list words",
    "advice": "advise",
    "dependency": "promise or bind",
    "questions": "ask something",
}


def draw(folder: Path, corpora: Sequence[tuple[str, Figures]]) -> list[Path]:
    """Draw `rounds.png`, `turn_lengths.png` and `habits.png` of the named `corpora`, the first one in front."""
    import matplotlib

    matplotlib.use("Agg")
    import pylopdf_fonts_zh_cn
    from matplotlib import font_manager, pyplot, rc_context

    chinese = pylopdf_fonts_zh_cn.sans_path()  # a corpus may be called 对话
    font_manager.fontManager.addfont(chinese)
    families = ["DejaVu Sans", font_manager.FontProperties(fname=chinese).get_name()]
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, paint in (("rounds", _rounds), ("turn_lengths", _turn_lengths), ("habits", _habits)):
        with rc_context({"font.family": families}):
            figure, axes = pyplot.subplots(figsize=(7, 3.6), dpi=150)
            paint(axes, corpora)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False)
            figure.tight_layout()
            figure.savefig(folder / f"{name}.png")
            pyplot.close(figure)
        drawn.append(folder / f"{name}.png")
    return drawn


def _rounds(axes: Any, corpora: Sequence[tuple[str, Figures]]) -> None:
    last = max(figures.rounds_max for _, figures in corpora)
    for (name, figures), colour in zip(corpora, COLOURS, strict=False):
        shares = [100 * figures.rounds.get(str(count), 0) / figures.conversations for count in range(last + 2)]
        axes.step(range(last + 2), shares, where="mid", color=colour, label=name)
    axes.set(xlabel="rounds of a conversation", ylabel="% of conversations", xlim=(1, last + 1), ylim=(0, None))


def _turn_lengths(axes: Any, corpora: Sequence[tuple[str, Figures]]) -> None:
    for (name, figures), colour in zip(corpora, COLOURS, strict=False):
        counts = figures.counsellor_lengths
        shares = [100 * count / figures.counsellor_turns for count in counts]
        axes.step(
            [BIN * index + BIN / 2 for index in range(len(counts))], shares, where="mid", color=colour, label=name
        )
    axes.axvspan(20, 90, color=COLOURS[0], alpha=0.06)
    axes.set(
        xlabel=f"characters of a counsellor turn (shaded: 20 to 90; the last bin holds all from {LONGEST} on)",
        ylabel="% of turns",
        xlim=(0, LONGEST + BIN),
        ylim=(0, None),
    )


def _habits(axes: Any, corpora: Sequence[tuple[str, Figures]]) -> None:
    height = 0.8 / len(corpora)
    for index, ((name, figures), colour) in enumerate(zip(corpora, COLOURS, strict=False)):
        shares = [100 * getattr(figures, habit) for habit in HABITS]
        # The first corpus is the uppermost bar of each group.
        places = [group + 0.4 - (index + 0.5) * height for group in range(len(HABITS))]
        bars = axes.barh(places, shares, height=height, color=colour, label=name)
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=7)
    axes.set_yticks(range(len(HABITS)), HABITS.values())
    axes.set_xlabel("% of counsellor turns")
