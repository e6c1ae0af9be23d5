"""What has drifted of texts, labels, review, overrides and audited accuracy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rows_contract import row

from ticketmill.domain.enrichment import TopicPrediction
from ticketmill.domain.errors import LearningRefused, SetupError
from ticketmill.domain.label import Correction, CorrectionKind, FoundBy, PersonLabel, Shown
from ticketmill.domain.labels import Source
from ticketmill.domain.row import TicketRow
from ticketmill.learning.drift import (
    DriftReport,
    compare,
    judgements,
    text_distances,
)
from ticketmill.learning.drift_sample import Sample, from_bytes, sample_of, to_bytes
from ticketmill.telemetry.drift import write_emf

AT = datetime(2026, 11, 21, tzinfo=UTC)
MODELS = {"intent": "onepass", "embedding": "onepass"}


def sample(
    seed: int = 0, tickets: int = 100, moved: float = 0.0, labels: Sequence[str] = ("a", "b"), **given: Any
) -> Sample:
    drawn = np.random.default_rng(seed)
    found = Sample(
        embeddings=drawn.normal(moved, size=(tickets, 4)).astype(np.float32),
        embedded_by="onepass",
        labels={"intent": [labels[number % len(labels)] for number in range(tickets)]},
        models={"intent": ["onepass"]},
        tickets=tickets,
        needs_review=tickets // 10,
        spoken=tickets // 2,
        overridden=tickets // 20,
        first="2026-11-20T00:00:00Z",
        last="2026-11-21T00:00:00Z",
    )
    return replace(found, **given)


def audits(hits: int, misses: int, confidence: float = 0.9) -> list[Correction]:
    return [
        Correction(
            ticket_id=f"T{number}",
            number=1,
            task="intent",
            kind=CorrectionKind.LABEL,
            labels=("a",),
            who="ann",
            at=AT,
            shown=Shown(labels=("a" if number < hits else "b",), confidence=confidence),
            content_hash="c",
            found_by=FoundBy.AUDIT,
        )
        for number in range(hits + misses)
    ]


def found(report: DriftReport) -> list[str]:
    return [check.name for check in report.drifted]


def test_tickets_like_those_before_have_not_drifted() -> None:
    report = compare(sample(1), sample(2), audits(36, 4))
    assert found(report) == []
    assert [check.name for check in report.checks if check.p_value is not None] == [
        *("texts", "labels of intent", "review", "overrides", "audits of intent"),
    ]
    assert not report.inputs_drifted


@pytest.mark.parametrize(
    ("newest", "drifted"),
    [
        (sample(2, moved=1.0), "texts"),
        (sample(2, labels=("a", "a", "a", "b")), "labels of intent"),
        (sample(2, needs_review=40), "review"),
        (sample(2, overridden=30), "overrides"),
    ],
)
def test_what_has_changed_is_named(newest: Sample, drifted: str) -> None:
    report = compare(sample(1), newest)
    assert found(report) == [drifted]
    assert report.inputs_drifted


def topics(*tickets: tuple[str, ...]) -> dict[str, list[tuple[str, ...]]]:
    """What 100 tickets are about, in turn."""
    return {"topics": [tickets[number % len(tickets)] for number in range(100)]}


BEFORE = sample(1, label_sets=topics(("billing", "login"), ("billing",), (), ("mail", "api", "login"), ()))


@pytest.mark.parametrize(
    ("label_sets", "drifted"),
    [
        (topics(("billing", "login"), (), ("billing",), ("mail", "api", "login"), ()), []),
        (topics(("billing", "login"), ("billing",), ("billing",), ("mail", "api", "login"), ()), []),
        (topics(("billing", "login", "sso"), ("billing",), (), ("mail", "sso"), ()), ["labels of topics"]),
        (topics(("billing",), (), (), ()), ["labels of topics"]),
    ],
)
def test_labels_of_tickets_that_have_several_are_compared_ticket_by_ticket(
    label_sets: dict[str, Any], drifted: list[str]
) -> None:
    report = compare(BEFORE, sample(2, label_sets=label_sets))
    assert found(report) == drifted


def test_the_shares_of_several_labels_are_told_and_the_one_that_moved_most_is_named() -> None:
    report = compare(BEFORE, sample(2, label_sets=topics(("billing",), ("billing", "sso"))))
    check = next(each for each in report.checks if each.name == "labels of topics")
    assert check.shares == {"billing": 1.0, "sso": 0.5}
    assert (check.note, check.reference, check.newest) == ("most: billing", 0.4, 1.0)


def test_a_reference_of_an_older_version_has_no_tickets_with_several_labels() -> None:
    report = compare(sample(1), sample(2, label_sets=topics(("billing",))))
    check = next(each for each in report.checks if each.name == "labels of topics")
    assert (check.p_value, check.note) == (None, "fewer than 50 predictions on a side")


def test_tags_that_stand_in_for_topics_are_no_labels_of_a_model() -> None:
    made = {
        "T0": (TopicPrediction(label="vip", confidence=0, source=Source.FALLBACK),),
        "T1": (TopicPrediction(label="billing", confidence=0.9, source=Source.HEAD),),
    }
    given = [row(ticket_id=name, topics=each, models={"topics": "onepass"}) for name, each in made.items()]
    failed = row(ticket_id="T2", models={"topics": "onepass"}, failed_stages=("topics",))
    assert sample_of([*given, failed], lambda _: None, (), ["topics"]).label_sets == {
        "topics": [(), ("billing",)]
    }


def test_audits_that_fall_short_of_the_confidences_are_named_with_their_task() -> None:
    report = compare(sample(1), sample(2), audits(25, 15))
    assert found(report) == ["audits of intent"]
    assert report.audits_fell_short("intent")
    assert not report.audits_fell_short("urgency")
    assert not report.inputs_drifted
    (check,) = report.drifted
    assert (check.reference, check.newest) == (pytest.approx(0.9), 0.625)


def test_what_cannot_be_compared_says_why_and_is_no_drift() -> None:
    other = sample(
        2, moved=3.0, labels=("c",), models={"intent": ["intent/v2"]}, embedded_by="other", spoken=3
    )
    report = compare(sample(1), other, audits(3, 5))
    assert found(report) == []
    assert all(check.note for check in report.checks if check.p_value is None)
    assert {check.name for check in report.checks if check.p_value is None} == {
        *("texts", "labels of intent", "review", "overrides", "audits of intent"),
    }


def test_too_few_tickets_are_refused_with_what_to_do() -> None:
    with pytest.raises(LearningRefused, match="look further back with --since"):
        compare(sample(1, tickets=10), sample(2))


def rows() -> Iterator[TicketRow]:
    said = PersonLabel(
        number=1, kind=CorrectionKind.LABEL, labels=("b",), who="ann", at=AT, content_hash="ab"
    )
    for number in range(4):
        person = {"intent": said} if number == 0 else {}
        yield row(
            ticket_id=f"T{number}",
            intent="a",
            models=MODELS,
            person=person,
            needs_review=number < 2,
        )


def test_a_sample_has_what_the_models_said_whatever_people_say() -> None:
    vectors = {"T0": [1.0, 0.0], "T1": None, "T2": [0.0, 1.0], "T3": [0.0, 1.0]}
    made = sample_of(rows(), lambda each: vectors[each.ticket_id], ["intent"])
    assert made.labels["intent"] == ["a"] * 4
    assert made.models == {"intent": ["onepass"]}
    assert made.embeddings.shape == (3, 2)
    assert (made.tickets, made.needs_review, made.spoken, made.overridden) == (4, 2, 1, 1)


def test_a_sample_of_no_tickets_is_refused_by_its_size() -> None:
    with pytest.raises(LearningRefused, match="the newest part has 0"):
        compare(sample(1), sample_of([], lambda _: None, ["intent"]))


def test_a_reference_comes_back_from_its_file_and_what_is_none_is_told() -> None:
    kept = sample(3)
    body = to_bytes(kept)
    assert to_bytes(from_bytes(body)) == body
    assert from_bytes(body).labels == kept.labels
    with pytest.raises(SetupError, match="--keep-reference"):
        from_bytes(b"PK\x03\x04 nothing")


def test_only_the_last_audit_counts_and_none_that_was_taken_back() -> None:
    first, second = audits(2, 0)
    again = first.model_copy(update={"number": 2, "labels": ("b",)})
    undo = second.model_copy(update={"number": 2, "kind": CorrectionKind.UNDO, "undoes": 1, "labels": ()})
    search = first.model_copy(update={"ticket_id": "T9", "found_by": FoundBy.SEARCH})
    assert judgements([first, again, second, undo, search], AT) == [again]
    assert judgements([first], AT + timedelta(days=1)) == []


def test_a_plot_has_a_point_for_each_block_of_tickets() -> None:
    near, far = text_distances(sample(1, tickets=300), [sample(2), sample(3, moved=1.0)], 100)
    assert not near.is_over
    assert far.is_over
    assert near.threshold == far.threshold


def test_metrics_tell_what_has_drifted() -> None:
    stream = StringIO()
    write_emf({"texts": True, "labels of intent": False}, "mine", stream)
    line = json.loads(stream.getvalue())
    assert line["ticketmill_drift_found"] == [1.0]
    assert line["ticketmill_drift_labels_of_intent"] == [0.0]
    assert line["service"] == "mine"
