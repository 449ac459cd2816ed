"""The word cloud: which words count, in bounded memory, and the same picture for the same counts."""

import random
from collections import Counter

import pytest
from PIL import Image

from dataset_builder import word_cloud
from dataset_builder.word_cloud import count_words, draw_word_cloud, stop_words


def test_only_chinese_words_that_say_something_are_counted():
    words = count_words(["你的压力很大，但是压力会过去。", "OK，我们可以说说压力，<PHONE> 12356"])
    assert words["压力"] == 3
    assert all(len(word) > 1 for word in words)
    assert not set(words) & (stop_words() | {"OK", "PHONE", "12356"})


def test_stop_words_are_words_of_several_characters_once_each():
    text = word_cloud._STOP_WORDS.read_text(encoding="utf-8")
    listed = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
    assert len(listed) == len(set(listed)) == len(stop_words())
    assert all(len(word) > 1 for word in listed), "single characters are left out by rule"


def test_the_rare_half_is_forgotten_where_words_are_too_many(monkeypatch):
    monkeypatch.setattr(word_cloud, "DISTINCT", 10)
    monkeypatch.setattr("rjieba.cut", str.split)
    made = [chr(0x4E00 + i) + chr(0x5E00 + i) for i in range(200)]
    words = count_words(["压力 压力 情绪", *made, "压力"])
    assert words["压力"] == 3 and len(words) <= 11


def test_equal_counts_give_equal_bytes_in_any_order(tmp_path):
    items = [("压力", 30), ("情绪", 20), ("家庭", 20), ("睡眠", 5)]
    first = draw_word_cloud(tmp_path / "one", Counter(dict(items)))
    random.Random(1).shuffle(items)
    second = draw_word_cloud(tmp_path / "two", Counter(dict(items)))
    assert first.read_bytes() == second.read_bytes()
    with Image.open(first) as picture:
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert picture.size == (1400, 720) and len(colours) > 4


def test_no_words_are_an_error_that_says_so(tmp_path):
    with pytest.raises(ValueError, match="no words to draw"):
        draw_word_cloud(tmp_path, Counter())
    assert not list(tmp_path.iterdir())
