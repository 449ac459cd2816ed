"""Fills a marked block of a README from measured figures, so that no number in it is typed."""

from pathlib import Path

from dataset_builder import comparison
from dataset_builder.figures import measure
from dataset_builder.read import read
from dataset_builder.records import Record

BEGIN = "<!-- sample: written by `python -m dataset_builder readme` from the sample and its peers; do not edit -->"
END = "<!-- /sample -->"


class BlockError(ValueError):
    """A document without the marks between which something is to be written."""


def replace_block(document: Path, begin: str, end: str, body: str) -> None:
    """Replace what stands between the marks `begin` and `end` of `document`.

    Raises:
        BlockError: where the marks are not there once each.
    """
    text = document.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise BlockError(f"{document} does not hold the marks {begin!r} and {end!r} once each; put them back")
    before, rest = text.split(begin)
    document.write_text(f"{before}{begin}\n\n{body}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


def write_readme(readme: Path) -> None:
    """Write the sample's figures beside those of the public corpora into `readme`."""
    figures = measure(record for record in read("sample") if isinstance(record, Record))
    assert figures is not None
    replace_block(
        readme, BEGIN, END, f"{comparison.table('the sample', figures, bars=True)}\n\n{comparison.sources()}"
    )
