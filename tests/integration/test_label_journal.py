"""The label journal on DynamoDB."""

from __future__ import annotations

import pytest
from journal_contract import LabelJournalContract

from ticketmill.aws.clients import Clients
from ticketmill.aws.dynamodb import DynamoTicketRows
from ticketmill.aws.label_journal import DynamoLabelJournal
from ticketmill.deploy.stack import Stack
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
