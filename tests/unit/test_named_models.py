"""What named models say, as predictions, and what takes their place; with models made of a few lines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ticketmill.domain.enrichment import SentimentPrediction, Summary
from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Sentiment, Source
from ticketmill.domain.model_choice import ModelChoice
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.encoder import Encoded
from ticketmill.models.transformers import store
from ticketmill.models.transformers.runner import ModelRunner, Reason
from ticketmill.tasks import intent, sentiment, summary, topics
from ticketmill.tasks.stage import EncodedTicket, Fallback, Loaded, with_fallback
from ticketmill.telemetry.metrics import ModelMetrics
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.reading import read_ticket

LABELS = ("billing", "refunds", "orders", "login")
LONG = (
    "I was charged twice for my order and nobody answers the phone, so please send the money back at once. "
)


def encoded(ticket_id: str, body: str = LONG, tags: Sequence[str] = ()) -> EncodedTicket:
    nothing = np.zeros((0, 2), np.int32)
    read = Encoded(
        np.zeros(4, np.float32),
        np.zeros((7, 4), np.float32),
        nothing,
        nothing,
        1,
        False,
        1,  # type: ignore[arg-type]
    )
    ticket = Ticket(ticket_id=ticket_id, body=body, metadata={"tags": list(tags)})  # type: ignore[arg-type]
    return EncodedTicket(ticket, read_ticket(ticket), read, None, EntityFinder())  # type: ignore[arg-type]


class FakeClassifier:
    resident_mb = 1.0

    def __init__(self, *rows: Sequence[float]) -> None:
        self.rows = rows

    def probabilities(self, texts: Sequence[str]) -> Any:
        return np.array(self.rows[: len(texts)], np.float32)


class FakeZeroShot:
    """Says that the labels of `fits` follow from any text, and remembers what it was asked."""

    resident_mb = 1.0

    def __init__(self, **fits: float) -> None:
        self.fits = fits
        self.asked: list[str] = []

    def ask(self, questions: Sequence[tuple[str, str]]) -> Any:
        self.asked += [label for _, label in questions]
        return np.array([[self.fits.get(label, -4.0), 0.0] for _, label in questions], np.float32)


class Written(NamedTuple):
    text: str
    grounded: float
    truncated: bool


class FakeSummarizer:
    resident_mb = 1.0

    def summarize(self, texts: Sequence[str]) -> list[Written]:
        return [Written(f"About {len(text)} characters.", 0.25, True) for text in texts]


def rank(*order: str) -> Callable[[Sequence[EncodedTicket]], Any]:
    """Every ticket is nearest to the labels in this order."""
    row = [-order.index(label) if label in order else -99 for label in LABELS]
    return lambda tickets: np.array([row] * len(tickets), np.float32)


def test_scores_are_told_in_our_labels_and_in_the_models_own() -> None:
    own, labels = ["Neg", "Mixed", "Pos"], list(Sentiment)
    loaded = sentiment.by_classifier(FakeClassifier((0.1, 0.2, 0.7)), own, labels)  # type: ignore[arg-type]
    (found,) = loaded([encoded("T1")])
    assert (found.label, found.confidence, found.source) == (Sentiment.POSITIVE, 0.7, Source.HUB)
    assert found.scores == {"negative": 0.1, "neutral": 0.2, "positive": 0.7}
    assert found.raw_scores == {"Neg": 0.1, "Mixed": 0.2, "Pos": 0.7}


def test_only_the_nearest_labels_are_asked_about() -> None:
    model = FakeZeroShot(refunds=3.0, login=5.0)
    loaded = topics.by_entailment(model, LABELS, rank("refunds", "billing"), 2, top_k=3)  # type: ignore[arg-type]
    (found,) = loaded([encoded("T1")])
    assert model.asked == ["billing", "refunds"]
    assert [(topic.label, topic.source) for topic in found] == [("refunds", Source.HUB)]
    assert found[0].confidence == pytest.approx(0.9526, abs=1e-4)


def test_without_pre_selection_all_labels_are_asked_about_and_the_best_are_told_first() -> None:
    model = FakeZeroShot(refunds=3.0, login=5.0, billing=1.0, orders=2.0)
    loaded = topics.by_entailment(model, LABELS, rank("refunds"), 0, top_k=2)  # type: ignore[arg-type]
    (found,) = loaded([encoded("T1")])
    assert model.asked == list(LABELS)
    assert [topic.label for topic in found] == ["login", "refunds"]


def test_a_ticket_that_no_label_follows_from_shows_its_own_tags() -> None:
    loaded = topics.by_entailment(FakeZeroShot(), LABELS, rank("refunds"), 2, top_k=3)  # type: ignore[arg-type]
    tagged, untagged = loaded([encoded("T1", tags=["vip"]), encoded("T2")])
    assert [(topic.label, topic.source) for topic in tagged] == [("vip", Source.FALLBACK)]
    assert untagged == ()


def test_an_intent_is_the_best_of_those_asked_about() -> None:
    model = FakeZeroShot(refunds=3.0, billing=1.0)
    loaded = intent.by_entailment(model, LABELS, rank("refunds", "billing"), 2)  # type: ignore[arg-type]
    (found,) = loaded([encoded("T1")])
    assert (found.label, found.source) == ("refunds", Source.HUB)
    assert sum(found.scores.values()) == pytest.approx(1, abs=1e-3)
    assert set(found.scores) == set(found.raw_scores) == {"billing", "refunds"}


def test_a_summarizer_is_shown_long_tickets_alone_and_all_come_back_in_order() -> None:
    def short(tickets: Sequence[EncodedTicket]) -> list[Summary]:
        return [
            Summary(
                text=each.ticket.body,
                display=each.ticket.body,
                source=Source.EXTRACTIVE,
                confidence=1,
                compression=1,
            )
            for each in tickets
        ]

    loaded = summary.by_summarizer(FakeSummarizer(), short)  # type: ignore[arg-type]
    found = loaded(
        [
            encoded("T1", "Hello there"),
            encoded("T2"),
            encoded("T3", "Bye"),
            encoded("T4", LONG * 2),
        ]
    )
    summaries = [each for each in found if isinstance(each, Summary)]
    assert [each.text for each in summaries] == [
        "Hello there",
        f"About {len(LONG)} characters.",
        "Bye",
        f"About {2 * len(LONG)} characters.",
    ]
    assert [each.truncated for each in summaries] == [False, True, False, True]
    assert (summaries[1].source, summaries[1].confidence) == (Source.HUB, 0.25)


def failing_on(*ids: str) -> ModelRunner[EncodedTicket, SentimentPrediction]:
    def predict(tickets: Sequence[EncodedTicket]) -> list[SentimentPrediction]:
        if any(each.ticket.ticket_id in ids for each in tickets):
            raise ValueError("a ticket's text")
        positive = SentimentPrediction(label=Sentiment.POSITIVE, confidence=0.9, source=Source.HUB)
        return [positive for _ in tickets]

    return ModelRunner("sentiment", "tiny", lambda: Loaded(2.5, predict), 30, threading.Lock())


def onepass(tickets: Sequence[EncodedTicket]) -> list[SentimentPrediction]:
    return [
        SentimentPrediction(label=Sentiment.NEGATIVE, confidence=0.8, source=Source.HEAD) for _ in tickets
    ]


def test_what_the_one_pass_says_takes_the_place_of_what_failed_and_is_marked() -> None:
    stage = with_fallback(failing_on("T2"), onepass)
    first, second, third = stage([encoded("T1"), encoded("T2"), encoded("T3")])
    assert isinstance(first, SentimentPrediction) and isinstance(third, SentimentPrediction)
    assert (first.source, third.source) == (Source.HUB, Source.HUB)
    assert isinstance(second, Fallback)
    assert second.reason == Reason.ERROR
    assert second.prediction == onepass([encoded("T2")])[0].model_copy(update={"source": Source.FALLBACK})


def test_the_metrics_of_a_model_have_its_task_and_nothing_of_a_ticket() -> None:
    runner = failing_on("T2")
    registry = CollectorRegistry()
    registry.register(ModelMetrics([runner]))
    with_fallback(runner, onepass)([encoded("T1"), encoded("T2")])
    text = generate_latest(registry).decode()
    assert 'ticketmill_model_breaker_open{task="sentiment"} 0.0' in text
    assert 'ticketmill_model_failures_total{reason="error",task="sentiment"} 1.0' in text
    assert 'ticketmill_model_tickets_total{task="sentiment"} 1.0' in text
    assert 'ticketmill_model_resident_bytes{task="sentiment"} 2.5e+06' in text
    assert not [line for line in generate_latest(CollectorRegistry()).splitlines() if b"model" in line]
    for _ in range(3):
        runner.run([encoded("T2")])
    assert 'ticketmill_model_breaker_open{task="sentiment"} 1.0' in generate_latest(registry).decode()


def test_without_the_extra_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.importlib.util, "find_spec", lambda name: None if name == "torch" else name)
    with pytest.raises(
        SetupError, match=r"TICKETMILL_SUMMARY needs the extra `hub` \(torch missing\): uv pip"
    ):
        store.require_hub("TICKETMILL_SUMMARY")


def test_pins_that_are_no_json_say_what_to_do(tmp_path: Any) -> None:
    (tmp_path / store.PINS_FILE).write_text("{")
    with pytest.raises(SetupError, match=r"models\.json is not JSON: remove it and pull"):
        store.locate(ModelChoice("hf", "owner/model"), tmp_path, "TICKETMILL_SUMMARY")
