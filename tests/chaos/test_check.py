"""The check of the end sees each thing that can be wrong: what it passes is worth something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from check import Check
from crew import Crew
from scenario import MAX_TICKET_BYTES, STORIES, Scenario, draw
from storm import upload

from ticketmill.aws.clients import Clients
from ticketmill.deploy.stack import Stack


class Vandal:
    """Spoils one ticket after another."""

    def __init__(self, scenario: Scenario, clients: Clients, stack: Stack) -> None:
        self.clients, self.stack = clients, stack
        self.ids = {story: ticket_id for ticket_id, story in scenario.stories.items()}

    def item(self, story: str) -> dict[str, Any]:
        key = {"ticket_id": {"S": self.ids[story]}}
        return self.clients.dynamodb.get_item(TableName=self.stack.table, Key=key)["Item"]

    def change(self, story: str, **changes: Any) -> None:
        item = {name: value for name, value in {**self.item(story), **changes}.items() if value}
        self.clients.dynamodb.put_item(TableName=self.stack.table, Item=item)

    def lose_row(self, story: str) -> None:
        key = {"ticket_id": {"S": self.ids[story]}}
        self.clients.dynamodb.delete_item(TableName=self.stack.table, Key=key)

    def age_row(self, story: str) -> None:
        raw = self.item(story)["raw"]["M"]
        self.change(story, raw={"M": {**raw, "version_id": {"S": "an-earlier-one"}}})

    def lose_object(self, story: str) -> None:
        key = self.item(story)["enriched_key"]["S"]
        self.clients.s3.delete_object(Bucket=self.stack.enriched_bucket, Key=key)

    def swap_text(self, story: str) -> None:
        place = {"Bucket": self.stack.enriched_bucket, "Key": self.item(story)["enriched_key"]["S"]}
        document = json.loads(self.clients.s3.get_object(**place)["Body"].read())
        self.clients.s3.put_object(**place, Body=json.dumps({**document, "body": "another"}).encode())


def test_the_check_passes_what_is_right_and_sees_what_is_wrong(
    clients: Clients, stack: Stack, environment: dict[str, str], tmp_path: Path
) -> None:
    scenario = draw(0, len(STORIES), duration_s=1)
    for each in scenario.uploads:
        upload(each, clients, stack)
    Crew(0, {**environment, "TICKETMILL_MAX_TICKET_BYTES": str(MAX_TICKET_BYTES)}, tmp_path).finish()
    check = Check(scenario, clients, stack)
    assert [str(finding) for finding in check.findings()] == []

    vandal = Vandal(scenario, clients, stack)
    vandal.lose_row("A")
    vandal.age_row("A,B")
    vandal.lose_object("AB")
    vandal.swap_text("A,B,C")
    vandal.change("ABC", rejection=vandal.item("x")["rejection"])
    vandal.change("A,'B", status={"S": "partial"})
    vandal.change("x", rejection=None)
    vandal.change("x,y", rejection=vandal.item("@")["rejection"])
    vandal.change("AA", ticket_id={"S": "stranger"})
    clients.s3.put_object(Bucket=stack.enriched_bucket, Key="tickets/stranger/0-0.json", Body=b"{}")
    clients.sqs.send_message(QueueUrl=stack.queue_url, MessageBody="left over")
    clients.sqs.send_message(QueueUrl=stack.dead_letter_queue_url, MessageBody="left over")

    seen = [str(finding) for finding in Check(scenario, clients, stack).findings()]
    expected = {
        "the queue is not empty": "",
        "the dead-letter queue is not empty": "",
        "no upload asked for": "stranger",
        "never uploaded": "",
        "has no row": vandal.ids["A"],
        "stale: the row is of": vandal.ids["A,B"],
        "where there is no object": vandal.ids["AB"],
        "another text": vandal.ids["A,B,C"],
        "which is valid": vandal.ids["ABC"],
        "status is partial": vandal.ids["A,'B"],
        "no rejection on record": vandal.ids["x"],
        "stale rejection": vandal.ids["x,y"],
    }
    for what, ticket_id in expected.items():
        assert any(what in finding and finding.startswith(ticket_id) for finding in seen), (what, seen)
    assert len(seen) == len(expected), seen
