"""The CloudFormation template as it is written: who may do what, what is kept, what is watched over."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cfnlint.decode
import pytest
import yaml
from cfnlint.template import Template
from test_infra import INFRA, ROOT, CloudFormationLoader, template

from ticketmill.deploy.stack import template_body
from ticketmill.domain.keys import INDEX_PREFIX, delivery_key
from ticketmill.domain.row import TicketRow
from ticketmill.worker.isolation import SUSPECT_RECEIVES

ALARMS = {
    "AgeAlarm",
    "DeadLettersAlarm",
    "FailuresAlarm",
    "WriteThrottlesAlarm",
    "ReadThrottlesAlarm",
    "FunctionErrorsAlarm",
    "FunctionThrottlesAlarm",
    "RoutingDeadLettersAlarm",
}
PEOPLE = {"OperatorPolicy", "UploaderPolicy"}
MAX_TEMPLATE_BYTES = 51_200  # what CloudFormation takes without a bucket to put it in


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found = template("template.yaml")["Resources"]
    assert isinstance(found, dict)
    return found


def problems(text: str) -> list[str]:
    """What our rule for cfn-lint finds in a template."""
    spec = importlib.util.spec_from_file_location("least_privilege", INFRA / "rules" / "least_privilege.py")
    assert spec is not None
    assert spec.loader is not None
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)
    parsed, _ = cfnlint.decode.decode_str(text)
    return [match.message for match in rule.LeastPrivilege().match(Template("template.yaml", parsed))]


def actions_of(policy: dict[str, Any]) -> set[str]:
    """Every action that a policy allows, with a key of the user's and without."""
    found: set[str] = set()
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        allowed = statement["If"][1] if "If" in statement else statement
        action = allowed["Action"]
        found |= {action} if isinstance(action, str) else set(action)
    return found


def test_it_is_small_enough_to_be_sent_as_it_is() -> None:
    """With its comments, too: a shell sends the file."""
    assert len((INFRA / "template.yaml").read_bytes()) < MAX_TEMPLATE_BYTES
    assert len(template_body().encode()) < MAX_TEMPLATE_BYTES


def test_leaving_out_its_comments_changes_nothing() -> None:
    sent = yaml.load(template_body(), CloudFormationLoader)  # noqa: S506 - a SafeLoader
    assert sent == template("template.yaml")


@pytest.mark.parametrize(
    "name",
    [
        "template.yaml",
        "ecs-service.yaml",
        "learning-service.yaml",
        "celery-service.yaml",
        "search-service.yaml",
    ],
)
def test_no_policy_allows_more_than_it_names(name: str) -> None:
    assert problems((INFRA / name).read_text()) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("Action: s3:PutObject", 'Action: "*"', "the action * is more than one"),
        ("- dynamodb:BatchGetItem", '- "dynamodb:*"', "the action dynamodb:* is more than one"),
        ("- kms:Decrypt", '- "kms:*"', "the action kms:* is more than one"),
        ("Resource: !Ref KmsKeyArn", 'Resource: "*"', "the resource * is all there are"),
        ("table/${Table}", "table/*", "table/* is all there are"),
        ("Action: s3:PutObject", "NotAction: s3:PutObject", "NotAction allows all that it does not name"),
        ("Service: s3.amazonaws.com", 'AWS: "*"', "anybody is allowed"),
        ("- !Ref WorkerPolicy", "- arn:aws:iam::aws:policy/AmazonS3FullAccess", "allows more than a part"),
    ],
)
def test_a_policy_that_allows_more_is_found(old: str, new: str, found: str) -> None:
    text = (INFRA / "template.yaml").read_text()
    assert old in text
    assert any(found in problem for problem in problems(text.replace(old, new)))


def test_make_check_fails_where_a_policy_allows_more(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^check: style types templates policy$", makefile, re.MULTILINE)
    assert "cfn-lint --append-rules infra/rules -- infra/template.yaml infra/ecs-service.yaml" in makefile
    broken = tmp_path / "template.yaml"
    text = (INFRA / "template.yaml").read_text()
    broken.write_text(text.replace("Action: s3:PutObject", 'Action: "s3:*"', 1))
    linter = Path(sys.executable).with_name("cfn-lint")
    command = [linter, "--append-rules", INFRA / "rules", "--", broken]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "E9001 the action s3:* is more than one" in done.stdout


@pytest.mark.parametrize("path", sorted(INFRA.glob("*.yaml")), ids=lambda path: path.name)
def test_what_the_policy_check_skips_has_a_reason(path: Path) -> None:
    for skip in re.findall(r"checkov:skip=(.*)", path.read_text()):
        assert re.fullmatch(r"CKV_AWS_\d+:.{20,}", skip), skip


def test_people_write_neither_rows_nor_enrichments(resources: dict[str, Any]) -> None:
    for name in PEOPLE:
        written = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "s3:DeleteObject"}
        assert not actions_of(resources[name]) & written
    assert "s3:PutObject" not in actions_of(resources["OperatorPolicy"])


def test_a_corrector_appends_corrections_and_deletes_nothing(resources: dict[str, Any]) -> None:
    assert actions_of(resources["CorrectorPolicy"]) == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        *("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
    }
    (rows,) = (
        each
        for each in resources["CorrectorPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if each.get("Sid") == "WriteEffectiveLabels"
    )
    assert "TicketsTable" in str(rows["Resource"])
    assert "LearningTable" not in str(rows["Resource"])


def test_a_server_writes_raw_tickets_and_the_notes_of_deliveries_alone(resources: dict[str, Any]) -> None:
    statements = resources["WebPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    writing = {each["Sid"]: each for each in statements if "Put" in str(each.get("Action"))}
    assert set(writing) == {"DropTickets", "NoteDeliveries"}
    keys = writing["NoteDeliveries"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert delivery_key("github", "1").startswith(keys.removesuffix("*"))
    assert not {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "s3:DeleteObject"} & actions_of(
        resources["WebPolicy"]
    )


def test_an_uploader_puts_raw_tickets_and_reads_none(resources: dict[str, Any]) -> None:
    assert actions_of(resources["UploaderPolicy"]) == {
        "cloudformation:DescribeStacks",
        "s3:PutObject",
        "kms:GenerateDataKey",
    }
    statements = resources["UploaderPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (target,) = [each["Resource"]["Sub"] for each in statements if each.get("Action") == "s3:PutObject"]
    assert target.endswith("${RawBucket.Arn}/tickets/*")


def test_a_key_is_used_through_the_services_alone(resources: dict[str, Any]) -> None:
    for name in {"WorkerPolicy", "CorrectorPolicy", "WebPolicy", *PEOPLE}:
        statements = resources[name]["Properties"]["PolicyDocument"]["Statement"]
        (conditional,) = [each["If"] for each in statements if "If" in each]
        assert conditional[0] == "HasKey"
        assert conditional[1]["Resource"] == {"Ref": "KmsKeyArn"}
        assert conditional[1]["Condition"]["StringEquals"]["kms:ViaService"]


def test_whoever_takes_from_the_queue_has_the_policy_of_a_worker(resources: dict[str, Any]) -> None:
    role = resources["TicketsFunctionRole"]["Properties"]
    assert role["ManagedPolicyArns"] == [{"Ref": "WorkerPolicy"}]
    (logs,) = role["Policies"]
    (statement,) = logs["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"GetAtt": "TicketsFunctionLogs.Arn"}


def test_what_holds_tickets_is_kept(resources: dict[str, Any]) -> None:
    for name in ("RawBucket", "EnrichedBucket", "TicketsTable", "LearningTable"):
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"


def test_checkpoints_expire_and_rows_do_not(resources: dict[str, Any]) -> None:
    """Read off the template: ministack takes the table's time to live and does not set it."""
    table = resources["TicketsTable"]["Properties"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert "expires_at" not in TicketRow.model_fields


def test_an_upgrade_begins_to_delete_nothing() -> None:
    parameters = template("template.yaml")["Parameters"]
    retention = {name: each["Default"] for name, each in parameters.items() if "RetentionDays" in name}
    assert retention.pop("LogRetentionDays") == 30
    assert set(retention) == {"RawRetentionDays", "EnrichedRetentionDays", "OldVersionRetentionDays"}
    assert set(retention.values()) == {0}


def test_every_alarm_says_what_it_means_and_tells_the_topic(resources: dict[str, Any]) -> None:
    alarms = {name: each for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(alarms) == ALARMS
    for alarm in alarms.values():
        assert alarm["Condition"] in {"HasAlarms", "HasLambdaAlarms"}
        properties = alarm["Properties"]
        assert len(properties["AlarmDescription"]) > 40
        assert properties["TreatMissingData"] == "notBreaching"
        for told in ("AlarmActions", "OKActions"):
            assert properties[told]["If"][0] == "HasAlarmTopic"


@pytest.mark.parametrize(
    ("bucket", "condition", "days"),
    [
        ("RawBucket", "ExpiresRaw", "RawRetentionDays"),
        ("EnrichedBucket", "ExpiresEnriched", "EnrichedRetentionDays"),
    ],
)
def test_tickets_expire_only_after_days_that_were_given(
    resources: dict[str, Any], bucket: str, condition: str, days: str
) -> None:
    """Read off the template: the emulators take a bucket's lifecycle and do not set it."""
    rules = resources[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
    unfinished, tickets, old = (each for each in rules if each.get("Id") != "search-index")
    assert unfinished["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert not {"ExpirationInDays", "NoncurrentVersionExpiration"} & unfinished.keys()
    assert tickets["If"][0] == condition
    assert tickets["If"][1]["ExpirationInDays"] == {"Ref": days}
    assert tickets["If"][1]["Prefix"] == "tickets/"
    assert old["If"][0] == "ExpiresOldVersions"
    assert old["If"][1]["NoncurrentVersionExpiration"] == {
        "NoncurrentDays": {"Ref": "OldVersionRetentionDays"}
    }
    conditions = template("template.yaml")["Conditions"]
    assert conditions[condition] == {"Not": [{"Equals": [{"Ref": days}, 0]}]}


def test_what_compaction_has_replaced_in_the_index_goes_soon(resources: dict[str, Any]) -> None:
    rules = resources["EnrichedBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (of_index,) = (each for each in rules if each.get("Id") == "search-index")
    assert of_index["Prefix"] == INDEX_PREFIX
    assert of_index["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert "ExpirationInDays" not in of_index


def test_a_key_of_the_users_encrypts_buckets_queues_and_table(resources: dict[str, Any]) -> None:
    by_key = {"If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
    for name in ("RawBucket", "EnrichedBucket"):
        (rule,) = resources[name]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {
            "SSEAlgorithm": {"If": ["HasKey", "aws:kms", "AES256"]},
            "KMSMasterKeyID": by_key,
        }
    for name in ("TicketsQueue", "DeadLetterQueue"):
        queue = resources[name]["Properties"]
        assert queue["KmsMasterKeyId"] == by_key
        assert queue["SqsManagedSseEnabled"] == {"If": ["HasKey", {"Ref": "AWS::NoValue"}, True]}
    for name in ("TicketsTable", "LearningTable"):
        assert resources[name]["Properties"]["SSESpecification"]["KMSMasterKeyId"] == by_key


def test_a_message_is_received_in_company_twice_and_alone_often_before_it_is_a_dead_letter() -> None:
    receives = template("template.yaml")["Parameters"]["MaxReceiveCount"]["Default"]
    in_company = SUSPECT_RECEIVES - 1
    assert in_company == 2
    assert receives - in_company >= 8
