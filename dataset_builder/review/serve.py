"""Serves a review on this machine."""

import errno
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dataset_builder.review.session import ReviewConfig, open_session
from dataset_builder.review.store import ReviewError


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
    `out/decisions`, one file a reviewer; on the same `out` the review goes on where it was. Notes go to stderr.

    Raises:
        ReviewError: where the review cannot be held.
        SourceError: where the corpus or the questions cannot be read.
    """
    config = ReviewConfig(str(corpus_jsonl), tuple(reviewers), **settings)
    _check_port(host, port)  # before the session: perhaps it is this review that is served already
    desks = open_session(config, out, _note)
    from dataset_builder.review.page import build, launch  # seconds of imports, after what can be refused at once

    for token, desk in desks.items():
        say(f"{desk.reviewer}\t{len(desk.items)} conversations\thttp://{host}:{port}/?token={token}")
    sys.stdout.flush()  # into a pipe, links would wait for the end
    _note(
        "Ctrl-C ends, and the same command goes on; the links are for this machine: "
        f"ssh -L {port}:{host}:{port} HOST brings them to another"
    )
    launch(build(desks), host=host, port=port, quiet=True)


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a port just left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            why = "taken" if error.errno == errno.EADDRINUSE else f"not to be had ({error.strerror})"
            raise ReviewError(f"port {port} is {why}; give another with --port") from None


def _note(said: str) -> None:
    print(f"note: {said}", file=sys.stderr)
