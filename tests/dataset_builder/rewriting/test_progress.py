"""The line for a person, the report's distributions, and a state that a later run begins from."""

import json
import random
import statistics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataset_builder.rewriting.answers import Spent
from dataset_builder.rewriting.cost import Price
from dataset_builder.rewriting.distribution import Distribution, Recent
from dataset_builder.rewriting.progress import Progress, dollars, duration, short

TALK = [{"role": role, "content": "我最近总是睡不好"} for _ in range(9) for role in ("user", "assistant")]
PRICES = {"tiny": Price(1, 2)}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def at_work(clock: Clock, rows: int, *, a_second: int = 8, total: int = 10_000) -> Progress:
    progress = Progress(total, prices=PRICES, clock=clock)
    for number in range(rows):
        progress.answered(1_000, 500, 2.0)
        progress.ready()
        progress.finished("too_few_rounds" if number % 10 == 0 else None, TALK)
        clock.now += 1 / a_second
    return progress


def test_line_says_rows_reasons_speed_cost_and_time_left(clock):
    progress = at_work(clock, 1_000)
    line = progress.line({"tiny": Spent(1_000, 1_000_000, 500_000)})
    assert line == (
        "1,000 of 10,000 rows (10.0 %), 900 accepted, 100 rejected (too_few_rounds 100), 480 requests/min, "
        "720k tokens/min, $2.00 of about $20.00, 19 min left"
    )
    assert "\n" not in line


def test_speed_is_of_the_last_minute_only(clock):
    progress = at_work(clock, 480)
    clock.now += 30
    assert "240 requests/min" in progress.line()
    clock.now += 32
    assert ", 0 requests/min" in progress.line()


def test_time_left_looks_back_on_five_minutes_so_that_a_burst_does_not_fool_it(clock):
    progress = at_work(clock, 2_400)
    clock.now += 60
    assert "20 min left" in progress.line()
    clock.now += 600
    assert "time left unknown" in progress.line()


def test_rows_of_an_earlier_run_do_not_make_this_one_seem_fast(clock):
    earlier = at_work(clock, 5_000)
    progress = Progress(10_000, json.loads(json.dumps(earlier.state())), prices=PRICES, clock=clock)
    assert progress.done == 5_000
    assert "time left unknown" in progress.line()
    for _ in range(10):
        clock.now += 1
        progress.ready()
        progress.finished(None, TALK)
    assert "1 h 23 min left" in progress.line()


def test_cost_and_time_of_all_are_told_from_what_is_known_and_not_from_what_was_written(clock):
    progress = Progress(1_000, prices=PRICES, clock=clock)
    for _ in range(200):  # the first row is slow: all others wait behind it
        progress.answered(1_000, 500, 2.0)
        progress.ready()
        clock.now += 0.1
    line = progress.line({"tiny": Spent(200, 200_000, 100_000)})
    assert line.startswith("0 of 1,000 rows") and line.endswith("$0.4000 of about $2.00, 1 min left")


def test_cost_of_all_is_not_told_from_a_few_rows(clock):
    assert "of about" not in at_work(clock, 20).line({"tiny": Spent(40, 40_000, 20_000)})


def test_what_was_lost_is_counted_over_restarts(clock):
    first = Progress(10, clock=clock)
    first.lost(0.5)
    second = Progress(10, json.loads(json.dumps(first.state())), clock=clock)
    second.lost(0.25)
    assert second.report()["lost"] == {"requests": 2, "cost_at_most": 0.75}


def test_line_before_anything_happened_divides_by_nothing(clock):
    assert "0 of 0 rows (none to do)" in Progress(0, clock=clock).line()
    assert "0 of 5 rows (0.0 %), 0 accepted, 0 rejected, 0 requests/min" in Progress(5, clock=clock).line({})


def test_finished_run_has_no_time_left(clock):
    progress = at_work(clock, 10, total=10)
    assert "left" not in progress.line()


def test_unknown_price_is_unknown_and_not_free(clock):
    assert "cost unknown" in at_work(clock, 10).line({"nobody's": Spent(1, 10, 10)})


def test_line_names_the_worst_reasons_and_counts_the_others(clock):
    progress = Progress(100, clock=clock)
    for reason, count in {"a": 5, "b": 4, "c": 3, "d": 2, "e": 1}.items():
        for _ in range(count):
            progress.finished(reason)
    assert "15 rejected (a 5, b 4, c 3, others 3)" in progress.line()


def test_report_counts_every_row_once_and_describes_each_model(clock):
    progress = at_work(clock, 100)
    progress.retried("429")
    progress.retried("429")
    progress.retried("timeout")
    progress.sent_back("role_leak")
    report = progress.report({"tiny": Spent(100, 100_000, 50_000), "mine": Spent(1, 5, 5)})
    assert report["rows"] == {"total": 10_000, "done": 100, "accepted": 90, "rejected": 10}
    assert report["reasons"] == {"too_few_rounds": 10}
    assert report["retries"] == {"429": 2, "timeout": 1}
    assert list(report["retries"]) == ["429", "timeout"]
    assert report["sent_back"] == {"role_leak": 1}
    assert report["rounds"]["p50"] == report["rounds"]["mean"] == 9
    assert report["user_characters"]["count"] == report["assistant_characters"]["count"] == 90 * 9
    assert report["latency_seconds"]["p99"] == 2.0
    assert report["models"]["tiny"] == {
        "answers": 100,
        "prompt_tokens": 100_000,
        "completion_tokens": 50_000,
        "cost": pytest.approx(0.2),
    }
    assert report["models"]["mine"]["cost"] is None
    assert report["cost"] is None
    assert report["rows_per_second"] == pytest.approx(8)
    json.dumps(report)


def test_two_runs_report_what_one_would_have(clock):
    whole = at_work(clock, 400)
    first = at_work(clock, 150)
    second = Progress(10_000, json.loads(json.dumps(first.state())), prices=PRICES, clock=clock)
    for number in range(150, 400):
        second.answered(1_000, 500, 2.0)
        second.ready()
        second.finished("too_few_rounds" if number % 10 == 0 else None, TALK)
        clock.now += 1 / 8
    unlike = {"seconds", "rows_per_second"}
    one, other = whole.report(), second.report()
    assert {key: one[key] for key in one.keys() - unlike} == {key: other[key] for key in other.keys() - unlike}
    assert other["seconds"] == pytest.approx(50)


@given(
    st.lists(st.floats(0.001, 10_000) | st.integers(1, 30), min_size=1, max_size=200), st.sampled_from([5, 50, 95, 99])
)
@example([0.5, 1], 5)
@example([0.5, 1], 99)
def test_percentile_is_within_a_bin_of_the_true_one(values, share):
    shape = Distribution()
    for value in values:
        shape.add(value)
    true = sorted(values)[max(1, -(-len(values) * share // 100)) - 1]
    assert shape.percentile(share) == pytest.approx(true, rel=0.05)


@given(st.lists(st.integers(0, 20), min_size=1))
def test_small_whole_numbers_are_exact(values):
    shape = Distribution()
    for value in values:
        shape.add(value)
    assert shape.percentile(50) == statistics.median_low(values)
    assert shape.summary()["min"] == min(values) and shape.summary()["max"] == max(values)


@given(st.lists(st.floats(0, 1e6)), st.lists(st.floats(0, 1e6)))
def test_distribution_goes_on_where_it_was_kept(before, after):
    whole, first = Distribution(), Distribution()
    for value in before:
        whole.add(value)
        first.add(value)
    second = Distribution(json.loads(json.dumps(first.state())))
    for value in after:
        whole.add(value)
        second.add(value)
    assert second.summary() == pytest.approx(whole.summary())


def test_memory_does_not_grow_with_what_is_counted(clock):
    shape, recent, rng = Distribution(), Recent(0.0), random.Random(1)
    for number in range(50_000):
        shape.add(rng.lognormvariate(0, 3))
        recent.add(number / 10, 1, 1, 1)
    assert len(shape.state()["bins"]) < 700
    assert len(recent._seconds) <= 301


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3_599, "1 h 0 min"), (5_400, "1 h 30 min"), (200_000, "2 d 7 h")],
)
def test_duration_is_as_a_person_says_it(seconds, said):
    assert duration(seconds) == said


def test_numbers_are_short():
    assert [short(number) for number in (0, 999, 999.6, 1_234, 99_999, 1_234_567)] == [
        "0",
        "999",
        "1.0k",
        "1.2k",
        "100k",
        "1.2M",
    ]
    assert [dollars(cost) for cost in (0, 0.00123, 1.5, 12_345.678)] == ["$0.00", "$0.0012", "$1.50", "$12,345.68"]
