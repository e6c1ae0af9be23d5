"""Which changes a rule sends, and what it says of them."""

from __future__ import annotations

import pytest
from fakes import NOW
from routing_samples import change, person_says, rule, rules

from ticketmill.domain.change import ChangeType
from ticketmill.domain.labels import Source, Status, Urgency
from ticketmill.operations.routing import Router, concerns, event_of, faults_of

CRITICAL = {"filters": {"urgency": "critical"}}


class TestBecomes:
    def test_a_new_ticket_that_matches_is_sent(self) -> None:
        assert concerns(rule(**CRITICAL), change())

    def test_a_ticket_that_did_not_match_before_is_sent(self) -> None:
        assert concerns(rule(**CRITICAL), change(before={"urgency": Urgency.HIGH}))

    def test_a_ticket_that_matched_before_is_not_sent_again(self) -> None:
        assert not concerns(rule(**CRITICAL), change(before={}))

    def test_a_ticket_that_matches_no_more_is_not_sent(self) -> None:
        changed = change(before={}, urgency=Urgency.LOW)
        assert not concerns(rule(**CRITICAL), changed)

    def test_a_person_can_make_it_match(self) -> None:
        changed = change(before={"person": {}}, urgency=Urgency.LOW, person=person_says("critical"))
        assert concerns(rule(**CRITICAL), changed)

    def test_needs_review_is_a_filter(self) -> None:
        needs_review = rule(filters={"needs_review": True})
        assert concerns(needs_review, change(before={"needs_review": False}, needs_review=True))
        assert not concerns(needs_review, change(before={}, needs_review=True))

    def test_a_model_must_be_as_sure_as_the_rule_asks(self) -> None:
        sure = rule(min_confidence=0.8, **CRITICAL)
        assert concerns(sure, change(urgency_confidence=0.9))
        assert concerns(sure, change(before={"urgency_confidence": 0.6}, urgency_confidence=0.9))
        assert not concerns(sure, change(urgency_confidence=0.6))


class TestOtherTriggers:
    def test_enriched_sends_every_enrichment_of_a_matching_ticket(self) -> None:
        assert concerns(rule(when="enriched"), change(before={}))

    def test_enriched_does_not_send_a_correction_or_a_rejection(self) -> None:
        enriched = rule(when="enriched")
        assert not concerns(enriched, change(before={"person": {}}, person=person_says("low")))
        assert not concerns(enriched, change(status=Status.REJECTED))

    def test_corrected_sends_what_a_person_changed_alone(self) -> None:
        corrected = rule(when="corrected", filters={"corrected": "urgency"})
        assert concerns(corrected, change(before={"person": {}}, person=person_says("low")))
        assert not concerns(corrected, change(before={"urgency": Urgency.LOW}, person=person_says("low")))
        assert not concerns(corrected, change(before={}))

    def test_a_correction_that_is_taken_back_is_one_too(self) -> None:
        assert concerns(rule(when="corrected"), change(before={"person": person_says("low")}))

    def test_a_rejected_ticket_can_be_asked_for_by_its_status(self) -> None:
        rejected = change(status=Status.REJECTED)
        assert concerns(rule(filters={"status": ["rejected", "failed"]}), rejected)
        assert rejected.type is ChangeType.REJECTED


class TestEvent:
    def test_it_names_ticket_revision_and_rule_in_its_key(self) -> None:
        assert event_of(rule("critical"), change()).idempotency_key == "zendesk-42/7/critical"

    def test_it_has_the_effective_labels_and_what_they_were(self) -> None:
        changed = change(before={"person": {}}, urgency=Urgency.LOW, person=person_says("critical"))
        made = event_of(rule(), changed)
        assert made.type is ChangeType.CORRECTED
        assert made.labels["urgency"].labels == ("critical",)
        assert made.labels["urgency"].source == Source.PERSON
        assert made.was == {"urgency": ("low",)}
        assert made.corrected == ("urgency",)
        assert made.changed_at == NOW

    def test_what_a_ticket_says_is_masked(self) -> None:
        changed = change(subject="from ann@x.org", summary="ann@x.org asks", customer_id="ann@x.org")
        masked = event_of(rule(), changed, lambda text: text.replace("ann@x.org", "…"))
        assert "ann@x.org" not in masked.model_dump_json()

    def test_it_never_holds_the_body_and_names_its_object_only_where_the_rule_includes_it(self) -> None:
        router = Router(rules(rule("a", include_body=True), rule("b")))
        with_body, without = router.deliveries(change(enriched_key="tickets/k.json"))
        assert (with_body.enriched_key, without.enriched_key) == ("tickets/k.json", None)
        assert with_body.event.body is None

    def test_each_rule_that_a_change_concerns_has_a_delivery_of_its_own(self) -> None:
        router = Router(rules(rule("a"), rule("b", filters={"urgency": "low"}), rule("c")))
        assert [each.rule for each in router.deliveries(change())] == ["a", "c"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"filters": {"urgncy": "critical"}}, "no filter 'urgncy'"),
        ({"filters": {"urgency": "criticl"}}, "no urgency 'criticl'"),
        ({"filters": {"intent": "weather"}}, "no intent 'weather'"),
        ({"filters": {"tag": "vip"}, "min_confidence": 0.5}, "min_confidence needs a filter"),
        ({"send": {"to": "slack", "url_env": "U", "text": "{urgncy}"}}, "nothing called {urgncy}"),
    ],
)
def test_a_rule_that_could_never_work_is_found(fields: dict[str, object], said: str) -> None:
    labels = {"intent": ["bug_report"]}
    (fault,) = faults_of(rule(**fields), lambda facet: labels.get(facet, []))  # type: ignore[arg-type]
    assert said in fault


def test_a_rule_without_faults_has_none() -> None:
    assert (
        faults_of(rule(filters={"urgency": ["critical", "high"], "tag": "vip", "needs_review": True})) == []
    )
