"""Packing: every conversation once, rows never too long, and no row's conversations see each other."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.config import load_recipe
from training.encode import IGNORED, encode_rounds
from training.model import SupervisedLoss, build_model, supervised_tokens
from training.packing import collate, pack
from training.plan import step_rows, total_steps

TINY = ["hidden_size=32", "intermediate_size=48", "layers=2", "heads=2", "kv_heads=1", "head_dim=16", "window=128"]


@given(st.lists(st.integers(1, 50), max_size=80))
def test_every_item_is_packed_once_and_no_row_overflows(lengths):
    rows = pack(lengths, 50)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in row) <= 50 for row in rows)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=80))
def test_packing_is_best_fit_no_two_rows_fit_in_one(lengths):
    filled = sorted(sum(lengths[index] for index in row) for row in pack(lengths, 50))
    assert len(filled) < 2 or filled[0] + filled[1] > 50


@pytest.mark.parametrize("length", [0, 51])
def test_an_item_that_fits_no_row_is_refused(length):
    with pytest.raises(ValueError, match=f"length {length}"):
        pack([3, length], 50)


def encoded(tokenizer, dialogues):
    parts = [sum(rounds[1:], start=rounds[0]) for rounds in encode_rounds(tokenizer, dialogues)]
    return [(part.ids, part.labels) for part in parts]


def test_packed_conversations_have_the_loss_that_each_has_alone(tokenizer, dialogues):
    loss = SupervisedLoss(build_model(load_recipe("nano", TINY), tokenizer)).eval()
    rows = encoded(tokenizer, dialogues[:12])
    packed = [[rows[i] for i in row] for row in pack([len(ids) for ids, _ in rows], 128)]
    assert max(map(len, packed)) > 1
    with torch.no_grad():
        together = loss(**collate(packed, tokenizer.pad_token_id))
        alone = sum(loss(**collate([[row]], tokenizer.pad_token_id)) for row in rows)
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-3)


def test_the_loss_is_the_sum_over_supervised_tokens_that_transformers_computes(tokenizer, dialogues):
    model = build_model(load_recipe("nano", TINY), tokenizer).eval()
    batch = collate([[encoded(tokenizer, dialogues[3:4])[0]]], tokenizer.pad_token_id)
    with torch.no_grad():
        ours = SupervisedLoss(model)(**batch)
        theirs = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], labels=batch["labels"]).loss
    torch.testing.assert_close(ours, theirs * supervised_tokens(batch["labels"]), rtol=1e-5, atol=1e-4)


def test_padding_is_never_supervised(tokenizer, dialogues):
    short, long = encoded(tokenizer, dialogues[:2])
    batch = collate([[short], [long, short]], tokenizer.pad_token_id)
    assert batch["input_ids"].shape == (2, len(long[0]) + len(short[0]))
    assert (batch["labels"][batch["input_ids"] == tokenizer.pad_token_id] == IGNORED).all()


@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 99))
def test_an_epoch_takes_every_row_once(rows, rows_per_step, seed):
    taken = [row for step in range(2 * rows) for row in step_rows(rows, rows_per_step, step, seed)]
    for epoch in range(len(taken) // rows):
        assert sorted(taken[epoch * rows : (epoch + 1) * rows]) == list(range(rows))


def test_steps_end_at_the_first_of_both_limits():
    assert total_steps(100, 4, max_steps=1000, max_epochs=2) == 50
    assert total_steps(100, 4, max_steps=10, max_epochs=2) == 10
    assert total_steps(1, 4, max_steps=10, max_epochs=1) == 1
