"""The schedule of backfills: the rule that the template makes, and what its message does."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from commands import WorkOff
from test_backfill import change, drop, lose_events, row

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import deploy
from ticketmill.domain.labels import Status


def allowed_senders(clients: Clients, adapters: Adapters) -> dict[str, Any]:
    """The conditions under which services may send to the queue."""
    attributes = clients.sqs.get_queue_attributes(
        QueueUrl=adapters.stack.queue_url, AttributeNames=["Policy"]
    )
    statements = json.loads(attributes["Attributes"]["Policy"])["Statement"]
    return {
        each["Principal"]["Service"]: each["Condition"] for each in statements if each["Effect"] == "Allow"
    }


class TestSchedule:
    """The rule of the template. The emulator's clock for it is tried by hand: it needs minutes."""

    @pytest.mark.usefixtures("stack")
    def test_none_is_made_unless_asked_for(self, stack_name: str) -> None:
        events = boto3.client("events")
        assert events.list_rules(NamePrefix=stack_name)["Rules"] == []
        events.close()

    def test_its_message_has_missing_and_partial_records_enriched(
        self,
        adapters: Adapters,
        clients: Clients,
        stack_name: str,
        parameters: dict[str, str],
        work_off: WorkOff,
    ) -> None:
        deploy(clients, stack_name, {**parameters, "BackfillSchedule": "rate(1 hour)"})
        events = boto3.client("events")
        (rule,) = events.list_rules(NamePrefix=stack_name)["Rules"]
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        events.close()
        assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 hour)", "ENABLED")
        allowed = allowed_senders(clients, adapters)
        assert allowed["events.amazonaws.com"] == {"ArnEquals": {"aws:SourceArn": rule["Arn"]}}
        drop(adapters, "T1")
        work_off()
        hours_ago = datetime.now(UTC) - timedelta(hours=2)  # its retry is due
        change(adapters, "T1", status=Status.PARTIAL, failed_stages=("summary",), processed_at=hours_ago)
        drop(adapters, "T2")
        lose_events(adapters)
        asked = json.loads(target["Input"])
        adapters.queue.send(json.dumps(asked))
        assert work_off()["enriched"] == 0, "uploads of the last hour are on their way"
        asked["backfill"]["min_age_s"] = 0
        adapters.queue.send(json.dumps(asked))
        assert work_off()["enriched"] == 2
        assert {row(adapters, ticket_id).status for ticket_id in ("T1", "T2")} == {Status.ENRICHED}

    @pytest.mark.skipif(
        "TICKETMILL_TEST_ENDPOINT_URL" in os.environ,
        reason="LocalStack keeps what an update's condition takes out of the stack",
    )
    def test_an_empty_schedule_takes_the_rule_away(
        self, clients: Clients, stack_name: str, parameters: dict[str, str], adapters: Adapters
    ) -> None:
        events = boto3.client("events")
        for schedule, rules in (("cron(0 * * * ? *)", 1), ("", 0)):
            deploy(clients, stack_name, {**parameters, "BackfillSchedule": schedule})
            assert len(events.list_rules(NamePrefix=stack_name)["Rules"]) == rules
            assert len(allowed_senders(clients, adapters)) == 1 + rules
        events.close()
