"""Serves a review on this machine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dataset_builder.review.session import ReviewConfig, open_session


def serve(
    corpus_jsonl: str | Path,
    out: Path,
    reviewers: Sequence[str],
    port: int,
    *,
    host: str = "127.0.0.1",
    say: Callable[[str], None] = print,
    **settings: Any,
) -> None:
    """Serve until interrupted; says each reviewer's link, whose token is all that opens their desk.

    `corpus_jsonl` is whatever `build` reads; `settings` are the other fields of ReviewConfig. Decisions lie in
    `out/decisions`, one file a reviewer; on the same `out` the review goes on where it was.

    Raises:
        ReviewError: where the review cannot be held.
        SourceError: where the corpus cannot be read.
    """
    desks = open_session(ReviewConfig(str(corpus_jsonl), tuple(reviewers), **settings), out)
    from dataset_builder.review.page import build, launch  # seconds of imports, after what can be refused at once

    for token, desk in desks.items():
        say(f"{desk.reviewer}\t{len(desk.items)} conversations\thttp://{host}:{port}/?token={token}")
    launch(build(desks), host=host, port=port, quiet=True)
