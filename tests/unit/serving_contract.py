"""What every keeper of serving decisions keeps to: DynamoDB and its sister in memory run these alike."""

from __future__ import annotations

from datetime import UTC, datetime

from ticketmill.domain.serving import ServingDecision
from ticketmill.pipeline.ports import ServingDecisions
from ticketmill.pipeline.serving import register, serve

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


class ServingDecisionsContract:
    """A subclass gives the fixture `decisions`, with none in it."""

    def test_before_the_first_decision_nothing_serves(self, decisions: ServingDecisions) -> None:
        assert decisions.history().current is None
        assert decisions.history().serial_of("f1") is None

    def test_every_decision_raises_the_serial_also_one_that_rolls_back(
        self, decisions: ServingDecisions
    ) -> None:
        assert serve(decisions, "f1", "ann", NOW).serial == 1
        assert serve(decisions, "f2", "bob", NOW).serial == 2
        assert serve(decisions, "f1", "ann", NOW) == ServingDecision(3, "f1", NOW, "ann")
        history = decisions.history()
        assert history.current == ServingDecision(3, "f1", NOW, "ann")
        assert history.latest["f2"] == ServingDecision(2, "f2", NOW, "bob")

    def test_a_bundle_that_serves_already_needs_no_decision(self, decisions: ServingDecisions) -> None:
        assert serve(decisions, "f1", "ann", NOW).serial == serve(decisions, "f1", "bob", NOW).serial == 1

    def test_a_known_bundle_is_registered_at_the_serial_that_it_has(
        self, decisions: ServingDecisions
    ) -> None:
        assert register(decisions, "f1", "old-worker", NOW).serial == 1
        assert register(decisions, "f2", "new-worker", NOW).serial == 2
        assert register(decisions, "f1", "old-worker", NOW).serial == 1
        current = decisions.history().current
        assert current is not None
        assert current.fingerprint == "f2"

    def test_of_two_decisions_at_once_one_counts(self, decisions: ServingDecisions) -> None:
        seen = decisions.history()
        assert decisions.add(seen.next("f1", "ann", NOW))
        assert not decisions.add(seen.next("f2", "bob", NOW))
        seen = decisions.history()
        assert decisions.add(seen.next("f2", "bob", NOW))
        assert not decisions.add(seen.next("f3", "cat", NOW))
        assert set(decisions.history().latest) == {"f1", "f2"}
