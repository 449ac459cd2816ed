"""The README's numbers come from the result files, and are those of today."""

from pathlib import Path

import pytest

from model_card.errors import ModelCardError
from model_card.readme import BEGIN, END, write_readme

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_shows_what_the_result_files_hold(tmp_path):
    copy = tmp_path / "README.md"
    committed = (ROOT / "README.md").read_text(encoding="utf-8")
    copy.write_text(committed, encoding="utf-8")
    write_readme(copy, ROOT / "results")
    assert copy.read_text(encoding="utf-8") == committed
    assert "| trained |" in committed


@pytest.mark.parametrize("text", ["# Nothing", BEGIN, f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_readme_without_its_marks_is_refused(tmp_path, text):
    (tmp_path / "README.md").write_text(text)
    with pytest.raises(ModelCardError, match="once each"):
        write_readme(tmp_path / "README.md", ROOT / "results")


def test_a_folder_without_results_is_refused(tmp_path):
    (tmp_path / "README.md").write_text(f"{BEGIN}\n{END}\n")
    with pytest.raises(ModelCardError, match="no results in"):
        write_readme(tmp_path / "README.md", tmp_path)
