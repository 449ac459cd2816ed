"""The pictures of a corpus, for its card: topics, rounds, turn lengths and the counsellor's habits."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataset_builder.figures import BIN, LONGEST, Figures
from dataset_builder.topics import TOPICS

COLOURS = ("#1f5fa8", "#c2571a", "#8a8a8a", "#4b8b3b")
OTHERS = {"unlabelled": "无主题  unlabelled", "single-turn": "单轮问答  single-turn"}
"""Partitions that are no topic, and what a picture calls them."""
HABITS = {
    "top_opener": "open with the same\n4 characters",
    "list_words": "use list words",
    "advice": "advise",
    "dependency": "promise or bind",
    "questions": "ask something",
}


def draw(folder: Path, corpora: Sequence[tuple[str, Figures]]) -> list[Path]:
    """Draw `rounds.png`, `turn_lengths.png`, `speakers.png` and `habits.png` of the `corpora`, the first one in front.

    `speakers.png`, the lengths of both speakers' turns, is of the first one alone.
    """
    pictures = {"rounds": _rounds, "turn_lengths": _turn_lengths, "speakers": _speakers, "habits": _habits}
    for name, paint in pictures.items():
        with _picture(folder / f"{name}.png", height=3.6) as axes:
            paint(axes, corpora)
            axes.legend(frameon=False)
    return [folder / f"{name}.png" for name in pictures]


def draw_topics(folder: Path, rows: Mapping[str, int]) -> Path:
    """Draw `topics.png`, the distribution of figure 3 of the paper: `rows` by partition, largest topic first.

    Rows without a topic are a bar of their own below the topics; single turns, where there are any, below that.
    """
    topics = sorted((topic for topic in TOPICS if topic in rows), key=lambda topic: -rows[topic])
    names = [*topics, *(other for other in OTHERS if other in rows)]
    labels = [f"{TOPICS[name]}  {name}" if name in TOPICS else OTHERS[name] for name in names]
    total = sum(rows[name] for name in names)
    with _picture(folder / "topics.png", height=0.9 + 0.29 * len(names)) as axes:
        colours = [COLOURS[0] if name in TOPICS else COLOURS[2] for name in names]
        bars = axes.barh(labels, [rows[name] for name in names], color=colours)
        texts = [f"{rows[name]:,}  ({100 * rows[name] / total:.1f} %)" for name in names]
        axes.bar_label(bars, texts, padding=3, fontsize=8)
        axes.invert_yaxis()
        axes.margins(x=0.36)  # the longest bar's numbers need the room
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("rows")
    return folder / "topics.png"


@contextmanager
def _picture(path: Path, *, height: float) -> Iterator[Any]:
    """Axes in a font that has Chinese, saved to `path` at the end; 7 inches wide."""
    import matplotlib

    matplotlib.use("Agg")
    import pylopdf_fonts_zh_cn
    from matplotlib import font_manager, pyplot, rc_context

    chinese = pylopdf_fonts_zh_cn.sans_path()  # a corpus may be called 对话
    font_manager.fontManager.addfont(chinese)
    families = ["DejaVu Sans", font_manager.FontProperties(fname=chinese).get_name()]
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"font.family": families}):
        figure, axes = pyplot.subplots(figsize=(7, height), dpi=150)
        yield axes
        axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(path)
        pyplot.close(figure)


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


def _speakers(axes: Any, corpora: Sequence[tuple[str, Figures]]) -> None:
    name, figures = corpora[0]
    for speaker, counts, colour in (
        ("user", figures.user_lengths, COLOURS[1]),
        ("counsellor", figures.counsellor_lengths, COLOURS[0]),
    ):
        shares = [100 * count / sum(counts) for count in counts]
        edges = [BIN * index for index in range(len(counts) + 1)]
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35)
        axes.stairs(shares, edges, color=colour, label=f"{speaker}, {sum(counts):,} turns of {name}")
    axes.set(
        xlabel=f"characters of a turn (the last bin holds all from {LONGEST} on)",
        ylabel="% of the speaker's turns",
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
