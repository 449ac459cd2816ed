"""What only the whole corpus can tell, and where what was taken out goes: duplicates, templates, test sets, crises."""

import json
import random
from pathlib import Path

import pytest
from pyarrow import parquet

from dataset_builder.build import NothingKept
from dataset_builder.corpus import refused_sources
from dataset_builder.inputs import inputs
from dataset_builder.records import record_of
from dataset_builder.review.store import Decisions
from tests.dataset_builder.building import build_into, written
from tests.dataset_builder.synthetic import dialogues


def rows_of(folder):
    """Every row of a corpus, with its split."""
    return [
        row | {"split": path.name.split("-")[0]}
        for path in sorted(folder.glob("data/**/*.parquet"))
        for row in parquet.read_table(path).to_pylist()
    ]


def edited(row, share, seed=0):
    """`row` with that share of its characters replaced."""
    draw = random.Random(seed)

    def edit(text):
        return "".join(draw.choice("天地玄黄宇宙洪荒") if draw.random() < share else letter for letter in text)

    messages = [message | {"content": edit(message["content"])} for message in row["messages"]]
    return row | {"id": f"{row['id']}-edited{seed}", "messages": messages}


def rejected(tmp_path):
    lines = (tmp_path / "work" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_same_dialogue_in_two_sources_is_kept_once_and_counted_at_the_second(tmp_path):
    rows = list(dialogues(20))
    report = build_into(tmp_path, rows, [*dialogues(5, seed=1), *rows[:7]])
    first, second = report.sources.values()
    assert (first.kept, second.kept, second.rejected) == (20, 5, {"duplicate": 7})
    assert [each["reason"] for each in rejected(tmp_path)] == ["duplicate"] * 7
    assert {each["id"] for each in rejected(tmp_path)} == {row["id"] for row in rows[:7]}
    assert all(each["messages"] for each in rejected(tmp_path)), "a rejected dialogue can be read"


def test_near_duplicates_are_of_one_group_and_in_one_split(tmp_path):
    rows = list(dialogues(60))
    report = build_into(tmp_path, [*rows, *(edited(row, 0.02, seed) for row in rows[:30] for seed in (1, 2))])
    index = parquet.read_table(tmp_path / "soulchat" / "report" / "rows.parquet").to_pylist()
    assert len(index) == report.kept >= 117
    by_id = {row["source_id"]: row for row in index}
    for row in rows[:30]:
        names = [row["id"], *(f"{row['id']}-edited{seed}" for seed in (1, 2))]
        three = [by_id[name] for name in names if name in by_id]  # a few of these strange mixtures sound like a crisis
        assert len({each["group"] for each in three}) == len({each["split"] for each in three}) == 1
    assert {row["split"] for row in index} == {"train", "validation", "test"}


def test_near_duplicates_can_be_dropped_but_for_the_first(tmp_path):
    rows = list(dialogues(30))
    report = build_into(tmp_path, [*rows, *(edited(row, 0.02) for row in rows)], settings=["duplicates.near=drop"])
    assert report.rejected["near_duplicate"] >= 29
    assert report.kept + report.crisis == 60 - report.rejected.total()


def test_rows_that_share_a_question_or_an_opening_are_in_one_split(tmp_path):
    rows = list(dialogues(200))
    for index, row in enumerate(rows):
        if index % 2:
            row["question_id"] = f"question {index // 8}"
        if index % 5 == 0:
            row["messages"][0]["content"] = f"第{index // 20}个人的第一句话，说了很久。"
    build_into(tmp_path, rows)
    splits = {}
    for row in rows_of(tmp_path / "soulchat"):
        for key in (row["question_id"], row["messages"][0]["content"]):
            splits.setdefault(key, set()).add(row["split"])
    assert all(len(its) == 1 for its in splits.values())
    assert len(splits) > 150
    leakage = json.loads((tmp_path / "soulchat" / "report" / "leakage.json").read_text())
    assert leakage["of_random_split"]["opening"] > 0.1 and leakage["of_random_split"]["group"] > 0.3
    assert leakage["none"] and set(leakage["exact"]) == {"train/validation", "train/test", "validation/test"}


def test_a_long_turn_that_many_rows_share_is_a_template(tmp_path):
    rows = list(dialogues(60))
    for row in rows[:25]:
        row["messages"][3]["content"] = (
            "感谢您的来信，我们已经仔细阅读了您所描述的全部情况，下面从三个方面来为您分析一下。"
        )
    report = build_into(tmp_path, rows)
    assert report.rejected == {"template": 25}
    report = build_into(tmp_path, rows, settings=["duplicates.template_rows=0"])
    assert report.rejected == {}


def test_the_test_set_of_another_is_not_in_the_corpus(tmp_path):
    rows, theirs = list(dialogues(60)), list(dialogues(10, seed=9))
    near = [edited(row, 0.02) for row in theirs]
    for row, its in zip(rows[:3], theirs, strict=False):
        row["messages"][0] = its["messages"][0]  # the same opening, told otherwise
    test_set = written(tmp_path, theirs)
    report = build_into(tmp_path, [*rows, *near], external=tuple(inputs([f"messages:{test_set}"])))
    assert report.rejected["in_external_test"] >= 12
    assert report.leakage["removed"]["in_external_test"] == report.rejected["in_external_test"]
    assert report.kept == 70 - report.rejected.total()


def test_what_is_taken_down_is_named_by_its_id_upstream_or_its_own(tmp_path):
    rows = list(dialogues(20))
    build_into(tmp_path, rows)
    own = rows_of(tmp_path / "soulchat")[4]["id"]
    report = build_into(tmp_path, rows, taken_down=frozenset({"rows1:s0-7", own, "rows1:absent"}))
    assert report.rejected == {"taken_down": 2}
    assert own not in {row["id"] for row in rows_of(tmp_path / "soulchat")}


CRISIS = "我不想活了，今晚就想从楼上跳下去，遗书已经写好了。"


def test_a_crisis_goes_to_a_gated_set_of_its_own_that_a_later_build_takes_away(tmp_path):
    rows = list(dialogues(30))
    rows[4]["messages"][2]["content"] = CRISIS
    report = build_into(tmp_path, rows)
    assert (report.kept, report.crisis, report.rejected.total()) == (29, 1, 0)
    (row,) = rows_of(tmp_path / "soulchat-crisis")
    assert row["messages"][2]["content"] == CRISIS
    card = (tmp_path / "soulchat-crisis" / "README.md").read_text(encoding="utf-8")
    assert "extra_gated_prompt" in card and "12356" in card
    assert CRISIS not in {m["content"] for row in rows_of(tmp_path / "soulchat") for m in row["messages"]}
    build_into(tmp_path, list(dialogues(30)))
    assert not (tmp_path / "soulchat-crisis").exists()


def test_personal_data_becomes_placeholders_or_a_rejection(tmp_path):
    rows = list(dialogues(20))
    rows[3]["messages"][0]["content"] += "我的手机号是13800138000，加我微信 zhang_wei88。"
    report = build_into(tmp_path, rows)
    (source,) = report.sources.values()
    assert source.personal_data == {"phone": 1, "wechat": 1} and source.repaired["redacted"] == 1
    opening = next(r for r in rows_of(tmp_path / "soulchat") if "手机号" in r["messages"][0]["content"])
    assert "我的手机号是[手机号]" in opening["messages"][0]["content"]
    assert build_into(tmp_path, rows, settings=["clean.personal_data=reject"]).rejected == {"personal_data": 1}
    assert build_into(tmp_path, rows, settings=["clean.personal_data=keep"]).kept == 20


def test_the_papers_filter_is_reported_and_applied_only_when_asked(tmp_path):
    rows = list(dialogues(20))
    clean = build_into(tmp_path, rows)
    would = sum(sum(source.paper_filter.values()) for source in clean.sources.values())
    rows[3]["messages"][0]["content"] += "我是家里的老大。"
    report = build_into(tmp_path, rows)
    assert sum(sum(source.paper_filter.values()) for source in report.sources.values()) == would + 1
    assert report.kept == 20
    strict = build_into(tmp_path, rows, settings=["clean.paper_filter=true"])
    assert strict.kept == 20 - would - 1 and strict.rejected["paper:我是"] >= 1


def test_what_was_done_to_a_row_is_published_beside_it(tmp_path):
    rows = list(dialogues(20))
    rows[2]["messages"].append({"role": "user", "content": "谢谢，再见。"})
    rows[5]["messages"][0]["content"] = "這幾個月來，我總是睡不著覺，對什麼事情都沒有興趣，覺得壓力很大。"
    build_into(tmp_path, rows)
    index = {
        row["source_id"]: row
        for row in parquet.read_table(tmp_path / "soulchat" / "report" / "rows.parquet").to_pylist()
    }
    assert index["s0-2"]["repairs"] == ["trimmed_end"]
    assert index["s0-5"]["traditional"] and "simplified" in index["s0-5"]["repairs"]
    labelled = {row["id"] for row in rows if row.get("topic")}
    assert {name for name, row in index.items() if row["topic_by"] == "source"} == labelled


def test_a_labeller_names_the_topics_that_sources_do_not(tmp_path):
    rows = [row | {"topic": None} for row in dialogues(10)]
    for row in rows[:5]:
        row["messages"][0]["content"] = (
            "我和男朋友在一起三年了，最近总吵架，他提了分手，我失恋了，不知道怎么挽回这段恋爱。"
        )
        row["messages"][0]["content"] += row["id"]
    settings = ["topics.labeller=classifier", "topics.threshold=0.5"]
    report = build_into(tmp_path, rows, settings=settings)
    assert report.topics_by["classifier"] >= 5
    assert sum(report.sizes["marriage"].values()) >= 4


def test_the_published_id_of_a_row_with_personal_data_takes_it_down(tmp_path):
    rows = list(dialogues(10))
    rows[3]["messages"][0]["content"] += "我的手机号是13800138000。"
    build_into(tmp_path, rows)
    (row,) = [row for row in rows_of(tmp_path / "soulchat") if "[手机号]" in row["messages"][0]["content"]]
    for published in (row["id"], row["question_id"]):
        assert build_into(tmp_path, rows, taken_down=frozenset({published})).rejected == {"taken_down": 1}


def test_a_corpus_that_becomes_a_test_set_is_another_build(tmp_path):
    first, second = written(tmp_path, list(dialogues(10))), written(tmp_path, list(dialogues(10, seed=1)))
    assert build_into(tmp_path, f"messages:{first}", f"messages:{second}").kept == 20
    test_set = tuple(inputs([f"messages:{second}"]))
    assert build_into(tmp_path, f"messages:{first}", external=test_set).kept == 10


def test_a_test_set_of_prompts_alone_keeps_their_openings_out_and_an_unreadable_one_is_an_error(tmp_path):
    rows = list(dialogues(10))
    prompts = written(tmp_path, [{"id": n, "messages": row["messages"][:1]} for n, row in enumerate(rows[:3])])
    report = build_into(tmp_path, rows, external=tuple(inputs([f"messages:{prompts}"])))
    assert report.rejected == {"in_external_test": 3} and report.leakage["external"] == {"rows": 0}
    bad = tmp_path / "bad.jsonl"
    bad.write_text("no json\n")
    with pytest.raises(NothingKept, match="no row of the test set bad can be compared"):
        build_into(tmp_path, rows, external=tuple(inputs([f"messages:{bad}"])))


def test_what_a_row_derives_from_is_refused_and_a_files_name_grants_no_licence(tmp_path):
    rows = [row | {"license": "mit", "derived_from": ["psyqa"]} for row in dialogues(3)]
    build_into(tmp_path, rows)
    assert "made from psyqa" in refused_sources(tmp_path / "soulchat")["rows0"][0]
    (tmp_path / "esconv.jsonl").write_text(written(tmp_path, list(dialogues(3, seed=2))).read_text("utf-8"), "utf-8")
    build_into(tmp_path, f"messages:{tmp_path / 'esconv.jsonl'}")
    assert {row["license"] for row in rows_of(tmp_path / "soulchat")} == {"unknown"}
    assert "licence is unknown" in refused_sources(tmp_path / "soulchat")["esconv"][0]
    assert "**Not to be passed on**" in (tmp_path / "soulchat" / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("clean.crisis=false", "Crisis language was not looked for"),
        ("clean.personal_data=keep", "Personal data was **not looked for**"),
        ("clean.paper_filter=true", "我是, 自杀, 跳楼 …) was applied"),
    ],
)
def test_the_card_says_what_was_switched_off(tmp_path, setting, said):
    build_into(tmp_path, list(dialogues(5)), settings=[setting])
    card = (tmp_path / "soulchat" / "README.md").read_text("utf-8")
    assert said in card and "不含真实来访者资料" not in card
    assert "in a set that is not published" not in card or setting != "clean.crisis=false"


@pytest.mark.parametrize("read_from", ["the source", "the built corpus"])
def test_what_reviewers_decide_is_applied_and_logged(tmp_path, read_from):
    rows = list(dialogues(10))
    rows[5]["messages"][0]["content"] += "我的手机号是13800138000。"  # the built row is another than the source's
    build_into(tmp_path, rows)
    by_row = parquet.read_table(tmp_path / "soulchat" / "report" / "rows.parquet").to_pylist()
    built_ids = {row["source_id"]: row["id"] for row in by_row}
    source_ids = {row["id"]: record_of(row, row["messages"], source="x").id for row in rows}
    ids = source_ids if read_from == "the source" else built_ids
    edited = [dict(turn) for turn in rows[5]["messages"]]
    edited[1]["content"] = "谢谢你告诉我，后来呢？"
    folder = tmp_path / "decisions"
    folder.mkdir()
    decisions = Decisions(folder / "lin.jsonl", "lin")
    decisions.add(ids["s0-2"], "reject", reason="说教")
    decisions.add(ids["s0-5"], "edit", messages=edited)
    decisions.add(ids["s0-7"], "accept")
    decisions.add("c-0000000000000000", "reject", reason="of another corpus")
    report = build_into(tmp_path, rows, decisions=folder)
    assert report.rejected == {"reviewed": 1} and report.kept == 9
    after = {row["messages"][1]["content"] for row in rows_of(tmp_path / "soulchat")}
    assert "谢谢你告诉我，后来呢？" in after and rows[2]["messages"][1]["content"] not in after
    text = "".join(m["content"] for row in rows_of(tmp_path / "soulchat") for m in row["messages"])
    assert "13800138000" not in text, "an edit goes through all rules"
    log = [json.loads(line) for line in (tmp_path / "work" / "reviewed.jsonl").read_text("utf-8").splitlines()]
    assert sorted((line["decision"], *line["reviewers"]) for line in log) == [
        ("accept", "lin"), ("edit", "lin"), ("reject", "lin")
    ]  # fmt: skip
    finished = {path: path.stat().st_ino for path in (tmp_path / "work").glob("*/[0-9]*")}
    again = build_into(tmp_path, "messages:" + str(sorted(tmp_path.glob("rows*"))[-1]), decisions=folder)
    assert {path: path.stat().st_ino for path in (tmp_path / "work").glob("*/[0-9]*")} == finished
    for each in (report, again):  # a build that is resumed says it too
        [note] = [note for note in each.notes(Path("c"), Path("w"), Path("d")) if "reviewed" in note]
        assert note.startswith("1 of 4 reviewed conversations are not in this corpus: d is of another, or of what")


def test_an_edit_that_rules_undo_is_logged_and_applied_once(tmp_path):
    rows = list(dialogues(3))
    build_into(tmp_path, rows)
    folder = tmp_path / "decisions"
    folder.mkdir()
    clean = rows[1]["messages"]
    spaced = [{**turn, "content": turn["content"] + "\u200b"} for turn in clean]
    Decisions(folder / "lin.jsonl", "lin").add(record_of({"id": "1"}, clean, source="x").id, "edit", messages=spaced)
    report = build_into(tmp_path, rows, decisions=folder)
    [line] = [json.loads(line) for line in (tmp_path / "work" / "reviewed.jsonl").read_text("utf-8").splitlines()]
    assert line["decision"] == "edit" and line["before"] != line["after"]
    assert clean in [row["messages"] for row in rows_of(tmp_path / "soulchat")]
    assert report.reviewed_elsewhere == 0 and not [n for n in report.notes(tmp_path, tmp_path) if "reviewed" in n]


def test_decisions_on_another_corpus_are_said_to_apply_to_nothing(tmp_path):
    folder = tmp_path / "decisions"
    folder.mkdir()
    decisions = Decisions(folder / "lin.jsonl", "lin")
    for number in range(20):
        decisions.add(f"c-{number}", "reject", reason="unsafe")
    report = build_into(tmp_path, list(dialogues(3)), decisions=folder)
    said = "20 of 20 reviewed conversations are not in this corpus: build/review/decisions is of another"
    assert said in list(report.notes(tmp_path, tmp_path, Path("build/review/decisions")))
    assert (tmp_path / "work" / "reviewed.jsonl").read_bytes() == b""
