"""EmpatheticDialogues, on hand-made lines in its published form."""

import tarfile

import pytest

from dataset_builder.records import Rejection
from dataset_builder.sources import READERS, SourceError

HEADER = "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags"
A = [
    "hit:0_conv:1,1,proud,I passed_comma_ at last,7,I passed my exam_comma_ at last!,5|5|5_5|5|5,",
    'hit:0_conv:1,2,proud,I passed_comma_ at last,9,"Wow" is all I can say,5|5|5_5|5|5,',
    "hit:0_conv:1,3,proud,I passed_comma_ at last,7,Thanks.,5|5|5_5|5|5,",
]
B = [
    "hit:0_conv:2,1,lonely,Nobody called,9,Nobody called on my birthday.,4|4|4_4|4|4,",
    "hit:0_conv:2,2,lonely,Nobody called,7,I am sorry to hear that.,4|4|4_4|4|4,,one|two_pipe_three",
]


def read(tmp_path, *lines, header=HEADER, name="train.csv"):
    path = tmp_path / name
    path.write_bytes("\n".join([header, *lines, ""]).encode("utf-8", "surrogateescape"))
    return list(READERS["empathetic-dialogues"](path))


def kept(results):
    return {item["id"]: len(item["messages"]) for item in results if isinstance(item, dict)}


def refused(results):
    return [item for item in results if isinstance(item, Rejection)]


def test_who_speaks_first_is_the_user_and_commas_come_back(tmp_path):
    first, second = read(tmp_path, *A, *B)
    assert first["messages"] == [
        {"role": "user", "content": "I passed my exam, at last!"},
        {"role": "assistant", "content": '"Wow" is all I can say'},
        {"role": "user", "content": "Thanks."},
    ]
    assert [message["role"] for message in second["messages"]] == ["user", "assistant"]
    assert first.get("topic") is None


def test_conversations_about_one_prompt_share_a_question(tmp_path):
    again = [line.replace("conv:2", "conv:5") for line in B]
    first, second, third = read(tmp_path, *A, *B, *again)
    assert second["question_id"] == third["question_id"] != first["question_id"]


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(
    "broken",
    [
        "hit:0_conv:1,2,proud",
        "hit:0_conv:1,2,proud,I passed,at last,9,Well,done,5,,",
        "hit:0_conv:1,x,proud,I passed,9,Well done,5,",
        "hit:0_conv:1,2,proud,I passed,9,\udcff,5,",
    ],
)
def test_a_broken_line_costs_the_conversation_that_it_names(tmp_path, at, broken):
    lines = [*A[:at], broken, *A[at + 1 :]]
    results = read(tmp_path, *B, *lines, *(line.replace("conv:2", "conv:3") for line in B))
    assert kept(results) == {"hit:0_conv:2": 2, "hit:0_conv:3": 2}
    assert refused(results) == [Rejection("hit:0_conv:1", "broken_line")]


@pytest.mark.parametrize(("at", "left"), [(0, {}), (1, {"hit:0_conv:1": 1}), (2, {"hit:0_conv:1": 2})])
def test_a_line_that_names_no_conversation_never_glues_what_is_around_it(tmp_path, at, left):
    lines = [*A[:at], "so am I,", *A[at + 1 :]]
    results = read(tmp_path, *lines, *B)
    assert Rejection(f"train:{at + 2}", "broken_line") in refused(results)
    if at < 2:
        assert Rejection("hit:0_conv:1", "missing_utterance") in refused(results)
        left = {}
    assert kept(results) == left | {"hit:0_conv:2": 2}


def test_a_conversation_that_takes_its_neighbours_name_is_not_joined_to_it(tmp_path):
    results = read(tmp_path, *A, *(line.replace("conv:2", "conv:1") for line in B))
    assert [len(item["messages"]) for item in results] == [3, 2]


def test_three_speakers_are_no_dialogue(tmp_path):
    third = A[2].replace(",7,", ",8,")
    assert refused(read(tmp_path, *A[:2], third, *B)) == [Rejection("hit:0_conv:1", "third_speaker")]


def test_a_file_without_header_or_with_other_line_ends_reads_the_same(tmp_path):
    plain = read(tmp_path, *A, *B)
    assert read(tmp_path, *A[1:], *B, header=A[0]) == plain
    assert read(tmp_path, *(line + "\r" for line in (*A, *B)), header="\ufeff" + HEADER + "\r") == plain


def test_the_published_archive_and_its_folder_read_the_same(tmp_path):
    folder = tmp_path / "empatheticdialogues"
    folder.mkdir()
    for name, lines in (("train.csv", A), ("test.csv", B)):
        read(folder, *lines, name=name)
    (folder / "notes.csv").write_text("nothing", encoding="utf-8")
    with tarfile.open(tmp_path / "empatheticdialogues.tar.gz", "w:gz") as archive:
        archive.add(folder, "empatheticdialogues")
    results = list(READERS["empathetic-dialogues"](folder))
    assert kept(results) == {"hit:0_conv:1": 3, "hit:0_conv:2": 2}
    assert list(READERS["empathetic-dialogues"](tmp_path / "empatheticdialogues.tar.gz")) == results


def test_a_file_of_something_else_costs_no_other_file_of_its_folder(tmp_path):
    (tmp_path / "train.csv").write_text("id,text\n1,hello\n", encoding="utf-8")
    read(tmp_path, *B, name="valid.csv")
    results = list(READERS["empathetic-dialogues"](tmp_path))
    assert Rejection("train.csv", "no_utterance") in results
    assert kept(results) == {"hit:0_conv:2": 2}


@pytest.mark.parametrize("content", ["", "id,text\n1,hello\n"])
def test_another_table_is_an_error(tmp_path, content):
    path = tmp_path / "train.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=r"train\.csv is an utterance of EmpatheticDialogues"):
        list(READERS["empathetic-dialogues"](path))
