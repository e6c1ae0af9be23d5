"""Topics by head and prototypes, intents by prototypes alone, and the bundle that holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from ticketmill.domain.labels import Source, Status
from ticketmill.domain.taxonomy import Label, Taxonomy
from ticketmill.domain.ticket import Ticket, TicketMetadata
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.topics import heads_hash
from ticketmill.models.heads import HeadSpec, Kind, activate
from ticketmill.models.prototypes import Prototypes, describe, make_example_heads
from ticketmill.models.topics import Blend, NearestIntent, TopicScorer, Weights, shipped_blend
from ticketmill.pipeline.enricher import Enricher
from ticketmill.tasks import embedding, entities, intent, sentiment, summary, topics, urgency
from ticketmill.tasks import language as languages
from ticketmill.tasks.stage import EncodedTicket, Served
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.reading import read_ticket

BLEND = Blend(
    both=Weights(head=1.0, prototype=2.0, bias=0.5),
    alone=Weights(prototype=4.0, bias=-1.0),
    examples=Weights(head=8.0, prototype=2.0, bias=-2.0),
    half_way=2.0,
    intent_temperature=2.0,
    fitted_on="nothing",
)
X, Y = (1.0, 0.0), (0.0, 1.0)


def taxonomy(*names: str, task: Any = "topics", threshold: float = 0.3, top_k: int = 3) -> Taxonomy:
    labels = tuple(Label(label=name, description=f"about {name}") for name in names)
    return Taxonomy(task=task, labels=labels, threshold=threshold, top_k=top_k)


def prototypes(vectors: dict[str, tuple[float, float]], **options: Any) -> Prototypes:
    stored = np.array(list(vectors.values()), np.float32)
    nothing = np.zeros(2, np.float32)
    return Prototypes(taxonomy(*vectors, **options), stored, np.zeros_like(stored), nothing, nothing)


def with_examples(
    vectors: dict[str, tuple[float, float]], heads: dict[str, tuple[float, float]], count: int, **options: Any
) -> Prototypes:
    """Prototypes of which some have a head made of `count` examples."""
    plain = prototypes(vectors, **options)
    labels = tuple(
        label.model_copy(update={"examples": ("seen",) * count}) if label.label in heads else label
        for label in plain.taxonomy.labels
    )
    weights = np.array([heads.get(name, (0.0, 0.0)) for name in vectors], np.float32)
    return replace(plain, taxonomy=plain.taxonomy.model_copy(update={"labels": labels}), examples=weights)


class FixedHead:
    """Gives every ticket the same scores."""

    def __init__(self, kind: Kind, labels: tuple[str, ...], logits: Sequence[float]) -> None:
        self.spec = HeadSpec(kind=kind, labels=labels, temperature=1.0)
        self._logits = np.array(logits, np.float32)

    def probabilities(self, features: Sequence[Any]) -> Any:
        return activate(np.stack([self._logits] * len(features)), self.spec.kind)

    def evidence(self, _features: Any, _label: str) -> list[Any]:
        return []


def head(*labels: str, logits: Sequence[float], kind: Kind = "sigmoid") -> Any:
    return FixedHead(kind, labels, logits)


def row(*numbers: float) -> np.ndarray[Any, Any]:
    return np.array([numbers], np.float32)


def sigmoid(number: float) -> float:
    return 1 / (1 + math.exp(-number))


def test_a_label_that_the_head_knows_is_scored_by_head_and_prototype_and_any_other_alone() -> None:
    scorer = TopicScorer(prototypes({"lifts": X, "keys": Y}), head("other", "keys", logits=[3, -1]), BLEND)
    found = scorer.probabilities(row(0.6, 0.8), [None])[0]
    assert found[0] == pytest.approx(sigmoid(4 * 0.6 - 1), abs=1e-5)
    assert found[1] == pytest.approx(sigmoid(-1 + 2 * 0.8 + 0.5), abs=1e-5)


def test_each_topic_says_what_scored_it() -> None:
    scorer = TopicScorer(prototypes({"lifts": X, "keys": X}), head("keys", logits=[0]), BLEND)
    found = scorer.best(scorer.probabilities(row(*X), [None])[0])
    assert {(each.label, each.source) for each in found} == {
        ("lifts", Source.PROTOTYPE),
        ("keys", Source.HEAD),
    }


def test_what_all_tickets_have_in_common_says_nothing() -> None:
    plain = prototypes({"lifts": X, "keys": Y})
    without_background = replace(plain, background=np.array(X, np.float32))
    scorer = TopicScorer(without_background, head("none", logits=[0]), BLEND)
    assert scorer.probabilities(row(*X), [None])[0] == pytest.approx([sigmoid(-1), sigmoid(-5)])
    centred = replace(plain, centre=np.array(X, np.float32))
    scorer = TopicScorer(centred, head("none", logits=[0]), BLEND)
    assert scorer.probabilities(row(*X), [None])[0] == pytest.approx([sigmoid(-1), sigmoid(-1)])
    assert scorer.probabilities(row(*Y), [None])[0] == pytest.approx([sigmoid(-1), sigmoid(3)])


def test_a_label_with_examples_is_told_for_a_text_like_them_and_says_that_a_head_did_it() -> None:
    described = {"lifts": X, "keys": X}
    scorer = TopicScorer(with_examples(described, {"keys": Y}, count=2), head("none", logits=[0]), BLEND)
    found = scorer.probabilities(row(*Y), [None])[0]
    # two of two examples: half of the way
    assert found == pytest.approx([sigmoid(-1), sigmoid(4 - 1.5)], abs=1e-5)
    assert scorer.best(found) == (("keys", pytest.approx(sigmoid(2.5), abs=1e-5), Source.HEAD),)


def test_the_more_examples_the_more_they_weigh_and_the_less_the_description() -> None:
    few, many = (
        TopicScorer(
            with_examples({"lifts": X, "keys": X}, {"keys": Y}, count), head("none", logits=[0]), BLEND
        )
        for count in (1, 20)
    )
    like_examples, like_description = row(*Y), row(*X)
    assert few.probabilities(like_examples, [None])[0, 1] < many.probabilities(like_examples, [None])[0, 1]
    assert (
        few.probabilities(like_description, [None])[0, 1] > many.probabilities(like_description, [None])[0, 1]
    )


def test_examples_of_a_label_that_the_trained_head_knows_weigh_beside_it_like_its_prototype() -> None:
    shown = with_examples({"lifts": X, "keys": X}, {"keys": Y}, count=2)
    scorer = TopicScorer(shown, head("keys", logits=[-1]), BLEND)
    # the half of 8, and of that what `both` gives a prototype for what `alone` gives it
    assert scorer.probabilities(row(*Y), [None])[0, 1] == pytest.approx(
        sigmoid(-1 + 4 * 2 / 4 + 0.5), abs=1e-5
    )


def test_threshold_and_number_come_from_the_taxonomy() -> None:
    vectors = dict.fromkeys(("a", "b", "c", "d"), X)
    unknown = head("none", logits=[0])
    one = TopicScorer(prototypes(vectors, top_k=1), unknown, BLEND)
    assert [each.label for each in one.best(np.array([0.4, 0.9, 0.2, 0.5]))] == ["b"]
    high = TopicScorer(prototypes(vectors, threshold=0.5), unknown, BLEND)
    assert [each.label for each in high.best(np.array([0.4, 0.9, 0.2, 0.5]))] == ["b", "d"]
    assert high.best(np.array([0.4, 0.4, 0.4, 0.4])) == ()


def test_intents_that_no_head_knows_go_to_the_nearest_prototype() -> None:
    nearest = NearestIntent(prototypes({"lifts": X, "keys": Y}, task="intent", threshold=0.4), BLEND)
    found = nearest.probabilities(np.array([X, (0.6, 0.8)], np.float32))
    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert found[0, 0] == pytest.approx(sigmoid(2.0))
    assert found[1].argmax() == 1
    assert nearest.review_below == 0.4


def test_an_intent_with_examples_is_told_for_a_text_like_them_and_says_that_a_head_did_it() -> None:
    described = {"lifts": X, "keys": X}
    shown = with_examples(described, {"keys": Y}, count=2, task="intent")
    predict = intent.by_prototypes(NearestIntent(shown, BLEND))
    vector = np.array(Y, np.float32)
    encoded: Any = FakeEncoder().as_encoded(vector)
    (found,) = predict([EncodedTicket(TICKETS[0], read_ticket(TICKETS[0]), encoded, None, EntityFinder())])  # type: ignore[arg-type]
    assert (found.label, found.source) == ("keys", Source.HEAD)
    assert found.confidence == pytest.approx(sigmoid((4 - 0.5) / 2), abs=1e-4)


def test_all_labels_take_one_product_of_a_matrix() -> None:
    class Counted(np.ndarray[Any, Any]):
        products = 0

        def __matmul__(self, other: Any) -> Any:
            Counted.products += 1
            return np.asarray(self) @ other

    for labels in (24, 47):
        Counted.products = 0
        names = dict.fromkeys((f"label{number}" for number in range(labels)), X)
        shown = with_examples(names, {"label3": Y, "label5": Y}, count=5)
        scorer = TopicScorer(shown, head("label0", logits=[0]), BLEND)
        assert scorer.probabilities(row(*X).view(Counted), [None]).shape == (1, labels)
        assert Counted.products == 1


@dataclass
class FakeEncoder:
    """Knows the vectors of some texts; counts how often it is asked."""

    vectors: dict[str, tuple[float, float]] = field(default_factory=dict)
    calls: int = 0
    texts: int = 0
    most_tokens: int = 2048

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        self.calls += 1
        self.texts += len(texts)
        return [self.as_encoded(np.array(self.vectors.get(text, X), np.float32)) for text in texts]

    def as_encoded(self, vector: Any) -> Encoded:
        return Encoded(
            vector, np.stack([vector]), np.stack([vector] * 2), np.zeros((2, 2), np.int32), 1, False, 1
        )


def test_a_head_is_the_mean_of_the_examples_without_what_all_tickets_have_in_common() -> None:
    labels = (
        Label(label="big_lifts", description="going up"),
        Label(label="keys", description="opening doors", examples=("one", "two")),
    )
    encoder: Any = FakeEncoder({"big lifts: going up": Y, "keys: opening doors": X, "one": X, "two": Y})
    found = describe(Taxonomy(task="topics", labels=labels), ["one", "two"], np.array(X, np.float32), encoder)
    assert found.vectors == pytest.approx(np.array([Y, X]), abs=1e-6)
    assert found.background == pytest.approx(np.array([0.5, 0.5]))
    assert found.examples == pytest.approx(np.array([(0, 0), Y]), abs=1e-6)


def test_examples_are_read_like_tickets_without_links_and_handles() -> None:
    label = Label(label="keys", description="opening doors", examples=("lost my key http://a.b/c",))
    other = Label(label="lifts", description="going up")
    encoder: Any = FakeEncoder({"lost my key" + " " * 13: Y})
    found = make_example_heads(
        Taxonomy(task="topics", labels=(label, other)), encoder, np.zeros(2, np.float32)
    )
    assert found == pytest.approx(np.array([Y, (0, 0)]))


class BlindHeads:
    """Heads that see nothing of a ticket."""

    def read(self, texts: Sequence[str], *_encoded: Any) -> list[None]:
        return [None] * len(texts)


def enricher(
    encoder: Any, labels: int, language: str = "en", sure: float = 0.99, review_below: float = 0.9
) -> Enricher:
    names = [f"label{number}" for number in range(labels)]
    scorer = TopicScorer(prototypes(dict.fromkeys(names, Y)), head("label0", logits=[-9]), BLEND)

    class Detector:
        def detect(self, _text: str) -> tuple[str, float]:
            return language, sure

    detector: Any = Detector()
    nearest = NearestIntent(prototypes({"lifts": X, "keys": Y}, task="intent"), BLEND)
    heads: Any = BlindHeads()
    served: dict[str, Served[Any]] = {
        "intent": Served(intent.by_prototypes(nearest), "prototypes", 0.5),
        "urgency": Served(
            urgency.by_head(head("high", "low", logits=[0, 1], kind="softmax")), "onepass", review_below
        ),
        "sentiment": Served(
            sentiment.by_head(head("negative", "neutral", logits=[0, 1], kind="softmax")), "onepass", 0.5
        ),
        "topics": Served(topics.by_scorer(scorer), "onepass"),
        "summary": Served(summary.extractive(), "extractive"),
        "language": Served(languages.by_detector(detector), "detector"),
        "entities": Served(entities.by_patterns, "patterns"),
        "embedding": Served(embedding.by_encoder, "onepass/4"),
    }
    return Enricher(encoder, "fake", heads, served, "f", EntityFinder())


TICKETS = [
    Ticket(ticket_id=str(number), subject="The lift is stuck", metadata=TicketMetadata(tags=("up", "down")))
    for number in range(3)
]


@pytest.mark.parametrize("labels", [24, 47])
def test_more_labels_are_no_more_work_for_the_encoder(labels: int) -> None:
    encoder = FakeEncoder()
    enricher(encoder, labels).enrich(TICKETS)
    assert (encoder.calls, encoder.texts) == (1, len(TICKETS))


def test_an_intent_of_ones_own_taxonomy_says_that_a_prototype_served_it() -> None:
    (found, *_) = enricher(FakeEncoder(), 2).enrich(TICKETS)
    assert found.intent is not None
    assert (found.intent.label, found.intent.source) == ("lifts", Source.PROTOTYPE)
    assert set(found.intent.scores) == {"lifts", "keys"}


def test_a_ticket_without_a_topic_keeps_its_own_tags_as_a_fallback() -> None:
    (found, *_) = enricher(FakeEncoder(), 2).enrich(TICKETS)
    assert found.topics is not None
    assert [(each.label, each.confidence, each.source) for each in found.topics] == [
        ("up", 0.0, Source.FALLBACK),
        ("down", 0.0, Source.FALLBACK),
    ]


@pytest.mark.parametrize(
    ("language", "sure", "reasons"),
    [
        ("en", 0.99, ("urgency_confidence",)),
        ("de", 0.99, ("urgency_confidence", "language")),
        ("de", 0.6, ("urgency_confidence",)),
        ("und", 0.0, ("urgency_confidence",)),
    ],
)
def test_a_doubtful_label_and_a_foreign_language_want_a_persons_eye(
    language: str, sure: float, reasons: tuple[str, ...]
) -> None:
    (found, *_) = enricher(FakeEncoder(), 2, language, sure).enrich(TICKETS)
    assert found.review_reasons == reasons
    assert found.needs_review
    assert found.status is Status.ENRICHED


def test_nothing_doubtful_needs_no_review() -> None:
    (found, *_) = enricher(FakeEncoder(), 2, review_below=0.5).enrich(TICKETS)
    assert (found.review_reasons, found.needs_review) == ((), False)


def test_a_stage_that_failed_wants_a_persons_eye() -> None:
    broken = enricher(FakeEncoder(), 2, language="en", sure=7.0)  # no confidence is 7
    (found, *_) = broken.enrich(TICKETS)
    assert found.failed_stages == ("language",)
    assert found.review_reasons == ("urgency_confidence", "failed_stage")


def test_the_shipped_blend_was_fitted_for_the_shipped_heads() -> None:
    blend = Blend.model_validate_json(shipped_blend()["blend.json"])
    assert blend.fitted_on.startswith(heads_hash()), "run `ticketmill taxonomy fit`"
