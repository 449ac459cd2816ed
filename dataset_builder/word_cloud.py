"""What the counsellor's turns are about, as a word cloud: figure 4 of the paper."""

import heapq
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from dataset_builder.plots import COLOURS

DISTINCT = 200_000
"""Words that are counted at once; beyond that the rarer half is forgotten, so memory is bounded."""
SHOWN = 150
SEED = 2023
_STOP_WORDS = Path(__file__).with_name("stop_words.txt")
# A single character is mostly grammar; Latin letters are mostly placeholders of personal data.
_WORD = re.compile(r"[\u4e00-\u9fff]{2,}")


def count_words(turns: Iterable[str]) -> Counter[str]:
    """How often `turns` use each Chinese word of two characters or more that is no stop word.

    With more than `DISTINCT` different words, the count of a rare one is a lower bound.
    """
    import rjieba

    counts: Counter[str] = Counter()
    ignored = stop_words()
    for turn in turns:
        counts.update(word for word in rjieba.cut(turn) if word not in ignored and _WORD.fullmatch(word))
        if len(counts) > DISTINCT:
            counts = Counter(dict(_most_frequent(counts, DISTINCT // 2)))
    return counts


def draw_word_cloud(folder: Path, words: Counter[str]) -> Path:
    """Draw `word_cloud.png`: the most frequent of `words`, as large as they are frequent; equal counts, equal bytes.

    Raises:
        ValueError: where there is no word.
    """
    import pylopdf_fonts_zh_cn
    from wordcloud import WordCloud

    shown = dict(_most_frequent(words, SHOWN))
    if not shown:
        raise ValueError("no words to draw: the counsellor's turns hold stop words only, or there are none")
    cloud = WordCloud(
        font_path=str(pylopdf_fonts_zh_cn.sans_path()),
        width=1400,
        height=720,
        margin=6,
        background_color="white",
        prefer_horizontal=1.0,  # a Chinese word on its side is hard to read
        max_words=SHOWN,
        min_font_size=14,
        max_font_size=170,
        relative_scaling=0.6,
        color_func=_colour(list(shown)),
        random_state=SEED,
    ).generate_from_frequencies(shown)
    folder.mkdir(parents=True, exist_ok=True)
    cloud.to_file(str(folder / "word_cloud.png"))
    return folder / "word_cloud.png"


@cache
def stop_words() -> frozenset[str]:
    """The words of `stop_words.txt`."""
    lines = _STOP_WORDS.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _most_frequent(words: Counter[str], many: int) -> list[tuple[str, int]]:
    """Ties in the order of the words themselves, not in that in which they were met."""
    return heapq.nsmallest(many, words.items(), key=lambda item: (-item[1], item[0]))


def _colour(ranked: list[str]) -> Any:
    """The house colours in turn, by rank."""
    place = {word: index for index, word in enumerate(ranked)}
    return lambda word, **_: COLOURS[place[word] % len(COLOURS)]
