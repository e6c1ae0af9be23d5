from __future__ import annotations

import pytest
from rows_contract import TicketRowsContract, row, stored

from ticketmill.aws.memory import MemoryTicketRows
from ticketmill.domain.row import TicketRow


class TestMemoryTicketRows(TicketRowsContract):
    @pytest.fixture
    def rows(self) -> MemoryTicketRows:
        return MemoryTicketRows()


def test_what_others_put_on_a_row_outlives_a_write_of_the_pipeline() -> None:
    labelled = TicketRow(**dict(row()), label={"urgency": "low"})
    rows = MemoryTicketRows({"TKT-001": labelled})
    assert rows.put(row(revision=2), replaces=labelled)
    assert stored(rows).model_extra == {"label": {"urgency": "low"}}
