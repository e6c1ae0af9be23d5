"""Learned versions in the pass: who predicts, what a record says of it, and what happens when one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from learned_samples import Place, model

from ticketmill import bootstrap
from ticketmill.domain.enrichment import Enrichment
from ticketmill.domain.labels import Source, Status
from ticketmill.domain.rollout import Rollout
from ticketmill.domain.ticket import Ticket, TicketMetadata
from ticketmill.pipeline.enricher import Enricher
from ticketmill.pipeline.learned import Compared, Learned, Predicted
from ticketmill.settings import load_settings
from ticketmill.tasks.learned import LearnedModel


@pytest.fixture(scope="module")
def enricher(bundle_dir: Path) -> Enricher:
    return bootstrap.load_enricher(load_settings(bundle=bundle_dir))


@pytest.fixture
def place() -> Place:
    return Place()


def learned(rollout: Rollout, *models: LearnedModel) -> Learned:
    return Learned(rollout, {(each.task, each.number): each for each in models})


def ticket(ticket_id: str = "T1", body: str = "My card was charged twice.", **more: object) -> Ticket:
    return Ticket(ticket_id=ticket_id, subject="Help", body=body, **more)  # type: ignore[arg-type]


def enriched(enricher: Enricher, given: Learned, *tickets: Ticket) -> list[Enrichment]:
    return enricher.enrich(tickets or (ticket(),), given)


def test_a_learned_version_predicts_in_the_place_of_the_bundles_model(
    enricher: Enricher, place: Place
) -> None:
    (found,) = enriched(enricher, learned(place.promote(1), model(row=(0.8, 0.2))))
    assert found.intent is not None
    assert (found.intent.label, found.intent.confidence) == ("login_issue", 0.8)
    assert found.intent.source is Source.LEARNED
    assert found.intent.scores == {"login_issue": 0.8, "payment_issue": 0.2}
    assert (found.models["intent"], found.models["urgency"]) == ("intent/v1", "onepass")
    assert (found.rollout_serial, found.arms, found.status) == (1, {}, Status.ENRICHED)


def test_the_fingerprint_names_the_versions_that_predict(enricher: Enricher, place: Place) -> None:
    (own,) = enriched(enricher, Learned())
    (first,) = enriched(enricher, learned(place.promote(1), model()))
    (second,) = enriched(enricher, learned(place.promote(2), model(number=2)))
    (again,) = enriched(enricher, learned(place.roll_back(), model()))
    assert own.fingerprint == enricher.fingerprint
    assert len({own.fingerprint, first.fingerprint, second.fingerprint}) == 3
    assert again.fingerprint == first.fingerprint, "so a rollback finds what it need not make again"


def test_a_canary_predicts_for_its_share_of_the_tickets_and_records_say_so(
    enricher: Enricher, place: Place
) -> None:
    rollout = place.canary(1, 25)
    tickets = [ticket(f"T{number}", body="") for number in range(200)]
    found = enriched(enricher, learned(rollout, model()), *tickets)
    canary = [each for each in found if each.arms == {"intent": "canary"}]
    assert 25 <= len(canary) <= 75
    for each in found:
        assert (each.models["intent"] == "intent/v1") is (each in canary)
        assert (each.fingerprint == enricher.fingerprint) is (each not in canary)


def test_where_a_learned_version_fails_for_a_ticket_the_bundles_model_stands_in(
    enricher: Enricher, place: Place
) -> None:
    given = learned(place.promote(1), model())
    good, poisoned, other = enriched(enricher, given, ticket("T1"), ticket("T2", "poison"), ticket("T3"))
    assert poisoned.intent is not None
    assert poisoned.intent.source is Source.FALLBACK
    assert (poisoned.status, poisoned.fallbacks) == (Status.PARTIAL, {"intent": "learned_model"})
    assert {each.intent and each.intent.source for each in (good, other)} == {Source.LEARNED}
    assert (good.status, other.status) == (Status.ENRICHED, Status.ENRICHED)


def test_a_label_that_a_learned_version_is_unsure_of_is_reviewed_by_its_own_threshold(
    enricher: Enricher, place: Place
) -> None:
    rollout = place.promote(1)
    (unsure,) = enriched(enricher, learned(rollout, model(row=(0.6, 0.4), review_below=0.7)))
    (sure,) = enriched(enricher, learned(rollout, model(row=(0.6, 0.4), review_below=0.5)))
    assert "intent_confidence" in unsure.review_reasons
    assert "intent_confidence" not in sure.review_reasons


def test_learned_topics_are_those_above_the_threshold_three_at_most(enricher: Enricher, place: Place) -> None:
    labels = ("billing", "login", "mail", "api", "export")
    given = learned(
        place.promote(1, task="topics"),
        model("topics", row=(0.6, 0.9, 0.7, 0.8, 0.1), labels=labels, kind="sigmoid"),
    )
    (found,) = enriched(enricher, given)
    assert [each.label for each in found.topics or ()] == ["login", "api", "mail"]
    assert {each.source for each in found.topics or ()} == {Source.LEARNED}


def test_the_margin_of_several_labels_is_that_of_the_label_that_is_nearest_to_the_threshold(
    enricher: Enricher, place: Place
) -> None:
    place.promote(1, task="topics")
    given = learned(
        place.promote(1, task="lines"),
        model("topics", row=(0.9, 0.46, 0.2), labels=("a", "b", "c"), kind="sigmoid"),
        model("lines", row=(0.95, 0.53), labels=OWN, kind="sigmoid"),
    )
    (found,) = enriched(enricher, given)
    assert (found.margins["topics"], found.margins["lines"]) == (0.04, 0.03)
    assert found.intent is not None
    second, first = sorted(found.intent.scores.values())[-2:]
    assert found.margins["intent"] == pytest.approx(first - second, abs=1e-4)


def test_topics_of_the_bundle_have_a_margin_unless_the_text_says_nothing(enricher: Enricher) -> None:
    said, nothing = enricher.enrich([ticket(), Ticket(ticket_id="T2", body="...")])
    assert 0 <= said.margins["topics"] <= 1
    assert "topics" not in nothing.margins


def test_without_a_learned_topic_the_tickets_own_tags_stand_in(enricher: Enricher, place: Place) -> None:
    given = learned(
        place.promote(1, task="topics"), model("topics", row=(0.1, 0.2), labels=("a", "b"), kind="sigmoid")
    )
    (found,) = enriched(enricher, given, ticket(metadata=TicketMetadata(tags=("vip",))))
    assert [(each.label, each.source) for each in found.topics or ()] == [("vip", Source.FALLBACK)]


def test_learned_urgency_keeps_what_was_stated(enricher: Enricher, place: Place) -> None:
    labels = ("critical", "high", "medium", "low")
    given = learned(
        place.promote(1, task="urgency"), model("urgency", row=(0.0, 0.0, 0.1, 0.9), labels=labels)
    )
    (found,) = enriched(enricher, given, ticket(priority="critical"))
    assert found.urgency is not None
    assert (found.urgency.label, found.urgency.stated) == ("low", "critical")
    assert found.urgency.priority_conflict
    assert "priority_conflict" in found.review_reasons


def test_mail_of_a_machine_needs_no_learned_version(enricher: Enricher, place: Place) -> None:
    mail = ticket(body="I am out of office until Monday and will answer your message then.")
    mail = mail.model_copy(update={"subject": "Automatic reply: Out of office"})
    (found,) = enriched(enricher, learned(place.promote(1), model()), mail)
    assert found.automatic
    assert found.intent is not None
    assert found.intent.source is Source.RULE


class Told:
    """What learned versions report."""

    def __init__(self) -> None:
        self.predicted: list[Predicted] = []
        self.compared: list[Compared] = []

    def on_compared(self, _: LearnedModel, found: Sequence[Compared]) -> None:
        self.compared += found

    def by(self, given: Learned) -> Learned:
        return replace(given, on_predicted=self.predicted.append, on_compared=self.on_compared)


def test_a_shadow_scores_every_ticket_and_decides_nothing(enricher: Enricher, place: Place) -> None:
    tickets = [ticket("T1"), ticket("T2", "I cannot log in, my password is refused.")]
    own, told = enriched(enricher, Learned(), *tickets), Told()
    given = learned(place.shadow(1), model(row=(0.95, 0.05)))
    found = enriched(enricher, told.by(given), *tickets)
    assert [each.intent for each in found] == [each.intent for each in own]
    assert {each.models["intent"] for each in found} == {"onepass"}
    assert {each.fingerprint for each in found} == {enricher.fingerprint}
    assert [each.ticket_id for each in told.compared] == ["T1", "T2"]
    assert {each.says for each in told.compared} == {("login_issue",)}
    assert [each.agrees for each in told.compared] == [
        each.intent is not None and each.intent.label == "login_issue" for each in own
    ]


def test_a_shadow_that_fails_fails_for_itself_alone(enricher: Enricher, place: Place) -> None:
    told = Told()
    (found,) = enriched(enricher, told.by(learned(place.shadow(1), model())), ticket(body="poison"))
    assert (found.status, told.compared) == (Status.ENRICHED, [])


def test_versions_report_how_many_tickets_they_failed_on(enricher: Enricher, place: Place) -> None:
    told = Told()
    enriched(enricher, told.by(learned(place.promote(1), model())), ticket("T1"), ticket("T2", "poison"))
    (found,) = told.predicted
    assert (found.task, found.decision, found.version, found.tickets, found.failed) == ("intent", 1, 1, 2, 1)


OWN = ("router", "modem")


def test_a_task_of_your_own_is_predicted_beside_ours(enricher: Enricher, place: Place) -> None:
    rollout = place.promote(1, task="product_line")
    given = learned(rollout, model("product_line", row=(0.7, 0.3), labels=OWN, review_below=0.8))
    (found,) = enriched(enricher, given)
    made = found.custom["product_line"]
    assert (made.names, made.confidence, made.source) == (("router",), 0.7, Source.LEARNED)
    assert made.scores == {"router": 0.7, "modem": 0.3}
    assert found.models["product_line"] == "product_line/v1"
    assert "product_line_confidence" in found.review_reasons
    assert found.status is Status.ENRICHED


def test_a_task_of_your_own_that_fails_is_a_failed_stage(enricher: Enricher, place: Place) -> None:
    rollout = place.promote(1, task="product_line")
    (found,) = enriched(enricher, learned(rollout, model("product_line", labels=OWN)), ticket(body="poison"))
    assert (found.custom, found.failed_stages, found.status) == ({}, ("product_line",), Status.PARTIAL)
    assert "failed_stage" in found.review_reasons


def test_a_task_of_your_own_is_missing_where_only_a_canary_predicts_it(
    enricher: Enricher, place: Place
) -> None:
    rollout = place.canary(1, 50, task="product_line")
    tickets = [ticket(f"T{number}", body="") for number in range(40)]
    found = enriched(enricher, learned(rollout, model("product_line", labels=OWN)), *tickets)
    assert {("product_line" in each.custom, "product_line" in each.arms) for each in found} == {
        (True, True),
        (False, False),
    }
    assert {each.status for each in found} == {Status.ENRICHED}
