"""The label journal on DynamoDB."""

from __future__ import annotations

import json
from typing import Any

import cfnlint.decode
import pytest
from journal_contract import LabelJournalContract

from ticketmill.aws.clients import Clients
from ticketmill.aws.dynamodb import DynamoTicketRows
from ticketmill.aws.label_journal import DynamoLabelJournal
from ticketmill.deploy.stack import Stack, deploy, find_stack, template_body
from ticketmill.domain.errors import TransientFailure


class TestDynamoLabelJournal(LabelJournalContract):
    @pytest.fixture
    def rows(self, clients: Clients, stack: Stack) -> DynamoTicketRows:
        return DynamoTicketRows(clients.dynamodb, stack.table)

    @pytest.fixture
    def journal(self, clients: Clients, stack: Stack) -> DynamoLabelJournal:
        assert stack.learning_table is not None
        return DynamoLabelJournal(clients.dynamodb, stack.learning_table, stack.table)


def test_a_failure_of_dynamodb_is_transient_and_names_its_code(clients: Clients) -> None:
    nowhere = DynamoLabelJournal(clients.dynamodb, "no-such-table", "no-such-table")
    with pytest.raises(TransientFailure, match="reading the label journal: ResourceNotFound"):
        nowhere.of_ticket("TKT-001")


def of_an_older_version(template: dict[str, Any]) -> dict[str, Any]:
    """The template without a table of corrections, and without rights to it."""
    older: dict[str, Any] = json.loads(json.dumps(template))
    for resource in older["Resources"].values():
        document = resource["Properties"].get("PolicyDocument", {})
        if isinstance(document.get("Statement"), list):
            document["Statement"] = [
                each for each in document["Statement"] if "LearningTable" not in json.dumps(each)
            ]
    variables = older["Resources"]["TicketsFunction"]["Properties"]["Environment"]["Variables"]
    del variables["TICKETMILL_LEARNING_TABLE"]
    for section, name in (
        ("Parameters", "ExistingLearningTableName"),
        ("Conditions", "MakesLearningTable"),
        ("Resources", "LearningTable"),
        ("Resources", "CorrectorPolicy"),
        ("Outputs", "LearningTableName"),
        ("Outputs", "CorrectorPolicyArn"),
    ):
        del older[section][name]
    return older


def test_an_older_stack_is_found_and_gets_its_table_by_being_deployed_again(
    clients: Clients, stack_name: str, parameters: dict[str, str]
) -> None:
    template, _ = cfnlint.decode.decode_str(template_body())
    known = {name: value for name, value in parameters.items() if name != "ExistingLearningTableName"}
    clients.cloudformation.create_stack(
        StackName=stack_name,
        TemplateBody=json.dumps(of_an_older_version(template)),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in known.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    clients.cloudformation.get_waiter("stack_create_complete").wait(StackName=stack_name)
    before = find_stack(clients, stack_name)
    assert before.learning_table is None
    after = deploy(clients, stack_name, parameters)
    assert after.table == before.table
    assert after.learning_table is not None
    table = clients.dynamodb.describe_table(TableName=after.learning_table)["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    clients.cloudformation.delete_stack(StackName=stack_name)
