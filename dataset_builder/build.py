"""Builds the corpus folder that `load_dataset` reads, stage by stage; starting is resuming."""

import fcntl
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from dataset_builder.config import CorpusConfig, as_dict
from dataset_builder.inputs import Input
from dataset_builder.pipeline.cleaning import Clean
from dataset_builder.pipeline.dealing import Deal
from dataset_builder.pipeline.executors import KEY, Executor, Run, runner
from dataset_builder.pipeline.finishing import REVIEWED, Made, crisis_folder, finish, is_corpus
from dataset_builder.pipeline.grouping import Group
from dataset_builder.pipeline.ingest import Ingest, raw_shards
from dataset_builder.pipeline.labelling import LabelTopics
from dataset_builder.pipeline.stage import HOST, Stage, Work, outputs
from dataset_builder.pipeline.writing import WriteShards, gather_lines
from dataset_builder.report import Report, SourceReport
from dataset_builder.review.apply import logged, outcomes

ROOT = Path(__file__).resolve().parent.parent

Progress = Callable[[str, int, int, str], None]
"""Called every second with the name of a stage, how many of its tasks are done, how many there are, and a note."""


class NothingKept(ValueError):
    """A source without a single valid dialogue."""


class PlaceError(ValueError):
    """A folder that a build must not touch; nothing was."""


@dataclass(frozen=True)
class Build:
    """What is built, from what, and where."""

    inputs: tuple[Input, ...]
    config: CorpusConfig
    out: Path  # the corpus folder; conversations in a crisis go to `<out>-crisis`
    work: Path  # scratch of this build; keeps rejected.jsonl
    taken_down: frozenset[str] = frozenset()
    external: tuple[Input, ...] = ()  # test sets of others, which the corpus must not contain
    executor: Executor = field(default_factory=Executor)
    decisions: Path | None = None  # of a review, a file for each reviewer

    def key(self) -> str:
        """Of everything that the result depends on: sources, settings, and the code that works on them."""
        digest = hashlib.sha256(json.dumps(as_dict(self.config), sort_keys=True).encode())
        for inputs in (self.inputs, self.external):  # a corpus that becomes a test set is another build
            digest.update(f"{len(inputs)}\0".encode())
            for each in inputs:
                digest.update(each.fingerprint().encode())
        digest.update("\0".join(sorted(self.taken_down)).encode())
        for file in sorted(self.decisions.glob("*.jsonl")) if self.decisions else ():
            digest.update(file.read_bytes())
        for package in ("dataset_builder", "safety"):
            for file in sorted((ROOT / package).rglob("*")):
                if file.suffix in (".py", ".yaml", ".txt", ".jsonl", ".md"):
                    digest.update(file.read_bytes())
        return digest.hexdigest()


def build(what: Build, progress: Progress = lambda name, done, tasks, note: None) -> Report:
    """Build the corpus into `what.out`, replacing what is there only once the new one is whole.

    Killed at any moment and started again, it goes on: no finished shard is made twice, and none is ever half there.
    Another source, setting or version of the code starts afresh.

    Raises:
        NothingKept: where no dialogue is valid; `out` is then left as it was.
        PlaceError: where `out` or `work` holds what no build has made, or another build is at work.
        SourceError: where a source cannot be read.
        ExecutorError: where a stage did not finish.
    """
    what = replace(what, out=what.out.resolve(), work=what.work.resolve())  # one folder has one name
    _check_places(what)
    with _alone(what.work):
        _prepare(what)
        with ExitStack() as stack:  # the processes are gone before the report, which takes most of the memory
            run = stack.enter_context(runner(what.executor))
            here = run if what.executor.kind == "pool" else stack.enter_context(runner(Executor()))
            alone = stack.enter_context(runner(Executor(workers=1)))
            made = _do_stages(what, _Stages(what, run, here, alone, progress))
        progress("report", 0, 1, "")
        finish(made, out=what.out, work=what.work)
        progress("report", 1, 1, "")
    return made.report


def _do_stages(what: Build, stages: "_Stages") -> Made:
    work, config = what.work, what.config
    shards = stages.read("read", what.inputs, config.read.rows_per_shard)
    decided_by_people = outcomes(what.decisions) if what.decisions else {}
    cleaning = Clean(shards, what.inputs, config, what.taken_down, decisions=decided_by_people)
    clean = stages.do("clean", len(shards), cleaning)
    report = _counted(what, clean)
    if not report.kept:
        raise NothingKept(f"no valid dialogue in {report.name}: {report.line()}")
    cleaned = outputs(clean)
    report.reviewed = len(decided_by_people)
    report.reviewed_elsewhere = len(decided_by_people.keys() - logged(folder / REVIEWED for folder in cleaned))
    # Beside the scratch folder, which another setting empties: what an endpoint was paid for stays.
    answers = work.with_name(f"{work.name}-topic-answers.jsonl")
    labelled = outputs(stages.do("label", len(shards), LabelTopics(cleaned, config.topics, answers)))
    test_sets = _test_sets(what, stages)
    group = stages.do("group", 1, Group(cleaned, labelled, config, test_sets))
    decided, report.groups = group.output(0), next(group.summaries())["groups"]
    sources = tuple(what.inputs[number].name for number, _ in shards)
    deal = stages.do("split", len(shards), Deal(cleaned, labelled, sources, decided))
    for summary in deal.summaries():
        report.sources[summary["source"]].add_dealt(summary)
    if not report.kept:
        raise NothingKept(f"no valid dialogue in {report.name}: {report.line()}")
    partitions = gather_lines(outputs(deal), work / "lines")
    write = stages.do("write", len(partitions), WriteShards(partitions, work / "lines"))
    report.leakage = json.loads((decided / "leakage.json").read_text(encoding="utf-8"))
    if not report.leakage["none"]:
        raise NothingKept(f"splits of {report.name} leak, so nothing was published: {report.leakage}")
    return Made(report, cleaned, outputs(deal), write)


class _Stages:
    """Runs stages of a build, each where it should run."""

    def __init__(self, what: Build, run: Run, here: Run, alone: Run, progress: Progress) -> None:
        self._what, self._progress = what, progress
        self._run, self._here, self._alone = run, here, alone

    def do(self, name: str, tasks: int, work: Work) -> Stage:
        """The finished stage."""
        stage = Stage(name, self._what.work / name, tasks, work)
        self._runner(work)(stage, lambda done, tasks: self._progress(name, done, tasks, self._note(work)))
        return stage

    def _runner(self, work: Work) -> Run:
        if isinstance(work, LabelTopics) and work.config.labeller == "endpoint":
            return self._alone  # the answers are one file; many requests are in flight all the same
        # Sources are read where they lie; grouping is one task, which needs the memory of this machine only.
        return self._here if isinstance(work, Ingest | Group) else self._run

    def read(self, name: str, inputs: tuple[Input, ...], rows_per_shard: int) -> tuple[tuple[int, Path], ...]:
        """The raw shards of `inputs`, each with the number of its input."""
        raw = self._what.work / f"{name}-shards"
        self.do(name, len(inputs), Ingest(inputs, raw, rows_per_shard))
        return tuple(raw_shards(raw))

    def _note(self, work: Work) -> str:
        """Of the first stage, whose tasks are whole sources, how far it is."""
        return f"{len(raw_shards(work.raw))} shards of {work.rows_per_shard:,}" if isinstance(work, Ingest) else ""


def _check_places(what: Build) -> None:
    """Refuse to replace a folder that no build has made, and to build into one that a build empties."""
    out, work = what.out, what.work
    if out == work or out.is_relative_to(work) or work.is_relative_to(out):
        raise PlaceError(f"the corpus folder {str(out)!r} and the scratch {str(work)!r} lie in one another")
    stored = work / KEY
    ours = stored.is_file() and re.fullmatch(
        r"(?:[0-9a-f]{64})?", stored.read_text(encoding="utf-8", errors="replace")
    )
    places = ((out, is_corpus(out), "corpus"), (crisis_folder(out), is_corpus(crisis_folder(out)), "set of crises"))
    for folder, made, kind in (*places, (work, bool(ours), "scratch folder of a build")):
        if folder.exists() and not made and (not folder.is_dir() or any(folder.iterdir())):
            raise PlaceError(f"{str(folder)!r} is no {kind} and would be replaced: name another, or empty it yourself")


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Two builds in one scratch folder would take each other's half-done outputs away."""
    lock = work.with_name(f".{work.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes with the process, however that ends
        except BlockingIOError:
            raise PlaceError(f"another build works in {str(work)!r}; wait for it, or name another --work") from None
        yield


def _prepare(what: Build) -> None:
    """Empty the scratch folder unless it is of this very build, and take away what a kill left half done."""
    key, stored = what.key(), what.work / KEY
    if not stored.is_file() or stored.read_text() != key:
        what.work.mkdir(parents=True, exist_ok=True)
        stored.write_text("")  # of no build: killed from here on, the next one empties the folder again
        for path in what.work.iterdir():
            if path != stored:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        stored.write_text(key)
    for scratch in what.work.glob(f"*/.[0-9]*-{HOST}-*"):  # of other machines there may be tasks that still run
        shutil.rmtree(scratch, ignore_errors=True)


def _counted(what: Build, clean: Stage) -> Report:
    dated = max(each.changed() for each in what.inputs)
    sources = {each.name: SourceReport() for each in what.inputs}
    report = Report(sources, as_dict(what.config), dated, all(each.reader == "sample" for each in what.inputs))
    for summary in clean.summaries():
        report.sources[summary["source"]].add_cleaned(summary)
    return report


def _test_sets(what: Build, stages: _Stages) -> tuple[Path, ...]:
    """The test sets of others, cleaned: whatever our own rules think of a row, the corpus must not contain it."""
    if not what.external:
        return ()
    shards = stages.read("read-test-sets", what.external, what.config.read.rows_per_shard)
    lenient = replace(
        what.config.clean,
        crisis=False,
        residue=False,
        identity=False,
        paper_filter=False,
        personal_data="redact",
        min_rounds=1,
        max_rounds=1 << 40,
        longest_turn=1 << 40,
    )
    work = Clean(shards, what.external, replace(what.config, clean=lenient), frozenset(), test_set=True)
    stage = stages.do("test-sets", len(shards), work)
    compared: Counter[str] = Counter()
    for summary in stage.summaries():
        compared[summary["source"]] += summary["rows"].get("kept", 0)
    for each in what.external:
        if not compared[each.name]:
            raise NothingKept(f"no row of the test set {each.name} can be compared, so it would guard nothing")
    return outputs(stage)
