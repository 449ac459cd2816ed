"""Each upstream format as its authors publish it: who said what, in order, with what the source says of it."""

import gzip
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from dataset_builder.records import Rejection
from dataset_builder.sources import READERS, SourceError
from dataset_builder.sources.recognise import recognise, sources_in
from tests.dataset_builder.sources.upstream import FORMS

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
TURNS = [("用户", "睡不着。"), ("咨询师", "多久了？"), ("用户", "半年。"), ("咨询师", "嗯，半年。")]


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes | str) else json.dumps(content, ensure_ascii=False)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def said(row):
    return [(message["role"], message["content"]) for message in row["messages"]]


def turns(user, assistant, role="role", content="content"):
    names = {"用户": user, "咨询师": assistant}
    return [{role: names[who], content: words} for who, words in TURNS]


def as_said(user, assistant):
    return [(message["role"], message["content"]) for message in turns(user, assistant)]


def labelled(user, assistant, colon="："):
    return [f"{role}{colon}{words}" for role, words in as_said(user, assistant)]


CASE = "咨询记录\n来访者：我很累。\n \n心理咨询师（扮演丈夫）: 多久了？\n你愿意说说吗？\n\n来访者：半年。\n"
CASE += "心理咨询师：嗯。\n"
TABLE = "dialogue_id\trole\tcontent\n" + "".join(
    f"d1\t{role}\t{text}\n" for role, text in as_said("user", "assistant")
)
PARTS = [{"type": "text", "text": "睡"}, {"type": "text", "text": "不着。"}]
HISTORY = [["睡不着。", "多久了？"]]
# Format, file, what it holds, and what the one dialogue in it is.
PUBLISHED = [
    (
        "soulchat",
        "SoulChatCorpus.json",
        [{"id": 3, "topic": "成长", "messages": turns("user", "assistant")}],
        {"id": "3", "topic": "成长", "said": as_said("user", "assistant")},
    ),
    (
        "smilechat-v1",
        "data/17.json",
        labelled("求助者", "支持者"),
        {"id": "17", "said": as_said("求助者", "支持者")},
    ),
    (
        "smile-plain",
        "plain/17.json",
        labelled("求助者", "支持者", ": "),
        {"id": "17", "said": [(role, f" {words}") for role, words in as_said("求助者", "支持者")]},
    ),
    (
        "smilechat-v2",
        "data/17.json",
        [turn | {"annotation": [{"sentence": "x", "label": ""}]} for turn in turns("client", "counselor")],
        {"id": "17", "said": as_said("client", "counselor")},
    ),
    (
        "smilechat-v2",
        "dialogues.jsonl",
        json.dumps({"id": "17", "messages": turns("client", "counselor")}, ensure_ascii=False) + "\n",
        {"id": "17", "said": as_said("client", "counselor")},
    ),
    (
        "cpsycound",
        "case_7.txt",
        CASE,
        {
            "id": "case_7",
            "said": [
                ("", "咨询记录\n"),
                ("来访者", "我很累。"),
                ("心理咨询师", "多久了？\n你愿意说说吗？"),
                ("来访者", "半年。"),
                ("心理咨询师", "嗯。"),
            ],
        },
    ),
    (
        "cpsycoune",
        "CPsyCounE/Love&Marriage/1.json",
        labelled("求助者", "支持者"),
        {"id": "Love&Marriage/1", "topic": "Love&Marriage", "said": as_said("求助者", "支持者")},
    ),
    (
        "emollm",
        "data.json",
        [
            {
                "conversation": [
                    {"system": "你是心理医生", "input": "睡不着。", "output": "多久了？"},
                    {"input": "半年。", "output": "嗯，半年。"},
                ]
            }
        ],
        {"id": "data:1", "said": [("system", "你是心理医生"), *as_said("user", "assistant")]},
    ),
    (
        "mindchat",
        "dataset_example.json",
        [{"instruction": "半年。", "input": "嗯，半年。", "output": "", "history": HISTORY}],
        {"id": "dataset_example:1", "said": as_said("user", "assistant")},
    ),
    (
        "alpaca",
        "alpaca.json",
        [{"instruction": "半年", "input": "快七个月了。", "output": "嗯，半年。", "history": HISTORY, "system": "听"}],
        {
            "id": "alpaca:1",
            "said": [("system", "听"), *as_said("user", "assistant")[:2], ("user", "半年\n快七个月了。"),
                     ("assistant", "嗯，半年。")],
        },
    ),
    (
        "alpaca",
        "swift.jsonl",
        json.dumps({"query": "半年。", "response": "嗯，半年。", "history": HISTORY}, ensure_ascii=False),
        {"id": "swift:1", "said": as_said("user", "assistant")},
    ),
    (
        "sharegpt",
        "sharegpt.json",
        [{"id": "s1", "system": "听", "conversations": turns("human", "gpt", "from", "value")}],
        {"id": "s1", "said": [("system", "听"), *as_said("human", "gpt")]},
    ),
    (
        "messages",
        "talks.jsonl",
        json.dumps(
            {
                "messages": [{"role": "user", "content": PARTS}, *turns("user", "assistant")[1:]],
                "normalizedTag": "婚恋", "question_id": "q1", "license": "mit", "source": "mine", "rewriter": "human",
            },
            ensure_ascii=False,
        ),
        {"id": "talks:1", "topic": "婚恋", "question_id": "q1", "license": "mit", "source": "mine",
         "rewriter": "human", "said": as_said("user", "assistant")},
    ),
    (
        "csv",
        "answers.csv",
        "\ufeffquestion,answer,topic\n睡不着。,\"多久了，\n半年？\",情绪\n",
        {"id": "answers:2", "topic": "情绪", "said": [("user", "睡不着。"), ("assistant", "多久了，\n半年？")]},
    ),
    (
        "csv",
        "turns.tsv",
        TABLE,
        {"id": "d1", "said": as_said("user", "assistant")},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "name", "content", "expected"), PUBLISHED)
def test_a_format_is_read_as_it_is_published(tmp_path, reader, name, content, expected):
    path = written(tmp_path / name, content)
    (row,) = READERS[reader](path)
    assert not isinstance(row, Rejection)
    wanted = expected | {"said": [(role, words.strip()) for role, words in expected["said"]]}
    found = {key: row.get(key) for key in wanted if key != "said"} | {
        "said": [(role, words.strip()) for role, words in said(row)]
    }
    # A file's rows are counted from 1; of a table, the header is the first line.
    assert found == wanted


@pytest.mark.parametrize(("reader", "name", "content", "expected"), PUBLISHED)
def test_a_format_is_recognised_by_what_it_holds(tmp_path, reader, name, content, expected):
    folder = tmp_path / ("mindchat" if reader == "mindchat" else "corpus")
    path = written(folder / name, content)
    if reader == "cpsycoune":  # one of its files alone is like any of SMILE's; its folders are its topics
        written(folder / "CPsyCounE" / "Sex" / "1.json", content)
        path = folder / "CPsyCounE"
    assert recognise(path) == reader


@pytest.mark.parametrize("content", ['["一", "二"]', "{}", "", "[]", "nothing", "\x00\x01"])
def test_what_is_in_no_format_is_not_recognised(tmp_path, content):
    assert recognise(written(tmp_path / "x.json", content)) is None


def test_gzip_plain_and_windows_line_ends_read_the_same(tmp_path):
    lines = "".join(
        json.dumps({"id": n, "messages": turns("user", "assistant")}, ensure_ascii=False) + "\n" for n in range(3)
    )
    plain = written(tmp_path / "a" / "d.jsonl", lines)
    windows = written(tmp_path / "b" / "d.jsonl", "\ufeff" + lines.replace("\n", "\r\n"))
    packed = written(tmp_path / "c" / "d.jsonl.gz", gzip.compress(lines.encode()))
    assert list(READERS["messages"](plain)) == list(READERS["messages"](packed)) == list(READERS["messages"](windows))


def test_a_folder_and_its_archive_read_the_same_in_the_order_of_numbers(tmp_path):
    for number in (10, 9, 100):
        written(tmp_path / "data" / f"{number}.json", labelled("求助者", "支持者"))
    written(tmp_path / "data" / "notes.txt", "no dialogue")
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "data", "smile/data")
    rows = list(READERS["smilechat-v1"](tmp_path / "data"))
    assert [row["id"] for row in rows] == ["9", "10", "100"]
    assert sorted(row["id"] for row in READERS["smilechat-v1"](tmp_path / "data.tar.gz")) == ["10", "100", "9"]


@pytest.mark.parametrize("kind", ["messages", "json", "answers", "turns"])
def test_parquet_is_read_in_every_layout(tmp_path, kind):
    messages = turns("user", "assistant")
    columns = {
        "messages": {"id": ["d1"], "messages": [messages]},
        "json": {"id": ["d1"], "messages": [json.dumps(messages, ensure_ascii=False)]},
        "answers": {"id": ["d1"], "question": ["睡不着。"], "answer": ["多久了？"]},
        "turns": {"dialogue_id": ["d1"] * 4, "role": [m["role"] for m in messages],
                  "content": [m["content"] for m in messages]},
    }[kind]  # fmt: skip
    parquet.write_table(pa.table(columns), tmp_path / "d.parquet")
    (row,) = READERS["parquet"](tmp_path)
    assert row["id"] == "d1"
    assert said(row) == as_said("user", "assistant")[: 2 if kind == "answers" else 4]


@pytest.mark.parametrize(("reader", "name"), [("csv", "d.csv"), ("parquet", "d.parquet")])
def test_a_table_of_something_else_names_its_columns_and_what_can_be_read(tmp_path, reader, name):
    if reader == "csv":
        written(tmp_path / name, "a,b\n1,2\n")
    else:
        parquet.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / name)
    with pytest.raises(SourceError, match=r"has the columns a, b; what can be read is .*question.*answer"):
        list(READERS[reader](tmp_path / name))


@pytest.mark.parametrize("reader", sorted(FORMS))
def test_a_missing_file_is_an_error_that_names_it(tmp_path, reader):
    with pytest.raises(SourceError, match="absent"):
        list(READERS[reader](tmp_path / "absent"))


MEMORY = """
import resource, sys; from pathlib import Path; from dataset_builder.sources.soulchat import rows
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(sum(1 for _ in rows(Path(sys.argv[1]))), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_an_array_of_any_size_is_read_in_the_same_memory(tmp_path):
    one = json.dumps({"id": 1, "topic": "成长", "messages": turns("user", "assistant") * 10}, ensure_ascii=False)
    grown = []
    for count in (2_000, 40_000):
        path = written(tmp_path / f"{count}.json", "[" + ",\n".join([one] * count) + "]")
        result = subprocess.run(
            [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True,
            check=False, env={"PYTHONPATH": str(Path(__file__).resolve().parents[3]), "PATH": "/usr/bin"},
        )  # fmt: skip
        read, kilobytes = map(int, result.stdout.split())
        assert read == count, result.stderr
        grown.append(kilobytes)
    assert path.stat().st_size > 60_000_000
    assert grown[1] - grown[0] < 20_000, f"{grown} kB: the array is in memory"


@pytest.mark.skipif(not DATA.exists(), reason="the real corpora are not beside this checkout")
def test_every_real_corpus_is_recognised_and_read_whole():
    found = {(reader, path.name): list(READERS[reader](path)) for reader, path in sources_in(DATA)}
    counts = {name: len(rows) for name, rows in found.items()}
    assert counts == {
        ("cpsycound", "CPsyCounD-0-1999.tar.gz"): 1950,
        ("cpsycoune", "CPsyCounE.tar.gz"): 45,
        ("emollm", "data-1200.json.gz"): 1200,
        ("smile-plain", "raw-files.tar.gz"): 5000,
        ("smilechat-v2", "dialogues.jsonl.gz"): 8000,
        ("smilechat-v2", "raw-files.tar.gz"): 300,
    }
    assert not [row for rows in found.values() for row in rows if isinstance(row, Rejection)]
