"""What holds dialogues: archives, arrays, lines and tables, whole and damaged in one known place."""

import gzip
import io
import json
import re
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.records import Rejection
from dataset_builder.sources import SourceError, archives
from dataset_builder.sources.csv_records import MAX_FIELD, encoding, records
from dataset_builder.sources.files import chunks, lines, units
from dataset_builder.sources.json_array import elements, objects
from dataset_builder.sources.json_value import MAX_DEPTH, BadJson, parse
from dataset_builder.sources.tables import csv_rows

NUMBERED = r"[0-9]+\.json"


def until_error(items):
    """What an iterator yields before it raises, and what it says then."""
    found = []
    try:
        for item in items:
            found.append(item)
    except SourceError as error:
        return found, str(error)
    return found, ""


def tar(path, *members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def numbered(*numbers):
    return [(f"data/{n}.json", str(n).encode() * 100) for n in numbers]


@given(st.permutations(range(12)))
def test_an_archive_in_any_order_comes_by_number(tmp_path_factory, order):
    path = tar(tmp_path_factory.mktemp("t") / "a.tar", *numbered(*order))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "WINDOW", 450)  # three or four members
        found = list(units(path, NUMBERED))
    assert found == numbered(*range(12))


@pytest.mark.parametrize(("numbers", "passes"), [(range(12), 2), (range(11, -1, -1), 5)])
def test_what_waits_for_its_turn_is_bounded_by_further_passes(tmp_path, monkeypatch, numbers, passes):
    path = tar(tmp_path / "a.tar", *[(f"{n}.json", b"x" * 100) for n in numbers])
    begun = []

    def pieces():
        begun.append(path)
        return chunks(path)

    monkeypatch.setattr(archives, "WINDOW", 300)  # three members: one pass to list them, four to read them
    assert len(list(archives.members(path, re.compile(NUMBERED), pieces))) == 12
    assert len(begun) == passes


def test_a_hole_of_zeros_in_a_tar_is_no_end_of_the_archive(tmp_path):
    path = tar(tmp_path / "a.tar", *numbered(1, 2, 3))
    data = bytearray(path.read_bytes())
    data[2 * 512 : 4 * 512] = bytes(2 * 512)
    path.write_bytes(data)
    found, error = until_error(units(path, NUMBERED))
    assert found == numbered(1)
    assert "goes on behind its end mark" in error


def test_a_damaged_tar_header_is_no_end_of_the_archive(tmp_path):
    path = tar(tmp_path / "a.tar", *numbered(1, 2, 3))
    data = bytearray(path.read_bytes())
    data[2 * 512] ^= 0xFF  # of the second member's header: tarfile itself would stop there in silence
    path.write_bytes(data)
    found, error = until_error(units(path, NUMBERED))
    assert found == numbered(1)
    assert "cannot be read to its end as a tar" in error


@pytest.mark.parametrize("cut", [512, 1024, 1300])
def test_a_tar_that_was_cut_gives_the_members_that_are_whole(tmp_path, cut):
    path = tar(tmp_path / "a.tar", *numbered(1, 2, 3))
    path.write_bytes(path.read_bytes()[: 2 * 1024 + cut])
    found, error = until_error(units(path, NUMBERED))
    assert found == numbered(1, 2, 3)[: 3 if cut >= 1024 else 2]
    assert "a.tar" in error


def test_a_gzip_checksum_that_does_not_fit_is_an_error_after_the_members(tmp_path):
    path = tar(tmp_path / "a.tar.gz", *numbered(1, 2), mode="w:gz")
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    found, error = until_error(units(path, NUMBERED))
    assert found == numbered(1, 2)
    assert "CRC" in error


def test_a_sparse_member_that_promises_exabytes_ends(tmp_path):
    path = tar(tmp_path / "a.tar", ("1.json", b"[]"))
    data = bytearray(path.read_bytes())
    info = tarfile.TarInfo.frombuf(bytes(data[:512]), "utf-8", "strict")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"\x80" + (1 << 60).to_bytes(11, "big")  # the size with its holes
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\x00 " % sum(header)
    path.write_bytes(bytes(header) + bytes(data[512:]))
    found, _ = until_error(units(path, NUMBERED))
    assert found == [Rejection("1.json", "too_large")]


def test_a_damaged_zip_member_costs_no_other(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in numbered(1, 2, 3):
            archive.writestr(name, content)
    path.write_bytes(path.read_bytes().replace(b"2" * 100, b"2" * 99 + b"4"))
    assert list(units(path, NUMBERED)) == [
        numbered(1)[0],
        Rejection("data/2.json", "unreadable"),
        numbered(3)[0],
    ]


def test_an_archive_or_folder_without_such_files_is_an_error(tmp_path):
    for path in (tar(tmp_path / "a.tar", ("README.md", b"x")), tmp_path):
        with pytest.raises(SourceError, match=r"no file in .* has a name like"):
            list(units(path, r"case_[0-9]+\.txt"))


def test_a_file_name_that_is_no_utf8_can_be_written(tmp_path):
    path = tar(tmp_path / "a.tar", ("caf\udce9/1.json", b"1"))
    [(name, _)] = units(path, NUMBERED)
    assert name.encode() == b"caf\\xe9/1.json"


@given(st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8")), min_size=1))
def test_lines_are_those_between_line_feeds(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("l") / "a.txt"
    path.write_bytes("\n".join(texts).encode())
    last = 1 if texts[-1] else 0
    expected = [text.encode() for text in texts[: len(texts) - 1 + last]]
    assert list(lines(path)) == list(enumerate(expected, 1))


def test_a_line_without_end_is_no_more_than_a_rejection(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNIT", 50)
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n' + '{"id": 2, "x": "' + "长" * 50 + '"}\n{"id": 3}\n', encoding="utf-8")
    assert list(objects(path)) == [(1, {"id": 1}), Rejection("a:2", "too_large"), (3, {"id": 3})]


def test_what_precedes_the_damage_of_a_gzip_file_is_read(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id": 1}\n' * 50_000, 0)[:-1008])
    found, error = until_error(objects(path))
    assert len(found) == 50_000 - 100  # what lacks is 1,000 bytes of text and the trailer
    assert "cannot be read to its end" in error


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": "\\ud83d"}', "not_utf8"),
        ('{"\\udc00": 1}', "not_utf8"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "too_deep"),
        ("[" * 100_000, "too_deep"),
        ("9" * 5000, "not_json"),
        ('"\x00"', "not_json"),
        ("{} {}", "not_json"),
        ("", "not_json"),
    ],
)
def test_a_value_that_would_break_a_later_stage_is_rejected_here(text, reason):
    with pytest.raises(BadJson, match=reason):
        parse(text.encode())


def test_a_value_with_a_mark_nan_and_a_whole_surrogate_pair_is_read():
    assert parse(b'\xef\xbb\xbf{"a": NaN, "b": 1e999, "c": "\\ud83d\\ude1e"}') == {"a": None, "b": None, "c": "😞"}


ELEMENTS = [{"id": n, "messages": [{"role": "user", "content": f"{n}"}, {"role": "assistant"}]} for n in range(9)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-1],  # no closing bracket
        lambda text: text.replace('"user"', '"user'),
        lambda text: text.replace('"messages": [', '"messages": '),
        lambda text: text.replace('"id"', "'id'"),
        lambda text: '"',
        lambda text: text + "}]",
    ],
)
def test_a_damaged_element_of_an_array_costs_no_other(tmp_path, indent, at, damage):
    texts = [json.dumps(element, indent=indent) for element in ELEMENTS]
    texts[at] = damage(texts[at])
    path = tmp_path / "a.json"
    path.write_text("[" + ", ".join(texts) + "]", encoding="utf-8")
    found, _ = until_error(elements(path))
    whole = [item[1] for item in found if not isinstance(item, Rejection) and item[1] in ELEMENTS]
    assert [element for element in whole if element != ELEMENTS[at]] == [e for e in ELEMENTS if e != ELEMENTS[at]]
    assert any(isinstance(item, Rejection) for item in found) or len(found) == len(ELEMENTS)


def test_an_array_that_was_cut_is_an_error_after_the_elements_before(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(ELEMENTS)[:-30], encoding="utf-8")
    found, error = until_error(elements(path))
    assert [item[1] for item in found] == ELEMENTS[:-1]
    assert "is cut or damaged at element 9" in error


def csv_file(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_a_stray_quotation_mark_costs_its_own_line(tmp_path):
    path = csv_file(tmp_path / "a.csv", 'question,answer\n1,"a\n2,b\n3,"c, d"\n4,"e\nf"\n')
    assert list(records(path)) == [
        (1, ["question", "answer"]),
        (2, "bad_row"),
        (3, ["2", "b"]),
        (4, ["3", "c, d"]),
        (5, ["4", "e\nf"]),
    ]


def test_a_quotation_mark_that_is_never_closed_is_followed_only_so_far(tmp_path):
    path = csv_file(tmp_path / "a.csv", 'question,answer\n1,"a\n' + f"2,{'b' * 999}\n" * (MAX_FIELD // 1000 + 9))
    found = list(records(path))
    assert found[1] == (2, "bad_row")
    assert len(found) == MAX_FIELD // 1000 + 11


def test_a_field_above_the_limit_is_a_bad_row_and_one_above_that_of_csv_is_read(tmp_path):
    long = "长" * 200_000  # csv's own limit is 131,072
    path = csv_file(tmp_path / "a.csv", f"question,answer\n1,{long}\n2,{'x' * (MAX_FIELD + 1)}\n3,c\n")
    found = list(csv_rows(path))
    assert found[0]["messages"][1]["content"] == long
    assert found[1] == Rejection("a:3", "bad_row")
    assert found[2]["messages"][0]["content"] == "3"


@pytest.mark.parametrize("written", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encoding_of_a_table_is_seen(tmp_path, written):
    path = csv_file(tmp_path / "a.tsv", "id\tquestion\tanswer\n7\t睡不着，怎么办？\t听起来很累。\n", written)
    [row] = csv_rows(path)
    assert row["id"] == "7"
    assert [message["content"] for message in row["messages"]] == ["睡不着，怎么办？", "听起来很累。"]


def test_a_damaged_byte_does_not_make_gb18030_of_utf8(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"question,answer\n" + "很累,嗯\n".encode() * 3 + b"\xb0\xa1\xff,x\n")
    assert encoding(path) == "utf-8"
    assert [item.reason for item in csv_rows(path) if isinstance(item, Rejection)] == ["not_utf8"]
    path.write_bytes("question,answer\ncaf\xe9,x\n".encode("latin-1"))
    assert encoding(path) == "utf-8"


def test_a_dialogue_that_lost_a_turn_in_its_midst_is_rejected_and_its_neighbours_are_not(tmp_path):
    turns = [f"{n},{role},{n}{role}" for n in "abc" for role in ("user", "assistant", "user", "assistant")]
    turns[5] = 'b,assistant,"x"y'
    path = csv_file(tmp_path / "a.csv", "\n".join(["id,role,content", *turns]))
    found = list(csv_rows(path))
    assert [item["id"] if isinstance(item, dict) else item for item in found] == [
        "a",
        Rejection("a:7", "bad_row"),
        Rejection("b", "lost_turn"),
        "c",
    ]


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=re.escape(f"{str(tmp_path)!r} is a folder")):
        list(chunks(tmp_path))
