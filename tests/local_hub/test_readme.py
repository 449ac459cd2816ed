"""The numbers of local_hub/README.md are those of the result files."""

from tests.local_hub import readme


def test_the_readme_shows_what_was_measured() -> None:
    text = readme.README.read_text(encoding="utf-8")
    shown = text.split(readme.BEGIN)[1].split(readme.END)[0].strip()
    assert shown == readme.body()
    assert text.count("| upload over Xet |") == 1
