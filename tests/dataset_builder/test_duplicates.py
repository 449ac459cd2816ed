"""Near-duplicates: what is found, what is not, and at what cost."""

import json
import math
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder import banding, duplicates
from dataset_builder.banding import BANDS, MARGIN, PATIENCE, REACH, ROWS, DuplicatesError
from dataset_builder.duplicates import clusters, cross_pairs, near_pairs
from dataset_builder.grams import jaccard
from dataset_builder.minhash import CELLS, signatures

LETTERS = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 3000))


def written(rng, length):
    return "".join(rng.choices(LETTERS, k=length))


def changed(text, share, rng):
    letters = list(text)
    for place in rng.sample(range(len(letters)), max(1, round(share * len(letters)))):
        letters[place] = rng.choice(LETTERS)
    return "".join(letters)


def families(rng, count, length=(20, 300)):
    """Texts, each with up to three copies of itself or of a copy, with 0 to 3 % changed; shuffled."""
    texts = []
    for _ in range(count):
        family = [written(rng, rng.randint(*length))]
        for _ in range(rng.randint(0, 3)):
            family.append(changed(rng.choice(family), rng.choice([0.01, 0.02, 0.03]), rng))
        texts += family
    rng.shuffle(texts)
    return texts


def clustered(texts, **options):
    pairs = near_pairs(signatures(texts), text_of=texts.__getitem__, **options)
    return clusters(len(texts), pairs)


def groups(texts, labels):
    """The clusters as sets of texts, whatever the rows were."""
    found = {}
    for text, label in zip(texts, labels.tolist(), strict=True):
        found.setdefault(label, []).append(text)
    return sorted(sorted(group) for group in found.values())


def components(count, pairs):
    labels = list(range(count))
    for a, b in pairs:
        labels = [min(labels[a], labels[b]) if label in (labels[a], labels[b]) else label for label in labels]
    return labels


def test_the_clusters_are_those_of_all_pairs_compared_one_by_one():
    texts = families(random.Random(1), 60)
    near = [(a, b) for b in range(len(texts)) for a in range(b) if jaccard(texts[a], texts[b]) >= 0.7]
    assert len(near) > 50
    assert clustered(texts).tolist() == components(len(texts), near)


def test_without_texts_the_signatures_decide():
    texts = families(random.Random(2), 300, (400, 900))
    labels = clusters(len(texts), near_pairs(signatures(texts), threshold=0.6))
    assert labels.tolist() == clustered(texts, threshold=0.6).tolist()


@given(st.lists(st.text("山水石 ", max_size=7), min_size=1, max_size=12), st.permutations(range(12)))
def test_equal_texts_are_of_one_cluster_and_unlike_texts_of_two_however_short(texts, order):
    texts = [texts[place] for place in order if place < len(texts)]
    labels = clustered(texts)
    for a, one in enumerate(texts):
        for b, other in enumerate(texts):
            if "".join(one.split()) == "".join(other.split()):
                assert labels[a] == labels[b]
            elif min(len("".join(one.split())), len("".join(other.split()))) < 5:
                assert labels[a] != labels[b]


@pytest.mark.parametrize("given_texts", [True, False])
def test_the_order_of_the_rows_changes_no_cluster(given_texts):
    rng = random.Random(3)
    texts = [*families(rng, 200), *template(rng, 300)]

    def found(texts):
        pairs = near_pairs(signatures(texts), text_of=texts.__getitem__ if given_texts else None)
        return groups(texts, clusters(len(texts), pairs))

    first = found(texts)
    for _ in range(3):
        rng.shuffle(texts)
        assert found(texts) == first


def template(rng, count):
    """Texts of which about 6 in 10 characters are the same: an index of 0.4 or so, far too many to compare each."""
    frame = written(rng, 300)
    return [frame[:150] + written(rng, 200) + frame[150:] for _ in range(count)]


def test_a_template_in_every_row_neither_joins_them_nor_hides_the_duplicates_among_them(monkeypatch):
    rng = random.Random(4)
    texts = template(rng, 3000)
    copies = [changed(text, 0.01, rng) for text in texts[:200]]
    rows, compared = signatures(texts + copies), []
    count = banding.agreement
    monkeypatch.setattr(banding, "agreement", lambda a, b: compared.append(len(a)) or count(a, b))
    labels = clusters(len(rows), near_pairs(rows, text_of=(texts + copies).__getitem__))
    assert labels[:3000].tolist() == list(range(3000))
    assert labels[3000:].tolist() == list(range(200))
    assert sum(compared) <= len(rows) * REACH * BANDS  # all pairs would be seven times that, in each band


def test_ten_thousand_equal_rows_are_joined_by_as_many_comparisons():
    read = []
    rows = signatures(["同一段话，说了一遍又一遍。"] * 10_000)
    pairs = near_pairs(rows, text_of=lambda place: read.append(place) or "同一段话，说了一遍又一遍。")
    assert not clusters(10_000, pairs).any()
    assert len(pairs) == 9_999
    assert len(read) == 2 * 9_999


def test_a_pair_that_was_refused_is_not_read_again():
    rng = random.Random(5)
    frame = written(rng, 800)
    texts = [frame + written(rng, 180) for _ in range(2)]  # about 0.69
    read = []
    assert 0.6 < jaccard(*texts) < 0.7
    assert not len(near_pairs(signatures(texts), text_of=lambda place: read.append(place) or texts[place]))
    assert sorted(read) == [0, 1]


def test_where_all_rows_are_nearly_near_the_texts_are_not_read_without_end():
    rng, read = random.Random(10), []
    frame = written(rng, 400)
    texts = [frame + written(rng, 125) for _ in range(500)]  # 0.61, each with all
    texts.append(changed(texts[0], 0.01, rng))
    pairs = near_pairs(signatures(texts), text_of=lambda place: read.append(place) or texts[place])
    assert pairs.tolist() == [[0, 500]]
    assert len(read) < 2 * len(texts) * PATIENCE  # it would be twice that


@pytest.mark.parametrize("threshold", [0.49, 1.01, float("nan")])
def test_a_threshold_that_the_bands_do_not_serve_is_refused(threshold):
    with pytest.raises(DuplicatesError, match=r"from 0\.5 to 1"):
        near_pairs(signatures(["一"]), threshold=threshold)


def test_the_table_of_the_module_is_true():
    def passing(jaccard, bar):
        enough = range(math.ceil(bar * CELLS - 1e-9), CELLS + 1)
        return sum(math.comb(CELLS, k) * jaccard**k * (1 - jaccard) ** (CELLS - k) for k in enough)

    for index in (0.6, 0.7, 0.8, 0.9):
        meets = 1 - (1 - index**ROWS) ** BANDS
        row = [meets, meets * passing(index, 0.7 - MARGIN), meets * passing(index, 0.7)]
        assert f"| {index} | " + " | ".join(f"{value:.4f}" for value in row) + " |" in banding.__doc__


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_clusters_are_the_connected_components_named_by_their_smallest_row(graph):
    count, pairs = graph
    assert clusters(count, np.array(pairs, dtype=np.int64).reshape(-1, 2)).tolist() == components(count, pairs)


def test_a_long_chain_is_one_cluster():
    order = np.random.default_rng(6).permutation(200_000)
    assert not clusters(200_000, np.column_stack((order[1:], order[:-1]))).any()


@pytest.mark.parametrize("seed", [1, 2])
def test_across_two_sets_every_row_on_the_right_that_has_a_near_duplicate_is_found(seed):
    rng = random.Random(7)
    left = [*families(rng, 60), *["完全一样的一段话在训练集里出现了很多次"] * 30, *template(rng, 60)]
    right = [changed(text, 0.02, rng) for text in left[::5]] + template(rng, 20) + [written(rng, 200), "嗯", ""]
    pairs = cross_pairs(
        signatures(left, seed=seed),
        signatures(right, seed=seed),
        left_text=left.__getitem__,
        right_text=right.__getitem__,
    )
    near = [b for b, other in enumerate(right) if any(jaccard(text, other) >= 0.7 for text in left)]
    assert pairs[:, 1].tolist() == near
    assert all(jaccard(left[a], right[b]) >= 0.7 for a, b in pairs.tolist())


def test_a_template_in_every_row_hides_no_copy_of_one_set_in_another():
    rng = random.Random(11)
    left = template(rng, 2000)
    right = [changed(text, 0.01, rng) for text in left[:200]] + template(rng, 100)
    pairs = cross_pairs(signatures(left), signatures(right), left_text=left.__getitem__, right_text=right.__getitem__)
    assert pairs.tolist() == [[place, place] for place in range(200)]


def test_two_sets_without_a_common_text_or_without_any_have_no_pair():
    rng = random.Random(8)
    rows = signatures([written(rng, 100) for _ in range(3)])
    assert cross_pairs(rows[:1], rows[1:]).shape == (0, 2)
    assert cross_pairs(rows[:0], rows).shape == cross_pairs(rows, rows[:0]).shape == near_pairs(rows[:0]).shape


def file_of(path, *rows):
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


SAID = "最近总是睡不好，躺下以后脑子里全是白天没做完的事，越想越清醒，天亮才眯一会儿。"


def test_a_file_gives_each_row_the_first_of_its_cluster_in_order(tmp_path):
    path = file_of(
        tmp_path / "rows.jsonl",
        {"id": "a", "text": SAID},
        {"id": 0, "text": "另外一件完全不同的事情"},
        "",
        {"messages": [{"role": "user", "content": SAID[:20]}, {"role": "assistant", "content": SAID[20:]}]},
        {"id": "d", "text": SAID[:-1] + "！"},
    )
    assert list(duplicates.find(path)) == [("a", "a"), ("0", "0"), ("line:4", "a"), ("d", "a")]


def test_an_empty_file_has_no_rows(tmp_path):
    assert list(duplicates.find(file_of(tmp_path / "rows.jsonl"))) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('["a"]', "holds a JSON list"),
        ('{"id": 1}', "has neither a text nor messages"),
        ('{"text": 5}', "has neither a text nor messages"),
        ('{"messages": [{"role": "user"}]}', "has neither a text nor messages"),
        ('{"messages": ["早"]}', "has neither a text nor messages"),
        ('{"messages": [{"content": null}]}', "has neither a text nor messages"),
        ('{"messages": null}', "has neither a text nor messages"),
    ],
)
def test_a_line_that_is_no_row_is_named(tmp_path, line, message):
    path = file_of(tmp_path / "rows.jsonl", {"text": SAID}, line)
    with pytest.raises(DuplicatesError, match=rf"rows\.jsonl:2 {message}"):
        list(duplicates.find(path))


def test_a_file_of_another_encoding_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json.dumps({"text": SAID}, ensure_ascii=False).encode("gb18030"))
    with pytest.raises(DuplicatesError, match=r"rows\.jsonl:1 is not JSON"):
        list(duplicates.find(path))


@pytest.mark.parametrize("name", ["missing.jsonl", "rows.jsonl.gz"])
def test_a_file_that_cannot_be_read_at_any_place_is_refused(tmp_path, name):
    (tmp_path / "rows.jsonl.gz").write_bytes(b"")
    with pytest.raises(DuplicatesError, match=name):
        list(duplicates.find(tmp_path / name))


def test_texts_are_not_held_in_memory(tmp_path):
    rng = random.Random(9)
    path = file_of(tmp_path / "rows.jsonl", *({"text": written(rng, 4000)} for _ in range(1500)))
    tracemalloc.start()
    assert len(list(duplicates.find(path))) == 1500
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 18e6
    assert peak < 9e6
