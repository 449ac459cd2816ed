"""The licence ledger: what it says of each source, what it refuses, and what was taken back."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.licences import (
    FILE,
    LedgerError,
    is_taken_down,
    ledger,
    licence_of,
    provenance_table,
    read_ledger,
    refused,
    takedown,
)
from dataset_builder.sources import READERS

FORMATS = {"messages", "csv", "parquet", "sharegpt", "alpaca"}  # of no source: their rows say their own licence
PUBLIC = {"license": "cc-by-4.0", "rewriter": "human"}


def row(source, **more):
    return {"source": source, **PUBLIC, **more}


def test_every_reader_that_is_a_source_has_an_entry_and_a_format_has_none():
    assert set(READERS) - set(ledger()) == FORMATS
    assert set(ledger()) - set(READERS) == {"soulchat-sample", "simpsybot"}
    assert all(licence_of(name) is None for name in FORMATS)


def test_every_entry_says_where_it_was_read():
    for name, entry in ledger().items():
        assert entry.note.endswith("."), name
        assert entry.read_in.startswith("this repository") or "/" in entry.read_in, name


def test_psyqa_and_all_that_derives_from_it_stay_at_home_whatever_their_own_licence_says():
    def origins(name):
        return {name}.union(*map(origins, ledger()[name].derived_from))

    derived = {name for name in ledger() if "psyqa" in origins(name)}
    assert {"psyqa", "smilechat-v1", "smilechat-v2", "simpsybot", "emollm"} == derived
    assert not any(ledger()[name].redistributable for name in derived)
    assert licence_of("smile-plain").redistributable


@pytest.mark.parametrize(
    "source",
    ["smilechat-v2", "SMILECHAT", "smilechat", "smilechat_v1", "PsyQA", "ＰｓｙＱＡ", "psyqa ", "efaqa", "MeChat"],
)
def test_what_may_not_be_redistributed_is_refused_in_any_spelling(source):
    ((name, (reason, count)),) = refused([row(source, license="cc0-1.0")] * 3).items()
    assert (name, count) == (source, 3)
    assert "may not be redistributed" in reason


@pytest.mark.parametrize(
    "more",
    [
        {"source": "hf:thu-coai/PsyQA"},
        {"source": "psyqa-questions-2024"},
        {"source": "mine", "rewriter": "gpt-4/rewrite of PsyQA, v2"},
        {"source": "mine", "derived_from": "smilechat-v1"},
        {"source": "mine", "derived_from": ["cpsycound", "SimPsyBot"]},
        {"source": "mine", "derived_from": ["soulchat"]},
        {"source": "cpsycound", "rewriter": "qwen3 on SMILECHAT2"},
    ],
)
def test_a_row_made_from_what_may_not_be_redistributed_is_refused_under_any_other_name(more):
    ((_, (reason, _)),) = refused([PUBLIC | more]).items()
    assert reason.startswith("made from ")


@pytest.mark.parametrize(
    "more",
    [
        {"source": "smile-plain", "license": "cc0-1.0"},
        {"source": "hf:someone/smile-plain"},
        {"source": "soulchat-sample", "rewriter": "local/soulchat"},  # a model's name, not the corpus
        {"source": "CPsyCounD"},
        {"source": "our-clinic"},
        {"source": "psyqabot"},
        {"source": "mine", "derived_from": None},
    ],
)
def test_what_may_be_redistributed_is_not_refused(more):
    assert refused([PUBLIC | more]) == {}


@pytest.mark.parametrize("licence", [None, "", "unknown", "Unknown", "none", "other"])
def test_a_row_without_a_licence_of_its_own_is_refused(licence):
    ((_, (reason, _)),) = refused([row("our-clinic", license=licence)]).items()
    assert "licence is unknown" in reason


def test_reasons_are_counted_by_source():
    rows = [row("psyqa"), row("a"), row("a", license="unknown"), row("b"), row("a", rewriter="psyqa")]
    assert {source: count for source, (_, count) in refused(rows).items()} == {"psyqa": 1, "a": 2}


anything = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(["source", "license", "rewriter"]), anything))
def test_any_row_is_refused_or_allowed_and_never_an_exception(value):
    assert len(refused([value])) <= 1


def written(path: Path, change) -> Path:
    entries = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    change(entries)
    path.write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e["esconv"].pop("note"), r"esconv has missing or unknown keys: \['note'\]"),
        (lambda e: e["esconv"].update(license="x"), r"esconv has missing or unknown keys: \['license'\]"),
        (lambda e: e["esconv"].update(redistributable="no"), "esconv.redistributable='no'; write true or false"),
        (lambda e: e["esconv"].update(also="ES"), "esconv.also='ES' is no list"),
        (lambda e: e["esconv"].update(licence=4), "esconv.licence=4 is no text"),
        (lambda e: e["esconv"].update(derived_from=["reddit"]), "esconv derives from 'reddit', which has no entry"),
        (lambda e: e["esconv"].update(derived_from=["psyqa"]), "esconv is said to be redistributable, but derives"),
        (lambda e: e["esconv"].update(also=["PSYQA"]), "'.*' means psyqa and esconv|'.*' means esconv and psyqa"),
        (lambda e: e.update(esconv=None), "esconv is a NoneType"),
    ],
)
def test_a_ledger_that_contradicts_itself_is_named(tmp_path, change, message):
    with pytest.raises(LedgerError, match=message):
        read_ledger(written(tmp_path / "licences.yaml", change))


def test_the_provenance_table_has_a_row_per_source_most_rows_first():
    table = provenance_table({"esconv": 12, "cpsycound": 3084, "our|clinic": 1}).splitlines()
    assert table[2].startswith("| cpsycound | 3,084 | cc-by-4.0 | yes | CAS-SIAT-XinHai/CPsyCoun ")
    assert table[3].startswith("| esconv | 12 | cc-by-nc-4.0 | yes |")
    assert table[4].startswith(r"| our\|clinic | 1 | as each row says |")


def test_the_list_that_is_shipped_takes_nothing_down_and_says_how_to_ask():
    from dataset_builder.licences import TAKEDOWN

    assert takedown() == frozenset()
    assert "open an issue" in TAKEDOWN.read_text(encoding="utf-8")


def test_a_taken_down_row_is_known_by_its_record_its_question_or_its_upstream_id(tmp_path):
    path = tmp_path / "takedown.txt"
    path.write_text(
        "# asked on 1 May\nc-0123456789abcdef\nq-ff00  # all of it\n\nPsyQA:4394\ncpsycound:case_17\n"
        "empathetic-dialogues:hit:3_conv:7\n",
        encoding="utf-8",
    )
    ids = takedown(path)
    assert is_taken_down("c-0123456789abcdef", "messages", None, ids)
    assert is_taken_down("c-1", "messages", "q-ff00", ids)
    assert is_taken_down("4394:0", "psyqa", "psyqa:4394", ids)
    assert is_taken_down("4394", "PsyQA", None, ids)
    assert is_taken_down("case_17", "cpsycound", None, ids)
    assert is_taken_down("hit:3_conv:7", "empathetic-dialogues", None, ids)
    assert not is_taken_down("case_17", "emollm", None, ids)
    assert not is_taken_down("case_1", "cpsycound", "q-ff", ids)


@pytest.mark.parametrize("line", ["case_17", "c-xyz", "psyqa:", ": 4", "psy qa:4394", "http"])
def test_a_malformed_line_of_the_takedown_list_is_named_by_file_and_number(tmp_path, line):
    path = tmp_path / "takedown.txt"
    path.write_text(f"# fine\npsyqa:1\n{line}\n", encoding="utf-8")
    with pytest.raises(LedgerError, match=rf"takedown\.txt:3: '{line.strip()}' is no id; write c-…"):
        takedown(path)


def test_a_takedown_list_that_cannot_be_read_is_an_error_not_an_empty_list(tmp_path):
    with pytest.raises(LedgerError, match="cannot be read"):
        takedown(tmp_path / "absent.txt")
