"""The numbers of dataset_builder/README.md are those of the result files."""

from tests.dataset_builder import readme


def test_the_readme_shows_what_was_measured() -> None:
    text = readme.README.read_text(encoding="utf-8")
    shown = text.split(readme.BEGIN)[1].split(readme.END)[0].strip()
    assert shown == readme.body()
    assert text.count("| ours |") == 2
