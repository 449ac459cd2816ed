"""MinHash signatures: what they estimate, and what they do not hang on."""

import io
import random
import statistics
import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder import minhash
from dataset_builder.grams import SIZE, grams, jaccard
from dataset_builder.minhash import CELLS, agreement, signatures, stored

LETTERS = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 3000))
TEXTS = st.lists(st.text("山水石 \n\U0001f600\ud800", max_size=30), max_size=12)


def written(rng, length):
    return "".join(rng.choices(LETTERS, k=length))


def changed(text, count, rng):
    letters = list(text)
    for place in rng.sample(range(len(letters)), count):
        letters[place] = rng.choice(LETTERS)
    return "".join(letters)


def errors(rng, length, changes, pairs, **options):
    """Of so many pairs, the estimate less the true index, in standard errors of an ideal MinHash."""
    texts = [written(rng, length) for _ in range(pairs)]
    others = [changed(text, changes, rng) for text in texts]
    estimates = agreement(signatures(texts, **options), signatures(others, **options))
    true = [jaccard(a, b) for a, b in zip(texts, others, strict=True)]
    return [(e - j) / (j * (1 - j) / CELLS) ** 0.5 for e, j in zip(estimates, true, strict=True)]


@given(st.text("山水石 \n\U0001f600", max_size=20), st.text("山水石 \n\U0001f600", max_size=20))
def test_the_index_of_two_texts_is_that_of_their_sets_of_five_characters(one, other):
    a, b = ("".join(text.split()) for text in (one, other))
    mine, theirs = ({text[i : i + SIZE] for i in range(len(text) - SIZE + 1)} for text in (a, b))
    assert len(grams(one)) == len(mine)
    expected = 1.0 if a == b else len(mine & theirs) / max(len(mine | theirs), 1)
    assert jaccard(one, other) == expected


@pytest.mark.parametrize(("length", "changes"), [(2000, 40), (900, 18), (900, 60)])
def test_agreement_estimates_the_jaccard_index_without_bias(length, changes):
    off = errors(random.Random(1), length, changes, 300)
    assert abs(statistics.mean(off)) < 0.2
    assert statistics.pstdev(off) < 1.15


@pytest.mark.parametrize("length", [6, 12, 40, 150])
def test_so_it_does_for_texts_with_fewer_grams_than_cells(length):
    rng = random.Random(2)
    texts = [written(rng, length) for _ in range(2000)]
    others = [text + rng.choice(LETTERS) for text in texts]
    estimates = agreement(signatures(texts), signatures(others))
    true = statistics.mean(jaccard(a, b) for a, b in zip(texts, others, strict=True))
    assert statistics.mean(estimates) == pytest.approx(true, abs=0.01)


def test_two_seeds_err_independently():
    first = errors(random.Random(3), 900, 18, 300, seed=1)
    second = errors(random.Random(3), 900, 18, 300, seed=2)
    assert abs(statistics.correlation(first, second)) < 0.2


def test_long_texts_without_a_common_gram_do_not_agree():
    rng = random.Random(4)
    # 2,300 hashes in a cell: the lowest are all but zero, so their high bits would agree by chance.
    assert agreement(signatures([written(rng, 300_000)]), signatures([written(rng, 300_000)]))[0] < 0.02


@given(TEXTS, st.data())
def test_a_signature_is_the_same_in_any_company(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    whole = signatures(texts)
    assert np.array_equal(whole, np.concatenate((signatures(texts[:cut]), signatures(texts[cut:]))))
    for text, row in zip(texts, whole, strict=True):
        assert np.array_equal(signatures([text])[0], row)


def test_nor_does_it_hang_on_how_many_are_hashed_at_once(monkeypatch):
    rng = random.Random(5)
    texts = [written(rng, rng.randint(0, 200)) for _ in range(200)]
    whole = signatures(texts)
    monkeypatch.setattr(minhash, "_BATCH", 64)
    assert np.array_equal(signatures(texts), whole)


@given(st.text("山水石", max_size=12), st.text("山水石", max_size=12))
def test_texts_of_fewer_than_five_characters_agree_only_where_they_are_equal(one, other):
    rows = signatures([one, other])
    if min(len(one), len(other)) < SIZE and one != other:
        assert (rows[0] == rows[1]).sum() < 8
    if one == other:
        assert np.array_equal(rows[0], rows[1])


def test_white_space_does_not_count():
    assert np.array_equal(signatures(["我们 再\n说\u3000一 遍"]), signatures(["我们再说一遍"]))


def test_signatures_stay_what_they_are():
    # Stored signatures of an earlier version must remain comparable, on any machine.
    rows = signatures(["今天心情不太好，想找人说说话。", "嗯"])
    assert rows[:, :4].tolist() == [[52943, 12801, 30172, 12801], [16233, 20756, 61101, 53738]]


def test_a_stream_is_stored_and_mapped():
    texts = [f"第{number}句话，说的是同一件事" for number in range(600)]
    with tempfile.TemporaryFile() as file:
        assert np.array_equal(stored(iter(texts), file), signatures(texts))
        assert file.seek(0, io.SEEK_END) == 600 * CELLS * 2
    with tempfile.TemporaryFile() as file:
        assert stored([], file).shape == (0, CELLS)
