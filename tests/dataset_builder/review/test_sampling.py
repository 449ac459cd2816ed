"""Which conversations are drawn for reading, and who reads them."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.records import Record
from dataset_builder.review.sampling import NEAR_MISS_ROUNDS, sample, with_sources
from dataset_builder.review.session import ReviewConfig, assign, open_session
from dataset_builder.review.store import ReviewError


def record(number: int, *, topic: str = "family", rounds: int = 10, said: str = "今天有点累") -> Record:
    turn = [{"role": "user", "content": f"{said}{number}"}, {"role": "assistant", "content": f"我在听{number}"}]
    return Record(f"c-{number}", topic, turn * rounds, f"q-{number}", "s", "mit", "m")


def test_every_kind_is_drawn_however_rare_it_is() -> None:
    rows = [record(n) for n in range(500)]
    rows[250] = record(250, said="我不想活了")
    rows[260] = record(260, topic="sex")
    rows[270] = record(270, rounds=NEAR_MISS_ROUNDS)
    drawn = sample(rows, 20, seed=1)
    assert len(drawn) == 20 == len({item.id for item in drawn})
    assert {"c-250", "c-260", "c-270"} <= {item.id for item in drawn}
    by_id = {item.id: item for item in drawn}
    assert by_id["c-250"].tier == "ideation" and by_id["c-270"].flags == ("shortest",)


def test_the_longest_turns_are_drawn_and_say_so() -> None:
    rows = [record(n, said="长" * 900 if n in (7, 300) else "短") for n in range(400)]
    drawn = {item.id: item for item in sample(rows, 20, seed=3)}
    assert all("longest_turn" in drawn[each].flags for each in ("c-7", "c-300"))
    assert Counter(flag for item in drawn.values() for flag in item.flags) == {"longest_turn": 2}


def test_a_stratum_is_drawn_without_bias_to_its_start() -> None:
    drawn = [int(i.id[2:]) for seed in range(30) for i in sample((record(n) for n in range(300)), 10, seed)]
    assert 130 < sum(drawn) / len(drawn) < 170


@given(size=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_sample_depends_on_nothing_but_rows_size_and_seed(size: int, seed: int) -> None:
    rows = [record(n, topic=("family", "sex")[n % 2]) for n in range(30)]
    drawn = sample(rows, size, seed)
    assert drawn == sample(iter(rows), size, seed)
    assert len(drawn) == min(size, 30)


def test_single_turn_rows_are_sources_and_not_read_themselves() -> None:
    single = record(1, rounds=1)
    assert sample([single], 5, 0) == []
    [item] = with_sources(sample([record(2)], 5, 0), {"q-2": ("问", "答")})
    assert (item.question, item.answer) == ("问", "答")


@given(
    ids=st.sets(st.integers(0, 10_000).map(str), max_size=60),
    count=st.integers(1, 5),
    overlap=st.floats(0, 1),
    order=st.randoms(),
)
def test_everything_is_read_and_the_overlap_by_everybody(ids, count, overlap, order) -> None:
    names = [f"r{n}" for n in range(count)]
    listed = sorted(ids)
    work = assign(listed, names, overlap, seed=4)
    readers = Counter(each for mine in work.values() for each in mine)
    assert set(readers) == ids
    assert sum(n == count for n in readers.values()) == (round(overlap * len(ids)) if count > 1 else len(ids))
    assert set(readers.values()) <= {1, count}
    own = [len(mine) for mine in work.values()]
    assert max(own) - min(own) <= 1
    order.shuffle(listed)
    again = assign(listed, names, overlap, seed=4)
    assert {name: set(mine) for name, mine in work.items()} == {name: set(mine) for name, mine in again.items()}


def test_a_review_goes_on_with_its_sample_and_links_although_the_corpus_changed(tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus.jsonl", tmp_path / "review"

    def write(count: int) -> None:
        rows = ({"messages": record(n).messages, "question_id": f"q-{n}"} for n in range(count))
        corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    write(20)
    config = ReviewConfig(f"messages:{corpus}", ("ann", "bo"), size=10)
    before = open_session(config, out)
    write(40)
    after = open_session(config, out)
    assert {t: (d.reviewer, d.items) for t, d in before.items()} == {
        t: (d.reviewer, d.items) for t, d in after.items()
    }
    assert all(len(token) >= 32 for token in after)
    assert (out / "review.json").stat().st_mode & 0o077 == 0
    with pytest.raises(ReviewError, match=r"a review with reviewers ann bo \(now ann cy\); go on"):
        open_session(ReviewConfig(f"messages:{corpus}", ("ann", "cy"), size=10), out)


def test_the_projects_sample_comes_with_question_and_answer(tmp_path: Path) -> None:
    [desk] = open_session(ReviewConfig("sample", ("ann",), size=12), tmp_path).values()
    assert len(desk.items) == 12 and all(item.question and item.answer for item in desk.items)


@pytest.mark.parametrize("names", [(), ("ann", "Ann"), ("../ann",), ("",)])
def test_names_that_cannot_be_files_of_their_own_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ReviewError, match="reviewer"):
        ReviewConfig("sample", names)
