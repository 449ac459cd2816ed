"""The topic of a conversation that came without one: words that speak for a topic, weighed on the shipped sample.

The words are topic_words.yaml. From the sample come how rare each is, how much each topic's words turn up anyway, and
how far the outcome can be trusted. Character n-grams learned from the sample alone do worse (results/proofs/
topic_labels.json has both), and nothing once the words are there: 144 conversations are too few.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import yaml

from dataset_builder.topics import TOPICS, topic_id

THRESHOLD = 0.7
"""The confidence from which a topic is given. On the sample 0.73 of such labels are right; 0.03 of its texts get one,
since its people seldom say what it is about. On CPsyCounE it is 0.36, and 0.28 get one: where every topic is told in
words of emotion, confidence is too high. results/proofs/topic_labels.json has both curves."""
FOLDS = 5
OPENING = 2
"""The first turns of a user, which count twice: 0.33 of held-out texts are right, 0.32 without."""
READ = 2_000
"""Characters that are read of what a user says."""

_HERE = Path(__file__).parent
_STRENGTH = {"strong": 2.0, "weak": 1.0}
_SMOOTHING = 10.0  # evidence below which a topic's lift shrinks towards none; 3 to 20 do as well
_SHARPNESSES = [0.1 * 1.05**i for i in range(100)]  # 0.1 to 12.5

Messages = Sequence[Mapping[str, str]]
_Found = list[tuple[str, float]]  # the words that stand in a text, each with log(1 + times)


@dataclass(frozen=True, slots=True)
class Label:
    """A topic, or None where nothing supports one enough.

    `confidence` is the classifier's share of such labels that are right on the sample, what an endpoint's model says
    of itself, or 1 for a source's own label.
    """

    topic: str | None
    confidence: float
    by: Literal["classifier", "endpoint", "source"]


class Held(NamedTuple):
    """A text of the sample, and what was thought of it without having seen its question."""

    topic: str
    guess: str
    confidence: float


def from_source(label: str | None) -> Label | None:
    """The label that a source's own wording amounts to; None where it names none of the 12 topics."""
    topic = topic_id(label)
    return Label(topic, 1.0, "source") if topic else None


def label(conversations: Sequence[Messages], *, threshold: float = THRESHOLD) -> list[Label]:
    """A label for each conversation, in order, by a `Labeller` of the shipped sample, made at the first call."""
    return _of_sample().label(conversations, threshold=threshold)


class Labeller:
    """Labels conversations, whose text is simplified Chinese and whose roles are the record's."""

    def __init__(self, weights: "_Weights", sharpness: float) -> None:
        self._weights = weights
        self._sharpness = sharpness

    @classmethod
    def of_sample(cls) -> "Labeller":
        """Weighed on all of the sample, its confidence calibrated on what was held out of five folds."""
        found = [(topic, text_found) for _, topic, text_found in _sample()]
        return cls(_weigh([text_found for _, text_found in found]), _sharpness(_held_lifts(seed=0)))

    def label(self, conversations: Sequence[Messages], *, threshold: float = THRESHOLD) -> list[Label]:
        """A label for each, in order; one below `threshold` (0 to 1) has no topic, and keeps its confidence."""
        return [self._label(evidence_text(messages), threshold) for messages in conversations]

    def _label(self, text: str, threshold: float) -> Label:
        topic, confidence = _likeliest(_lifts(_find(text), self._weights), self._sharpness)
        return Label(topic if confidence >= threshold else None, confidence, "classifier")


def evidence_text(messages: Messages) -> str:
    """What the user says, a line a turn, the opening twice; counsellors speak of therapy whatever it is about."""
    turns = [turn["content"] for turn in messages if turn["role"] == "user"]
    return "\n".join(turns[:OPENING] + turns)[:READ]


def cross_validate(seed: int) -> list[Held]:
    """Every question and every conversation of the sample, judged from the folds that do not hold its question."""
    held = _held_lifts(seed)
    sharpness = _sharpness(held)
    return [Held(topic, *_likeliest(lifts, sharpness)) for topic, lifts in held]


@cache
def _of_sample() -> Labeller:
    return Labeller.of_sample()


class _Weights(NamedTuple):
    rarity: Mapping[str, float]  # of a word, at least 0
    shares: Mapping[str, float]  # of all evidence, what a topic's words have on average


@cache
def _words() -> Mapping[str, Mapping[str, float]]:
    """Every word with the topics that it speaks for and how much; a word of two topics gives each half."""
    listed = yaml.safe_load((_HERE / "topic_words.yaml").read_text(encoding="utf-8"))
    words: dict[str, dict[str, float]] = {}
    for topic, tiers in listed.items():
        for tier, lines in tiers.items():
            for word in " ".join(lines).split():
                words.setdefault(word, {})[topic] = _STRENGTH[tier]
    return {word: {topic: s / len(topics) for topic, s in topics.items()} for word, topics in words.items()}


@cache
def _sample() -> tuple[tuple[str, str, _Found], ...]:
    """Question id, topic and words of each question and of each conversation of the sample."""
    texts = []
    for topic in TOPICS:
        for line in (_HERE / "sample" / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for messages in ([{"role": "user", "content": row["question"]}], row["messages"]):
                texts.append((row["question_id"], topic, _find(evidence_text(messages))))
    return tuple(texts)


@cache
def _by_first() -> Mapping[str, Sequence[str]]:
    """The words by their first character: a text has few of those, and only their words need to be looked for."""
    return {first: [word for word in _words() if word[0] == first] for first in {word[0] for word in _words()}}


def _find(text: str) -> _Found:
    found = []
    for first in dict.fromkeys(text):  # not a set, whose order changes from run to run, and with it the sums
        for word in _by_first().get(first, ()):
            if times := text.count(word):
                found.append((word, math.log1p(times)))
    return found


def _weigh(texts: Sequence[_Found]) -> _Weights:
    holding = Counter(word for found in texts for word, _ in found)
    rarity = {word: math.log((1 + len(texts)) / (1 + holding[word])) for word in _words()}
    evidence = [_evidence(found, rarity) for found in texts]
    totals = {topic: sum(e[topic] for e in evidence) for topic in TOPICS}
    return _Weights(rarity, {topic: total / sum(totals.values()) for topic, total in totals.items()})


def _evidence(found: _Found, rarity: Mapping[str, float]) -> dict[str, float]:
    evidence = dict.fromkeys(TOPICS, 0.0)
    for word, times in found:
        for topic, strength in _words()[word].items():
            evidence[topic] += times * rarity[word] * strength
    return evidence


def _lifts(found: _Found, weights: _Weights) -> dict[str, float]:
    """How far each topic's evidence is above what its words have in any text; log, 0 where there is none."""
    evidence = _evidence(found, weights.rarity)
    total = sum(evidence.values())
    return {
        topic: math.log((evidence[topic] + _SMOOTHING) / (total * weights.shares[topic] + _SMOOTHING))
        for topic in TOPICS
    }


def _likeliest(lifts: Mapping[str, float], sharpness: float) -> tuple[str, float]:
    topic = max(TOPICS, key=lifts.__getitem__)
    return topic, round(1 / sum(math.exp(sharpness * (lift - lifts[topic])) for lift in lifts.values()), 4)


def _held_lifts(seed: int) -> list[tuple[str, dict[str, float]]]:
    """The topic of each text of the sample, with its lifts from weights of the other folds."""
    draw = random.Random(seed)
    fold: dict[str, int] = {}
    for topic in TOPICS:
        questions = sorted({question for question, of, _ in _sample() if of == topic})
        draw.shuffle(questions)
        fold |= {question: i % FOLDS for i, question in enumerate(questions)}
    weights = [_weigh([found for q, _, found in _sample() if fold[q] != k]) for k in range(FOLDS)]
    return [(topic, _lifts(found, weights[fold[question]])) for question, topic, found in _sample()]


def _sharpness(held: Sequence[tuple[str, Mapping[str, float]]]) -> float:
    """The factor on the lifts with which the softmax of them gives held-out topics the most probability."""

    def loss(sharpness: float) -> float:
        return sum(
            math.log(sum(math.exp(sharpness * (lift - lifts[topic])) for lift in lifts.values()))
            for topic, lifts in held
        )

    return min(_SHARPNESSES, key=loss)
