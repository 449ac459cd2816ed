"""Kappa against worked examples, its bounds and its interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.review.agreement import agreement, cohen, fleiss, percent
from dataset_builder.review.store import Choice, Decision


def two(both: int, first: int, second: int, neither: int) -> list[dict[str, bool]]:
    return (
        [{"a": True, "b": True}] * both
        + [{"a": True, "b": False}] * first
        + [{"a": False, "b": True}] * second
        + [{"a": False, "b": False}] * neither
    )


def test_cohens_kappa_of_a_textbook_table() -> None:
    # 20 both yes, 5 and 10 apart, 15 both no: 0.7 observed, 0.5 by chance.
    assert cohen(two(20, 5, 10, 15)) == pytest.approx(0.4)
    assert percent(two(20, 5, 10, 15)) == pytest.approx(0.7)


def test_fleiss_kappa_of_a_worked_table() -> None:
    votes = [{str(n): n < kept for n in range(3)} for kept in (3, 2, 0, 1)]
    # Pairs agree in 1, 1/3, 1, 1/3 of the items: 2/3; half of all votes keep: chance 1/2.
    assert fleiss(votes) == pytest.approx(1 / 3)


def test_without_variance_there_is_no_kappa() -> None:
    assert cohen(two(9, 0, 0, 0)) is None and fleiss(two(9, 0, 0, 0)) is None
    assert cohen([]) is None and fleiss([]) is None and percent([]) is None


@given(st.tuples(*[st.integers(0, 20)] * 4).filter(lambda t: sum(t) > 0))
def test_kappa_is_one_for_the_same_and_never_more(table: tuple[int, int, int, int]) -> None:
    votes = two(*table)
    for kappa in (cohen(votes), fleiss(votes)):
        assert kappa is None or -1 - 1e-9 <= kappa <= 1 + 1e-9
        if kappa is not None and table[1] == table[2] == 0:
            assert kappa == pytest.approx(1)


def decided(**choices: Choice) -> list[Decision]:
    return [Decision("c", name, choice) for name, choice in choices.items()]


def test_an_edit_agrees_with_an_acceptance_and_items_of_one_reviewer_do_not_count() -> None:
    decisions = {
        "c-1": decided(ann="edit", bo="accept"),
        "c-2": decided(ann="reject", bo="reject"),
        "c-3": decided(ann="reject"),
    }
    found = agreement(decisions)
    assert (found.items, found.reviewers, found.kind) == (2, 2, "cohen")
    assert found.percent == 1 and found.kappa == pytest.approx(1)


def test_the_interval_holds_the_kappa_and_narrows_with_items() -> None:
    kinds = [decided(ann="accept", bo="accept")] * 4 + [decided(ann="reject", bo="reject")] * 3
    kinds += [decided(ann="accept", bo="reject")] * 2
    few = agreement({str(n): each for n, each in enumerate(kinds)})
    many = agreement({str(n): each for n, each in enumerate(kinds * 20)})
    assert few.kappa_interval and many.kappa_interval and few.kappa and many.kappa
    assert few.kappa == pytest.approx(many.kappa)
    for each in (few, many):
        assert each.kappa_interval and each.kappa_interval[0] <= (each.kappa or 0) <= each.kappa_interval[1]
    assert many.kappa_interval[1] - many.kappa_interval[0] < few.kappa_interval[1] - few.kappa_interval[0]
    assert few == agreement({str(n): each for n, each in enumerate(kinds)})


def test_three_reviewers_are_measured_with_fleiss() -> None:
    found = agreement({"c-1": decided(a="accept", b="accept", c="reject"), "c-2": decided(a="reject", b="reject")})
    assert (found.kind, found.reviewers) == ("fleiss", 3)


def test_no_overlap_gives_no_figures() -> None:
    found = agreement({"c-1": decided(a="accept")})
    assert (found.items, found.percent, found.kappa, found.kappa_interval) == (0, None, None, None)
