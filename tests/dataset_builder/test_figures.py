"""How a corpus reads, in figures: each counts what it says, in any order, and the committed ones are today's."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder import figures as figures_module
from dataset_builder.comparison import PEERS, misses, peers, table
from dataset_builder.figures import measure, phrases
from dataset_builder.neighbours import nearest_pair
from dataset_builder.read import read
from dataset_builder.readme import write_readme
from dataset_builder.records import Record, record_of

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


def record(*turns):
    roles = ("user", "assistant") * (len(turns) // 2)
    messages = [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=True)]
    return record_of({"id": "x", "messages": messages}, messages, source="test")


def test_each_figure_counts_the_counsellors_turns_that_hold_it():
    figures = measure(
        [
            record("在吗？首先我建议", "在。你说？", "我会一直在13800138000", "首先是累，其次是烦。我会一直在这里。"),
            record(
                "嗯",
                "在。你说，什么都行，我把手里的东西放下听你讲。",
                "哦",
                "也许不妨出去走走，你可以慢一点。",
                "好",
                "好。",
            ),
        ]
    )
    assert figures.conversations == 2 and figures.counsellor_turns == 5
    assert (figures.rounds_min, figures.rounds_median, figures.rounds_max) == (2, 2.5, 3)
    assert (figures.top_opener_text, figures.top_opener) == ("在。你说", 0.4)
    assert (figures.questions, figures.list_words, figures.advice) == (0.2, 0.2, 0.2)
    assert figures.dependency == 0.2
    assert figures.length_20_90 == 0.2
    assert figures.personal_data == 1
    assert figures.distinct_2 is None, "five turns are too few words to say anything"
    assert sum(figures.user_lengths) == sum(figures.counsellor_lengths) == 5


def test_single_turns_are_not_measured():
    assert measure([record("在吗", "在。")]) is None
    assert measure([record("在吗", "在。"), record("在吗", "在。", "累", "嗯。")]).conversations == 1


@pytest.mark.parametrize(
    "text", ["我会一直陪着你", "我随时都在这里", "有我在，别怕", "我保证不会的", "一切都会好起来的", "我替你保密"]
)
def test_promises_and_dependency_are_found(text):
    assert phrases()["dependency"].search(text)


@pytest.mark.parametrize("text", ["她走的时候你一直站着", "哪句不对随时喊停", "这件事我保留意见", "你妈答应你的那次"])
def test_words_about_others_are_no_promise(text):
    assert not phrases()["dependency"].search(text)


def test_distinct_2_is_of_the_same_number_of_words_in_every_corpus(monkeypatch):
    monkeypatch.setattr(figures_module, "DISTINCT_WORDS", 8)
    same = [record("嗯", f"{i}天气不错。", "嗯", "天气不错。") for i in range(10)]
    varied = [record("嗯", f"{word}很重。", "嗯", f"他把{word}放下了。") for word in "山水石木花鸟鱼虫风雨"]
    assert measure(same).distinct_2 < measure(varied).distinct_2 <= 1
    assert measure(same[:1]).distinct_2 is None


def test_of_a_large_corpus_the_same_conversations_are_measured_in_any_order(monkeypatch):
    monkeypatch.setattr(figures_module, "MEASURED", 5)
    records = [record("嗯", f"第{i}句话", "嗯", f"再说一遍第{i}句") for i in range(30)]
    figures = measure(records)
    assert figures.conversations == 5
    assert figures == measure(reversed(records))


def jaccard(a, b):
    a, b = ({"".join(t.split())[i : i + 5] for i in range(len("".join(t.split())) - 4)} for t in (a, b))
    return len(a & b) / len(a | b) if a | b else 0.0


@given(st.lists(st.text("山水 石", max_size=14), min_size=2, max_size=8))
def test_the_nearest_pair_is_that_of_all_pairs_compared_one_by_one(texts):
    near = nearest_pair(texts)
    pairs = [jaccard(a, b) for i, a in enumerate(texts) for b in texts[i + 1 :]]
    assert near.jaccard == pytest.approx(max(pairs))
    assert near.jaccard == pytest.approx(jaccard(texts[near.first], texts[near.second]))
    assert near.first < near.second


def test_one_conversation_has_no_neighbour():
    assert nearest_pair(["只有一段"]) is None
    assert nearest_pair([]) is None


def test_a_corpus_that_misses_a_bar_is_told_which():
    smilechat = next(peer.figures for peer in peers() if peer.name == "SMILECHAT v2")
    found = misses(smilechat)
    assert [line for line in found if line.startswith("advice is 0.3") and line.endswith("must be below 15 %")]
    assert {line.split()[0] for line in found} == {
        "rounds_min",
        "nearest",
        "top_opener",
        "questions",
        "list_words",
        "advice",
        "dependency",
        "length_20_90",
        "distinct_2",
        "personal_data",
    }
    assert [line for line in misses(replace(smilechat, distinct_2=None)) if line.startswith("distinct_2 is None")]


def test_the_table_shows_each_corpus_and_what_must_be():
    shown = table("ours", peers()[0].figures, bars=True).splitlines()
    assert shown[0] == "| figure | ours | SMILECHAT v2 | CPsyCounD | must be |"
    assert len({line.count("|") for line in shown}) == 1


@pytest.mark.skipif(not DATA.exists(), reason="the public corpora are not beside this checkout")
@pytest.mark.parametrize(
    ("file", "path", "reader"),
    [
        pytest.param("smilechat-v2.json", "smilechat-v2/dialogues.jsonl.gz", "messages", marks=pytest.mark.proof),
        ("cpsycound.json", "cpsycoun/CPsyCounD-0-1999.tar.gz", "cpsycound"),
    ],
)
def test_the_public_corpora_still_measure_what_is_committed(file, path, reader, share):
    if share < 1 and file == "smilechat-v2.json":
        pytest.skip("8,000 dialogues are measured for the whole proof only")
    committed = json.loads((PEERS / file).read_text(encoding="utf-8"))
    results = list(read(DATA / path, reader))
    kept = [result for result in results if isinstance(result, Record)]
    assert (len(results), len(kept)) == (committed["read"], committed["kept"])
    assert json.loads(json.dumps(asdict(measure(kept)))) == committed["figures"]


def test_the_readme_shows_the_figures_of_the_sample(tmp_path):
    committed = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(committed, encoding="utf-8")
    write_readme(tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == committed, "run: python -m dataset_builder readme"


def run(*arguments):
    command = [sys.executable, "-m", "dataset_builder", "figures", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_measures_the_sample_and_says_that_nothing_is_missed():
    result = run("sample")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["figures"]["conversations"] == 144


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["messages"], "error: figures messages needs a path"),
        (["messages", "absent.jsonl"], "error: no corpus at 'absent.jsonl'"),
        (["chat", "absent.jsonl"], "error: no reader for the source 'chat'"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, message):
    result = run(*arguments)
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if line.startswith(message)]
    assert "Traceback" not in result.stderr
