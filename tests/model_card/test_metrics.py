import random
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_card.errors import ModelCardError
from model_card.metrics import METRICS, PROFILES, Pair, describe, profile_named, score, words
from model_card.overlap import longest_common_subsequence

PAPER, STANDARD = PROFILES["paper"], PROFILES["standard"]
BLEU, ROUGE = METRICS[:4], METRICS[4:]

REPLIES = [
    "听起来你最近承受了很大的压力，睡眠也受到了影响。你愿意多说说这些天发生了什么吗？",
    "我能感受到你的委屈。被最亲近的人误解，确实会让人很难过。",
    "嗯",
    "好的。",
    "谢谢你愿意告诉我这些，这需要很大的勇气。",
    "不用客气，有什么想说的随时都可以来找我。",
    "你做过 SCL-90 量表吗？得分是 160 还是 200？",
    "你觉得自己不够好，是从什么时候开始的呢？是不是有人这样说过你，你才这样觉得的呢？",
    "很多很多很多人都有过这样的时候，你不是一个人。",
    "先深呼吸三次，慢慢地，再慢慢地。",
    "那真是不容易！",
    "如果可以的话，试着给自己一点时间，好吗",
]
REFERENCES = [
    "听上去你最近压力很大，连睡眠都受影响了。能和我说说最近发生了什么吗？",
    "被亲近的人误解，一定很委屈，也很难过吧。",
    "嗯",
    "好的，我们下次再聊。",
    "天气真好。",
    "不客气，随时欢迎你来找我聊。",
    "您最近做过 SCL-90 或者 PHQ-9 吗？分数大概是多少？",
    "这种觉得自己不够好的想法，是什么时候开始有的？",
    "你不是一个人，很多人都有过这样的时候，很多。",
    "我们先一起做三次深呼吸，慢慢来。",
    "嗯嗯",
    "试着给自己一些时间，可以吗？",
]
PAIRS = [Pair(reply, (reference,)) for reply, reference in zip(REPLIES, REFERENCES, strict=True)]
TWO_REFERENCES = [
    Pair(reply, (reference, REFERENCES[-index - 1]))
    for index, (reply, reference) in enumerate(zip(REPLIES, REFERENCES, strict=True))
]
TEXT = st.text(alphabet="我你很难过吗，。？ a1", max_size=12)


def nltk_bleu(pairs: list[Pair]) -> list[float]:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    weights = [(1.0,), (1 / 2,) * 2, (1 / 3,) * 3, (1 / 4,) * 4]
    scores = [
        sentence_bleu([list(r) for r in p.references], list(p.reply), weights, SmoothingFunction().method3)
        for p in pairs
    ]
    return [100 * sum(per_order) / len(pairs) for per_order in zip(*scores, strict=True)]


def sacrebleu_char(pairs: list[Pair], order: int) -> float:
    from sacrebleu.metrics import BLEU as Sacrebleu

    references = [list(stream) for stream in zip(*(pair.references for pair in pairs), strict=True)]
    metric = Sacrebleu(tokenize="char", max_ngram_order=order)
    return float(metric.corpus_score([pair.reply for pair in pairs], references).score)


@pytest.mark.parametrize("pairs", [PAIRS, TWO_REFERENCES], ids=["one reference", "two references"])
def test_paper_bleu_is_nltks_sentence_bleu_over_characters_with_method3(pairs):
    ours = score(pairs, PAPER).values
    assert [ours[name] for name in BLEU] == pytest.approx(nltk_bleu(pairs), abs=1e-9)


@pytest.mark.parametrize("pairs", [PAIRS, TWO_REFERENCES], ids=["one reference", "two references"])
def test_standard_bleu_is_sacrebleus_over_characters(pairs):
    ours = score(pairs, STANDARD).values
    assert [ours[name] for name in BLEU] == pytest.approx([sacrebleu_char(pairs, n) for n in (1, 2, 3, 4)], abs=1e-9)


@pytest.mark.parametrize("reply", ["嗯", "好的", "完全没有一样的"])
def test_standard_bleu_is_sacrebleus_for_texts_too_short_for_an_order(reply):
    pairs = [Pair(reply, ("嗯，好的",))]
    ours = score(pairs, STANDARD).values
    assert [ours[name] for name in BLEU] == pytest.approx([sacrebleu_char(pairs, n) for n in (1, 2, 3, 4)], abs=1e-9)


def test_paper_rouge_is_rouge_chineses_defaults_over_jiebas_words():
    import rjieba

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its regular expressions are written with invalid escapes
        from rouge_chinese import Rouge

    theirs = Rouge().get_scores(
        [" ".join(rjieba.cut(text)) for text in REPLIES], [" ".join(rjieba.cut(text)) for text in REFERENCES], avg=True
    )
    ours = score(PAIRS, PAPER).values
    assert [ours[name] for name in ROUGE] == pytest.approx([100 * theirs[name]["f"] for name in ROUGE], abs=1e-5)


@pytest.mark.parametrize("pairs", [PAIRS, TWO_REFERENCES], ids=["one reference", "two references"])
def test_standard_rouge_is_rouge_scores_over_jiebas_words(pairs):
    from rouge_score.rouge_scorer import RougeScorer

    class Words:
        def tokenize(self, text: str) -> list[str]:
            return words(text)

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=Words())
    theirs = [scorer.score_multi(pair.references, pair.reply) for pair in pairs]
    ours = score(pairs, STANDARD).values
    for name, key in zip(ROUGE, ("rouge1", "rouge2", "rougeL"), strict=True):
        assert ours[name] == pytest.approx(100 * sum(s[key].fmeasure for s in theirs) / len(pairs), abs=1e-9)


def test_words_are_jiebas():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba

    jieba.setLogLevel(60)
    for text in REPLIES[:6]:
        assert words(text) == jieba.lcut(text)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_identical_replies_score_100(profile):
    assert score([Pair(text, (text,)) for text in REFERENCES[:2]], profile).values == pytest.approx(
        dict.fromkeys(METRICS, 100.0)
    )


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("pair", [Pair("", ("好",)), Pair("好", ("",)), Pair(" \n", ("　",)), Pair("", ("", ""))])
def test_an_empty_reply_or_reference_scores_0_and_is_counted(profile, pair):
    result = score([pair], profile)
    assert (result.n, result.empty) == (1, 1)
    assert set(result.values.values()) == {0.0}


def test_an_empty_reply_lowers_the_mean_it_is_not_dropped():
    whole = score(PAIRS[:2], PAPER).values
    with_empty = score([*PAIRS[:2], Pair("", ("好",)), Pair("", ("好",))], PAPER).values
    assert with_empty == pytest.approx({name: value / 2 for name, value in whole.items()})


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=6))
def test_scores_are_between_0_and_100_and_do_not_depend_on_order(profile, texts):
    pairs = [Pair(reply, tuple(references), str(len(reply) % 3)) for reply, references in texts]
    result = score(pairs, profile)
    assert all(0 <= value <= 100 + 1e-9 for value in result.values.values())
    shuffled = random.Random(len(pairs)).sample(pairs, len(pairs))
    assert score(shuffled, profile).values == result.values
    assert score(shuffled, profile).as_json() == result.as_json()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_an_interval_holds_its_score_and_is_the_same_every_time(profile):
    result = score(PAIRS, profile)
    for name in METRICS:
        low, high = result.interval[name]
        assert low < result.values[name] < high
    assert score(PAIRS, profile) == result


def test_turns_of_one_conversation_are_resampled_together():
    alone = score(PAIRS * 8, PAPER).interval["rouge-l"]
    together = score([Pair(p.reply, p.references, str(i % len(PAIRS))) for i, p in enumerate(PAIRS * 8)], PAPER)
    low, high = together.interval["rouge-l"]
    assert high - low > 2 * (alone[1] - alone[0])  # 8 copies in one cluster: no more information than one
    assert (low, high) == pytest.approx(score(PAIRS, PAPER).interval["rouge-l"])


def test_one_conversation_has_no_interval():
    result = score([Pair(p.reply, p.references, "same") for p in PAIRS], PAPER)
    assert set(result.interval.values()) == {None}


def test_every_score_carries_its_definition():
    from importlib.metadata import version

    seg = f"seg:rjieba{version('rjieba')}"
    assert score(PAIRS, PAPER).signature == (
        f"tok:char|bleu:cum|agg:sent|smooth:m3|rouge:jieba-set|{seg}|n:12|v:0.1.0"
    )
    assert score(PAIRS, STANDARD).signature == (
        f"tok:char|bleu:cum|agg:corpus|smooth:exp|rouge:jieba-multiset|{seg}|n:12|v:0.1.0"
    )


def test_half_a_surrogate_pair_is_scored_not_raised():
    assert score([Pair("难过\ud83d", ("难过",))], PAPER).values["rouge-1"] > 0


def test_unknown_profile_and_no_pairs_are_user_errors():
    with pytest.raises(ModelCardError, match=r"'paperr' is unknown; use one of: paper, standard"):
        profile_named("paperr")
    with pytest.raises(ModelCardError, match="no reply to score"):
        score([], PAPER)


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_longest_common_subsequence_is_that_of_the_table(a, b):
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    assert longest_common_subsequence(a, b) == table[-1][-1]


def test_replies_are_described_without_references():
    assert describe(["你好吗？", "你好吗？"]) == {"distinct-2": 50.0, "mean_length": 4.0, "question_rate": 100.0}
    assert describe(["嗯", ""]) == {"distinct-2": 0.0, "mean_length": 0.5, "question_rate": 0.0}
