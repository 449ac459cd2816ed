"""How a review begins and goes on: what it notices about its corpus, its questions and its port."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dataset_builder.review.session import ReviewConfig, open_session
from dataset_builder.review.store import ReviewError
from dataset_builder.sources import SourceError

ROOT = Path(__file__).resolve().parents[3]


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def talks(count: int) -> list[dict[str, object]]:
    turns = [{"role": "user", "content": "今天有点累"}, {"role": "assistant", "content": "我在听，你慢慢说"}]
    return [
        {"question_id": f"q-{n}", "messages": [{**t, "content": f"{t['content']}{n}"} for t in turns] * 8}
        for n in range(count)
    ]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "accepted.jsonl", *talks(6))


def opened(corpus: Path, out: Path, **more: str) -> list[str]:
    """The notes of opening a review by ann."""
    notes: list[str] = []
    open_session(ReviewConfig(str(corpus), ("ann",), size=6, **more), out, notes.append)
    return notes


def test_a_corpus_that_grew_since_the_sample_was_drawn_is_said_to_have_changed(corpus: Path, tmp_path: Path) -> None:
    assert opened(corpus, tmp_path / "review") == [] == opened(corpus, tmp_path / "review")
    os.utime(corpus, (0, 0))
    assert opened(corpus, tmp_path / "review") == [], "the same content with another date is no change"
    write(corpus, *talks(7))
    for _ in range(2):
        [note] = opened(corpus, tmp_path / "review")
        assert note.startswith(f"{corpus} has changed since the sample was drawn; decisions on conversations that")
        assert note.endswith("for a new sample use --out")


def test_a_review_goes_on_without_its_corpus_and_says_so(corpus: Path, tmp_path: Path) -> None:
    opened(corpus, tmp_path / "review")
    corpus.unlink()
    [note] = opened(corpus, tmp_path / "review")
    assert note.startswith(f"{corpus} cannot be read any more; the review goes on")


def test_a_review_that_was_begun_without_a_digest_goes_on_in_silence(corpus: Path, tmp_path: Path) -> None:
    opened(corpus, tmp_path / "review")
    marker = tmp_path / "review" / "review.json"
    kept = json.loads(marker.read_text(encoding="utf-8"))
    del kept["digest"]
    marker.write_text(json.dumps(kept), encoding="utf-8")
    write(corpus, *talks(7))
    assert opened(corpus, tmp_path / "review") == []


def test_a_mistyped_corpus_is_missing_and_another_one_is_named_beside_the_old(corpus: Path, tmp_path: Path) -> None:
    opened(corpus, tmp_path / "review")
    with pytest.raises(SourceError, match=r"no corpus at '.*acepted\.jsonl'"):
        opened(tmp_path / "acepted.jsonl", tmp_path / "review")
    other = write(tmp_path / "other.jsonl", *talks(3))
    with pytest.raises(ReviewError, match=r"holds a review with corpus '.*accepted.jsonl' \(now '.*other.jsonl'\)"):
        opened(other, tmp_path / "review")


@pytest.mark.parametrize("identifier", ["q-2", 2])
def test_questions_are_read_as_rewrite_reads_them(tmp_path: Path, identifier: str | int) -> None:
    corpus = write(tmp_path / "accepted.jsonl", *({**row, "question_id": str(identifier)} for row in talks(1)))
    first = {"question_id": identifier, "question": "为什么总是累？", "answer": "先休息。"}
    rows = [["no question"], first, {**first, "question": "重复的", "answer": "不取"}]
    questions = write(tmp_path / "questions.jsonl", *rows)
    questions.write_bytes(b"\xff broken\n\n" + questions.read_bytes())
    config = ReviewConfig(str(corpus), ("ann",), questions=str(questions))
    [item] = next(iter(open_session(config, tmp_path / "review").values())).items
    assert (item.question, item.answer) == ("为什么总是累？", "先休息。")


def test_questions_of_another_corpus_are_refused_before_the_review_is_begun(corpus: Path, tmp_path: Path) -> None:
    questions = write(tmp_path / "questions.jsonl", {"question_id": "z-1", "question": "为什么总是累？"})
    with pytest.raises(ReviewError, match=r"questions\.jsonl has none of the questions of this corpus; give the file"):
        opened(corpus, tmp_path / "review", questions=str(questions))
    assert not (tmp_path / "review").exists()


def command(corpus: Path, out: Path, port: int) -> list[str]:
    arguments = ["review", str(corpus), "--reviewer", "ann", "--out", str(out), "--port", str(port)]
    return [sys.executable, "-m", "dataset_builder", *arguments]


def test_a_port_that_is_taken_is_one_line_and_begins_no_review(corpus: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = subprocess.run(
            command(corpus, tmp_path / "review", port), cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert result.returncode == 1
    assert result.stderr == f"error: port {port} is taken; give another with --port\n"
    assert not (tmp_path / "review").exists()


def test_the_links_are_followed_by_how_to_end_and_how_to_open_them_elsewhere(corpus: Path, tmp_path: Path) -> None:
    opened(corpus, tmp_path / "review")
    write(corpus, *talks(7))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    links, notes = tmp_path / "links", tmp_path / "notes"
    asked = [*command(corpus, tmp_path / "review", port), "--size", "6"]
    with links.open("w") as out, notes.open("w") as err:
        process = subprocess.Popen(asked, cwd=ROOT, stdout=out, stderr=err)
        try:
            deadline = time.monotonic() + 60
            while "Ctrl-C" not in notes.read_text(encoding="utf-8") and time.monotonic() < deadline:
                assert process.poll() is None, notes.read_text(encoding="utf-8")
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
    [line] = links.read_text(encoding="utf-8").splitlines()
    name, count, link = line.split("\t")
    assert (name, count) == ("ann", "6 conversations") and link.startswith(f"http://127.0.0.1:{port}/?token=")
    changed, how = [note for note in notes.read_text(encoding="utf-8").splitlines() if note.startswith("note: ")]
    assert "has changed since the sample was drawn" in changed
    assert how.startswith("note: Ctrl-C ends") and f"ssh -L {port}:127.0.0.1:{port} HOST" in how
