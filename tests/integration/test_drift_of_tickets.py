"""`ticketmill drift` and `learn --check` over a real table and real objects."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from stored_rows import enriched_key_of, put_row

from ticketmill.bootstrap import Adapters
from ticketmill.domain.label import Correction, CorrectionKind, FoundBy, Shown
from ticketmill.domain.labels import Urgency
from ticketmill.domain.row import TicketRow

NEWEST = ("--newest", "50", "--since", "1d")


def put(adapters: Adapters, number: int, moved: float = 0.0, label: str = "bug_report") -> TicketRow:
    """A row and its full record; later numbers are newer."""
    ticket_id, at = f"T{number:04}", datetime.now(UTC)
    vector = np.random.default_rng(number).normal(moved, size=8).tolist()
    record = {"enrichment": {"embedding": vector}}
    adapters.enriched_tickets.put(enriched_key_of(ticket_id), json.dumps(record).encode())
    models = {"intent": "onepass", "urgency": "onepass", "embedding": "onepass"}
    return put_row(adapters, ticket_id, at, intent=label, urgency=Urgency.LOW, models=models)


def said(row: TicketRow, label: str) -> Correction:
    return Correction(
        ticket_id=row.ticket_id,
        number=1,
        task="urgency",
        kind=CorrectionKind.LABEL,
        labels=(label,),
        who="ann",
        at=datetime.now(UTC),
        shown=Shown(labels=("low",), confidence=0.99),
        content_hash=row.content_hash,
        found_by=FoundBy.AUDIT,
    )


@pytest.mark.timeout(240)
def test_tickets_that_are_not_like_the_reference_are_told_drawn_and_make_a_task_due(
    ticketmill: Run, adapters: Adapters, tmp_path: Path
) -> None:
    assert "drift needs 50 tickets" in ticketmill("drift", *NEWEST, code=6).stderr
    for number in range(100):
        put(adapters, number)
    assert "reference of drift" in ticketmill("drift", "--keep-reference", "--since", "1d").stdout
    assert "no report is kept yet" in ticketmill("drift", "--history").stderr
    assert "no drift" in ticketmill("drift", *NEWEST).stdout
    assert json.loads(ticketmill("learn", "--check", "--json").stdout)["urgency"] is None

    moved = [put(adapters, number, moved=1.0) for number in range(100, 150)]
    plot = tmp_path / "drift.svg"
    report = json.loads(ticketmill("drift", *NEWEST, "--plot", str(plot), "--json", code=4).stdout)
    assert report["drifted"] == ["texts"]
    (kept,) = json.loads(ticketmill("drift", "--history", "--json").stdout)
    assert {name: kept[name] for name in report} == report
    assert "labels of intent" in ticketmill("drift", "--history").stdout
    assert "<svg" in plot.read_text(encoding="utf-8")

    journal = adapters.label_journal
    assert journal is not None
    for row in moved[:40]:
        replaced = row.model_copy(update={"revision": row.revision + 1})
        assert journal.append([said(row, "high")], replaced, row)
    report = json.loads(ticketmill("drift", *NEWEST, "--json", code=4).stdout)
    assert report["drifted"] == ["texts", "audits of urgency"]
    due = json.loads(ticketmill("learn", "--check", "--json").stdout)
    assert due["urgency"]["trigger"] == "audits"
    assert due["intent"] is None
