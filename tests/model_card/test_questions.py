from collections import Counter

import pytest

from model_card.errors import ModelCardError
from model_card.evaluate import batches
from model_card.nearest import Nearest, sample_turns
from model_card.questions import Question, choose, load_corpus, questions
from training.generate import Sampling


def row(identifier: str, *contents: str) -> dict:
    roles = ("user", "assistant")
    return {"id": identifier, "messages": [{"role": roles[i % 2], "content": c} for i, c in enumerate(contents)]}


def test_every_counsellor_turn_is_asked_for_from_the_gold_history():
    asked = list(questions([row("a", "我难过", "发生什么了？", "分手了", "一定很疼。", "嗯")]))
    assert [(q.id, q.conversation, q.reference) for q in asked] == [
        ("a#1", "a", "发生什么了？"),
        ("a#3", "a", "一定很疼。"),
    ]
    assert [turn["content"] for turn in asked[1].history] == ["我难过", "发生什么了？", "分手了"]


def test_a_conversation_that_does_not_alternate_is_named():
    broken = {"id": "x9", "messages": [{"role": "assistant", "content": "你好"}]}
    with pytest.raises(ModelCardError, match=r"conversation 'x9': .*make data"):
        list(questions([broken]))


def many(conversations: int, turns: int) -> list[Question]:
    return list(questions(row(f"c{n}", *(f"第{i}句" for i in range(2 * turns))) for n in range(conversations)))


def test_a_choice_spreads_over_conversations_and_is_the_same_for_the_same_seed():
    every = many(conversations=10, turns=5)
    chosen = choose(every, 12, seed=3)
    assert len(chosen) == 12
    assert set(Counter(q.conversation for q in chosen).values()) == {1, 2}
    assert choose(list(reversed(every)), 12, seed=3) == chosen
    assert choose(every, 12, seed=4) != chosen
    assert len(choose(every, 0, seed=3)) == len(choose(every, 99, seed=3)) == 50


def test_batches_hold_every_question_once_the_longest_first():
    every = many(conversations=4, turns=4)
    made = batches(every, 3)
    assert sorted(q.id for batch in made for q in batch) == sorted(q.id for q in every)
    lengths = [len(q.history) for batch in made for q in batch]
    assert lengths == sorted(lengths, reverse=True)
    assert [len(batch) for batch in made] == [3, 3, 3, 3, 3, 1]


def test_nearest_replies_with_the_reply_to_the_most_similar_message():
    nearest = Nearest([("我和室友吵架了", "吵架之后你们说过话吗？"), ("最近总是失眠", "睡不着的时候会想些什么？")])
    asked = [[{"role": "user", "content": text}] for text in ("这几天一直失眠", "又和 室友 吵了", "xyz")]
    assert nearest.replies(asked, Sampling()) == [
        "睡不着的时候会想些什么？",
        "吵架之后你们说过话吗？",
        "吵架之后你们说过话吗？",  # nothing in common with either: the first
    ]


def test_turns_to_choose_from_are_a_fair_sample_in_bounded_memory():
    rows = [row(str(n), f"问{n}", f"答{n}", "还有吗") for n in range(300)]
    assert sample_turns(rows, 300, 0) == [(f"问{n}", f"答{n}") for n in range(300)]
    kept = sample_turns(rows, 30, 0)
    assert len(set(kept)) == 30
    assert kept == sample_turns(rows, 30, 0)
    places = [int(question[1:]) for question, _ in kept]
    assert min(places) < 100 < 200 < max(places)


def test_a_corpus_says_its_name_its_sizes_and_its_content(corpus):
    loaded = load_corpus(str(corpus))
    assert (loaded.name, loaded.description) == ("soulchat", "corpus of the tests")
    assert (len(loaded.train), len(loaded.test)) == (80, 12)
    assert loaded.hash == load_corpus(str(corpus)).hash


def test_a_missing_corpus_a_missing_split_and_a_missing_column_are_one_line(tmp_path, monkeypatch, corpus):
    from datasets import Dataset

    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelCardError, match="no corpus folder 'soulchat' here; run: make data"):
        load_corpus("soulchat")
    with pytest.raises(ModelCardError, match="no corpus folder"):
        load_corpus("./build/soulchat")
    (tmp_path / "only").mkdir()
    Dataset.from_list([{"text": "好"}]).to_parquet(tmp_path / "only" / "train.parquet")
    with pytest.raises(ModelCardError, match=r"'\./only' does not load .*run: make data"):
        load_corpus("./only")
    Dataset.from_list([{"text": "好"}]).to_parquet(tmp_path / "only" / "test.parquet")
    with pytest.raises(ModelCardError, match=r"train split of '\./only' lacks id, messages"):
        load_corpus("./only")
