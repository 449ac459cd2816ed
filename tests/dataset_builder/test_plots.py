"""The pictures of the card: there, of their size, and the same for the same numbers."""

import pytest
from PIL import Image

from dataset_builder.figures import measure
from dataset_builder.plots import COLOURS, draw, draw_topics
from dataset_builder.records import Record


def figures(rounds):
    messages = [
        {"role": "user", "content": "我最近总是睡不好。"},
        {"role": "assistant", "content": "睡不好有多久了？那时发生了什么？"},
    ]
    return measure(
        Record(f"c-{n}", None, messages * n, f"q-{n}", "made", "cc-by-4.0", "human") for n in range(2, 2 + rounds)
    )


def colours(path):
    with Image.open(path) as picture:
        return picture.size, {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}


def rgb(colour):
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def test_four_pictures_are_drawn_in_the_house_colours(tmp_path):
    drawn = draw(tmp_path, [("对话", figures(3)), ("peer", figures(5))])
    assert [path.name for path in drawn] == ["rounds.png", "turn_lengths.png", "speakers.png", "habits.png"]
    for path in drawn:
        size, found = colours(path)
        assert size == (1050, 540)
        assert rgb(COLOURS[0]) in found and rgb(COLOURS[1]) in found


def test_topics_and_rows_without_one_are_bars(tmp_path):
    size, found = colours(draw_topics(tmp_path, {"family": 30, "sex": 2, "unlabelled": 8}))
    assert size[0] == 1050 and {rgb(COLOURS[0]), rgb(COLOURS[2])} <= found


@pytest.mark.parametrize("rows", [{"unlabelled": 4}, {"single-turn": 4}, {"family": 1}])
def test_a_corpus_of_one_partition_has_its_picture(tmp_path, rows):
    assert draw_topics(tmp_path, rows).stat().st_size > 5_000


def test_equal_numbers_give_equal_pictures(tmp_path):
    rows = {"family": 30, "emotion": 50, "unlabelled": 8}
    first, second = (draw_topics(tmp_path / name, rows).read_bytes() for name in ("one", "two"))
    assert first == second
