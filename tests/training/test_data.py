"""The corpus as packed rows."""

import pytest
from datasets import Dataset

from training.config import ConfigError
from training.data import fingerprint, load_corpus, pack_split


def test_a_missing_corpus_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match="no corpus at"):
        load_corpus(str(tmp_path / "absent"))


def test_a_folder_that_is_no_corpus_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match="no built corpus"):
        load_corpus(str(tmp_path))


def test_every_conversation_of_a_split_is_in_one_row(corpus, tokenizer):
    packed = pack_split(load_corpus(str(corpus))["train"], tokenizer, 128)
    assert packed.dropped == 0
    assert sum(packed.row_tokens(row) for row in range(len(packed))) == packed.tokens
    assert packed.batch([0, 1])["input_ids"].shape == (2, max(packed.row_tokens(0), packed.row_tokens(1)))


def test_a_conversation_longer_than_the_window_keeps_its_newest_rounds(corpus, tokenizer):
    split = load_corpus(str(corpus))["train"]
    whole = pack_split(split, tokenizer, 512)
    longest = max(whole.lengths)
    cut = pack_split(split, tokenizer, longest - 1)
    assert cut.dropped == 0
    assert cut.tokens < whole.tokens
    index = whole.lengths.index(longest)
    assert whole.encoded[index]["ids"][-cut.lengths[index] :] == cut.encoded[index]["ids"]


def test_a_round_longer_than_the_window_is_dropped_and_counted(corpus, tokenizer):
    split = load_corpus(str(corpus))["train"]
    newest = [{"messages": row["messages"][-2:]} for row in split]
    longest = max(pack_split(Dataset.from_list(newest).add_column("id", split["id"]), tokenizer, 128).lengths)
    packed = pack_split(split, tokenizer, longest - 1)
    assert 0 < packed.dropped < len(split)
    assert packed.dropped + len(packed.encoded) == len(split)
    assert pack_split(split, tokenizer, 3).dropped == len(split)


def test_the_fingerprint_follows_the_rows(corpus):
    splits = load_corpus(str(corpus))
    before = fingerprint(splits)
    assert fingerprint(load_corpus(str(corpus))) == before
    splits["train"] = splits["train"].select(range(5))
    assert fingerprint(splits) != before
