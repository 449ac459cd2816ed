"""Writes what proofs and benchmarks found into dataset_builder/README.md: `python -m tests.dataset_builder.readme`."""

import json
from pathlib import Path
from typing import Any

from dataset_builder.readme import replace_block

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "dataset_builder" / "README.md"
BEGIN = "<!-- measured: written by `python -m tests.dataset_builder.readme` from results/; do not edit -->"
END = "<!-- /measured -->"


def _read(*parts: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(ROOT.joinpath("results", *parts).read_text(encoding="utf-8"))
    return loaded


def body() -> str:
    parts = [_proofs(), _speed(), _near_duplicates(), _engine(), _transcripts()]
    return "\n".join(["## What was measured", "", *(line for part in parts for line in (*part, ""))]).rstrip()


def _proofs() -> list[str]:
    """What `make prove` found; each is an assertion first, so a figure is here only if it held."""
    fuzz, kills = _read("proofs", "upstream_fuzz.json"), _read("proofs", "corpus_kills.json")
    leakage, topics = _read("proofs", "corpus_leakage.json"), _read("proofs", "topic_labels.json")
    crossed = topics["cross_validation"]
    given = next(each for each in crossed["curve"] if each["threshold"] == 0.7)
    personal = _read("proofs", "personal_data.json")
    return [
        f"- **Damage**: of {fuzz['files']:,} mutated upstream files, 5,000 a reader, each was read with its "
        "rejections counted or ended in one clear error, and no row beside the damage was lost.",
        f"- **Kills**: after {kills['kills']} SIGKILLs, {kills['builds_finished']} builds finished with the very "
        "bytes of one that nobody killed, and no finished task was done again.",
        f"- **Leakage**, on {leakage['train'] + leakage['test']:,} real conversations: "
        f"{leakage['openings_of_test_in_train']} openings of the test split are in train; the most alike two of test "
        f"and train, all pairs compared exactly, have a Jaccard index of {leakage['nearest']:.2f}, where 0.7 is a "
        "near-duplicate.",
        "- **Topics** are hard to tell by words: of the sample's texts, whose people seldom say what it is about, "
        f"{crossed['accuracy']:.2f} get the right one of 12 ({_interval(crossed)}). A label is given from a "
        f"confidence of 0.7, where {given['precision']:.2f} are right, of {given['coverage']:.2f} of the texts. On "
        f"CPsyCounE it is {_cpsycoune(topics)}. Where topics matter, use an endpoint.",
        f"- **Personal data**: {_personal(personal)}",
        f"- **Clients**: {_clients(_read('proofs', 'corpus_clients.json')['clients'])}",
        f"- **Rewriting**: {_rewriting()}",
        "",
        "`make prove` does all of it again; `make test` does a tenth.",
    ]


def _rewriting() -> str:
    kills, checks = _read("proofs", "rewrite_kills.json"), _read("proofs", "transcript_validation.json")
    return (
        f"after {kills['kills']} SIGKILLs in one run of {kills['questions']:,} questions no row is lost or there "
        "twice, the files are those of a run that nobody killed, and no answer on disk was paid for again. Of "
        f"{checks['mutants']['made']:,} transcripts spoilt in {len(checks['mutations'])} ways "
        f"{100 * checks['mutants']['share']:.2f} % are refused, and all {checks['clean']['transcripts']:,} good ones, "
        f"in {checks['clean']['styles']} layouts, are taken."
    )


def _clients(found: dict[str, Any]) -> str:
    """Who reads the corpus, and who has trained on it."""
    readers = [name.replace("==", " ") for name, each in found.items() if "rows_identical" in each]
    losses = {name.replace("==", " "): each["loss"] for name, each in found.items() if "loss" in each}
    trained = " and ".join(f"{name} (loss {loss:.2f})" for name, loss in losses.items())
    return (
        f"{', '.join(readers)} load the same rows, whole and streamed, offline, with an empty cache; {trained} train "
        "a step on the folder as it is."
    )


def _personal(found: dict[str, Any]) -> str:
    """What is found of made-up data, and how often anything is found in real turns."""
    recalls = {kind: figures["recall"]["rate"] for kind, figures in found["kinds"].items()}
    weak = [kind for kind, recall in sorted(recalls.items(), key=lambda item: item[1]) if recall < 0.95]
    named = ", ".join(f"{recalls[kind]:.2f} of the {kind}s" for kind in weak)
    real, rest = found["real_turns"], min(recall for kind, recall in recalls.items() if kind not in weak)
    return (
        f"of {found['pieces_of_each_kind']:,} made-up pieces of each of {len(recalls)} kinds, in sentences that were "
        f"not tuned on, {named}, and of every other kind at least {rest:.2f} were found whole; "
        f"{found['look_alikes']['sentences']:,} look-alikes gave {sum(found['look_alikes']['findings'].values())} "
        f"findings. In {real['turns']:,} real turns there are {real['findings_in_1000_turns']:.2f} findings in 1,000, "
        "nearly all of them names that stand there. Real people write names in more ways than made-up ones: expect "
        "less recall."
    )


def _interval(found: dict[str, Any]) -> str:
    low, high = found["wilson_95"]
    return f"95 % interval {low:.2f} to {high:.2f}"


def _cpsycoune(topics: dict[str, Any]) -> str:
    found = topics["cpsycoune"]
    return f"right for {found['accuracy']:.2f} of {found['texts']} dialogues, and no better for being sure"


def _speed() -> list[str]:
    bench = _read("benchmarks", "corpus.json")
    rows = [
        f"| {name} | {each['rows']:,} | {each['rows_a_cpu_s']:,.0f} | {each['wall_s']:,.0f} s | "
        f"{each['peak_mb']:,} MB |"
        for name, each in bench["results"].items()
    ]
    return [
        f"The whole pipeline on {bench['machine']['cores']} cores, all its processes counted:",
        "",
        "| dialogues | rows | rows a CPU second | time | memory, at the most |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]


def _transcripts() -> list[str]:
    """How much of what others released would pass as rewritten by the paper's prompt."""
    corpora = _read("proofs", "transcript_validation.json")["corpora"]
    rows = [
        f"| {name} | {each['dialogues']:,} | {100 * each['share']:.0f} % | "
        f"{100 * each['with_any_number_of_rounds']['share']:.0f} % | {_reasons(each['reasons'])} |"
        for name, each in corpora.items()
    ]
    return [
        "Public corpora by the rules for rewritten conversations; the paper's prompt asks for 8 to 20 rounds:",
        "",
        "| corpus | dialogues | pass | with any number of rounds | most are refused for |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]


def _engine() -> list[str]:
    """Rewriting beside its peers, on one scripted endpoint."""
    found = _read("benchmarks", "rewriting.json")
    even, uneven = found["50 ms"], found["50 ms, 2 % of 2 s"]
    long, million = found["1 s, 2 % of 20 s"], found["million"]
    rows = [
        f"| {name} | {each['requests_per_s']:,.0f} | {uneven[name]['requests_per_s']:,.0f} "
        f"| {each['cpu_ms_a_request']:.1f} ms |"
        for name, each in even.items()
        if isinstance(each, dict) and "runs" in each
    ]
    return [
        f"Rewriting with {found['in_flight']} requests in flight, in requests a second, against an endpoint that "
        "answers in 50 ms; then 2 % of its answers take 2 s. The bare loop keeps and checks nothing:",
        "",
        "| | 50 ms | 2 % of 2 s | CPU a request |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"With answers of 1 s, and of 20 s for {long['slow']} of {long['requests']:,}, it takes "
        f"{long['seconds']:.1f} s where a perfect pool takes {long['perfect_s']:.1f} s. A million questions against "
        f"an endpoint that answers at once take {million['seconds'] / 60:.0f} minutes and "
        f"{max(million['peak_mb'].values()):.0f} MB at the most, no more at the end than after a tenth; started again "
        f"on what is finished, {million['resume']['seconds']:.0f} s.",
    ]


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in list(counts.items())[:3])


def _near_duplicates() -> list[str]:
    bench = _read("benchmarks", "near_duplicates.json")
    rows = bench["rows"]
    table = [
        f"| {name} | {each['cpu_s']:.1f} s | {each['peak_rss_mb']:.0f} MB | {100 * each['recall']:.1f} % | "
        f"{each.get('false_merges', '–')} |"
        for name, each in bench["contenders"].items()
        if each.get("recall") is not None
    ]
    return [
        f"Near-duplicates among {rows['originals']:,} dialogues and {rows['copies']:,} copies with "
        f"{100 * bench['changed']:.0f} % of their characters changed, each contender in a process of its own:",
        "",
        "| | CPU | memory | copies found | false merges |",
        "| --- | --- | --- | --- | --- |",
        *table,
        "",
        "`make bench` measures both again.",
    ]


if __name__ == "__main__":
    replace_block(README, BEGIN, END, body())
