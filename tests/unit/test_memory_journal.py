from __future__ import annotations

import pytest
from journal_contract import LabelJournalContract

from ticketmill.aws.memory import MemoryLabelJournal, MemoryTicketRows


class TestMemoryLabelJournal(LabelJournalContract):
    @pytest.fixture
    def rows(self) -> MemoryTicketRows:
        return MemoryTicketRows()

    @pytest.fixture
    def journal(self, rows: MemoryTicketRows) -> MemoryLabelJournal:
        return MemoryLabelJournal(rows)
