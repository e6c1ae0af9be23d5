"""infra/search-service.yaml: the index queue and its rule, the indexer, and the watch for surges."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from test_infra import INFRA, SETTINGS, template
from typer.testing import CliRunner

from ticketmill.domain.keys import TICKETS_PREFIX, enriched_key
from ticketmill.entrypoints.cli import app
from ticketmill.telemetry.surges import SurgeLines
from ticketmill.worker.isolation import SUSPECT_RECEIVES

Resources = dict[str, dict[str, Any]]


@pytest.fixture
def resources() -> Resources:
    found = template("search-service.yaml")["Resources"]
    return {name: each["Properties"] for name, each in found.items()}


def test_the_rule_lets_enrichments_of_the_stack_through_and_nothing_else(resources: Resources) -> None:
    pattern = resources["EnrichedRule"]["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    (prefix,) = pattern["detail"]["object"]["key"]
    assert prefix == {"prefix": TICKETS_PREFIX}
    assert enriched_key("T1", "ab12", "f1", "a1").startswith(prefix["prefix"])
    (bucket,) = pattern["detail"]["bucket"]["name"]
    enriched = template("template.yaml")["Resources"]["EnrichedBucket"]["Properties"]
    assert bucket["Sub"].replace("${TicketsStack}", "${AWS::StackName}") == enriched["BucketName"]["Sub"]
    assert enriched["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"] is True


def test_the_rule_and_nobody_else_may_send(resources: Resources) -> None:
    allowed, denied = resources["IndexQueuePolicy"]["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    source = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]["Sub"]
    assert source.endswith("rule/" + resources["EnrichedRule"]["Name"]["Sub"])
    assert denied["Effect"] == "Deny"


def test_what_fails_again_and_again_is_a_dead_letter(resources: Resources) -> None:
    redrive = resources["IndexQueue"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"GetAtt": "IndexDeadLetterQueue.Arn"}
    assert redrive["maxReceiveCount"] > SUSPECT_RECEIVES
    (source,) = resources["IndexDeadLetterQueue"]["RedriveAllowPolicy"]["sourceQueueArns"]
    assert source["Sub"].endswith(":" + resources["IndexQueue"]["QueueName"]["Sub"])


def test_an_indexer_writes_the_index_alone(resources: Resources) -> None:
    statements = resources["IndexerPolicy"]["PolicyDocument"]["Statement"]
    writing = [each for each in statements if "s3:PutObject" in str(each) or "s3:DeleteObject" in str(each)]
    assert {each["Resource"]["Sub"].rpartition("/")[0].rpartition("/")[2] for each in writing} == {"index"}
    assert "dynamodb" not in str(statements)
    reading = str(resources["SearcherPolicy"]["PolicyDocument"])
    assert "s3:PutObject" not in reading
    assert "s3:DeleteObject" not in reading


def test_the_indexer_runs_a_command_with_settings_that_name_the_queue(resources: Resources) -> None:
    (only,) = resources["TaskDefinition"]["ContainerDefinitions"]
    named = {each["Name"]: each["Value"] for each in only["Environment"]}
    assert {name for name in named if name.startswith("TICKETMILL_")} <= SETTINGS
    assert named["TICKETMILL_INDEX_QUEUE_URL"] == {"Ref": "IndexQueue"}
    assert CliRunner().invoke(app, [*only["Command"], "--help"]).exit_code == 0
    (mounted,) = only["MountPoints"]
    assert mounted["ContainerPath"] == "/tmp", "its root is read-only"  # noqa: S108


def test_its_image_may_write_where_the_task_mounts_a_volume() -> None:
    assert 'VOLUME ["/tmp"]' in (INFRA / "worker.Dockerfile").read_text()


def test_what_the_watch_tells_reaches_its_alarms(resources: Resources) -> None:
    stream = io.StringIO()
    SurgeLines("mine", stream).write(2)
    line = json.loads(stream.getvalue())
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    for alarm in (resources["SurgeAlarm"], resources["WatchAlarm"]):
        assert directive["Namespace"] == alarm["Namespace"]
        assert [each["Name"] for each in alarm["Dimensions"]] == directive["Dimensions"][0]
        assert line[alarm["MetricName"]] == [2.0]


def test_the_watch_runs_a_command_with_settings(resources: Resources) -> None:
    (only,) = resources["WatchTask"]["ContainerDefinitions"]
    named = {each["Name"] for each in only["Environment"] if each["Name"].startswith("TICKETMILL_")}
    assert named <= SETTINGS
    assert CliRunner().invoke(app, [*only["Command"], "--help"]).exit_code == 0
