"""Which words of people are audits."""

from __future__ import annotations

from typing import Any

from journal_contract import correction

from ticketmill.domain.label import Correction, CorrectionKind, FoundBy
from ticketmill.learning.audits import AuditLabel, audit_labels


def said(number: int, ticket_id: str = "TKT-001", **changes: Any) -> Correction:
    return correction(number, ticket_id).model_copy(update={"found_by": FoundBy.AUDIT, **changes})


def test_the_last_audit_of_each_ticket_counts() -> None:
    journal = [
        said(1, labels=("low",)),
        said(2, labels=("high",)),
        said(1, "TKT-002", kind=CorrectionKind.CONFIRM, labels=("medium",)),
    ]
    assert audit_labels(journal, "urgency") == [
        AuditLabel("TKT-001", ("high",), "ab"),
        AuditLabel("TKT-002", ("medium",), "ab"),
    ]


def test_what_was_found_otherwise_is_no_audit() -> None:
    journal = [
        said(1, found_by=FoundBy.REVIEW_QUEUE),
        said(2, task="intent"),
        said(3, kind=CorrectionKind.CANNOT_TELL, labels=()),
    ]
    assert audit_labels(journal, "urgency") == []


def test_an_audit_that_was_taken_back_does_not_count() -> None:
    journal = [said(1, labels=("low",)), said(2), said(3, kind=CorrectionKind.UNDO, undoes=2, labels=())]
    assert audit_labels(journal, "urgency") == [AuditLabel("TKT-001", ("low",), "ab")]
