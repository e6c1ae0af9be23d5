"""What to label next."""

from __future__ import annotations

from typing import Any

import pytest
from correction_desk import TASKS, label
from rows_contract import row

from ticketmill.domain.effective_row import EffectiveRow, effective
from ticketmill.domain.label import CorrectionKind, FoundBy, PersonLabel, Shown
from ticketmill.domain.labels import LabelOrder, Status, Urgency
from ticketmill.entrypoints.cli.asking import Answer
from ticketmill.entrypoints.cli.labelling import Review
from ticketmill.learning.sampling import Candidate, Suspect, is_audit, next_to_label
from ticketmill.operations.corrections import CorrectableTask, Corrections, Speaker

NAMES = ("intent", "urgency")


def ticket(number: int, margin: float | None = None, **given: Any) -> EffectiveRow:
    margins = {} if margin is None else {"intent": margin, "urgency": 0.9}
    known: dict[str, Any] = {"intent": "bug_report", "intent_confidence": 0.9, "urgency": Urgency.LOW}
    return effective(row(ticket_id=f"T{number}", margins=margins, **{**known, **given}))


def spoken(task: str, number: int) -> dict[str, PersonLabel]:
    made = row(ticket_id=f"T{number}")
    said = PersonLabel(
        number=1,
        kind=CorrectionKind.LABEL,
        labels=("login_issue",),
        who="ann",
        at=made.processed_at,
        content_hash=made.content_hash,
    )
    return {task: said}


def ids(candidates: list[Candidate]) -> list[str]:
    return [each.row.ticket_id for each in candidates]


def test_the_smallest_margin_comes_first() -> None:
    tickets = [ticket(1, 0.5), ticket(2, 0.1), ticket(3, 0.3)]
    assert ids(next_to_label(tickets, NAMES, 0, LabelOrder.MARGIN)) == ["T2", "T3", "T1"]


def test_a_row_without_margins_is_ordered_by_its_confidence() -> None:
    tickets = [ticket(1, 0.5), ticket(2, intent_confidence=0.6), ticket(3, intent_confidence=None)]
    assert ids(next_to_label(tickets, NAMES, 0, LabelOrder.MARGIN)) == ["T2", "T1", "T3"]


def test_what_a_person_spoke_of_does_not_order_and_a_finished_ticket_is_not_offered() -> None:
    half = ticket(1, 0.01, person=spoken("intent", 1))
    done = ticket(2, 0.01, person={**spoken("intent", 2), **spoken("urgency", 2)})
    failed = ticket(3, status=Status.FAILED)
    (offered, later) = next_to_label([ticket(4, 0.5), half, done, failed], NAMES, 0, LabelOrder.MARGIN)
    assert (offered.row.ticket_id, later.row.ticket_id) == ("T4", "T1")
    assert later.tasks == ("urgency",)


def test_audits_are_a_share_of_all_tickets_and_the_same_for_ever() -> None:
    drawn = {number for number in range(20_000) if is_audit(f"T{number}", 0.02)}
    assert 300 < len(drawn) < 500
    assert drawn < {number for number in range(20_000) if is_audit(f"T{number}", 0.05)}
    assert not any(is_audit(f"T{number}", 0) for number in range(100))


@pytest.mark.parametrize("how", [LabelOrder.MIXED, LabelOrder.AUDIT, LabelOrder.REVIEW])
def test_an_audit_is_blind_in_every_order_until_somebody_has_spoken(how: LabelOrder) -> None:
    (audit,) = next_to_label([ticket(1, 0.1, needs_review=True)], NAMES, 1.0, how)
    assert audit.is_blind
    assert audit.found_by is FoundBy.AUDIT
    known = ticket(1, 0.1, needs_review=True, person=spoken("intent", 1))
    assert not any(each.is_blind for each in next_to_label([known], NAMES, 1.0, how))


def test_every_fifth_ticket_of_a_mixed_order_is_an_audit_and_every_tenth_a_suspect() -> None:
    share = 0.1
    told = next(number for number in range(200) if not is_audit(f"T{number}", share))
    tickets = [ticket(number, 0.5) for number in range(200) if number != told]
    tickets.append(ticket(told, 0.5, person=spoken("intent", told)))
    doubted = [Suspect(f"T{told}", "intent"), Suspect("T9999", "intent")]
    order = next_to_label(tickets, NAMES, share, LabelOrder.MIXED, doubted)
    audits = [number for number, each in enumerate(order, 1) if each.found_by is FoundBy.AUDIT]
    assert audits[:3] == [5, 15, 20]
    assert len(audits) == sum(is_audit(each.ticket_id, share) for each in tickets)
    assert order[9].found_by is FoundBy.SUSPECT
    assert order[9].tasks == ("intent",)
    assert len(order) == 201


def test_what_needs_review_keeps_its_order() -> None:
    tickets = [ticket(1, 0.9, needs_review=True), ticket(2, 0.1), ticket(3, 0.1, needs_review=True)]
    found = next_to_label(tickets, NAMES, 0, LabelOrder.REVIEW)
    assert ids(found) == ["T1", "T3"]
    assert {each.found_by for each in found} == {FoundBy.REVIEW_QUEUE}


class Queries:
    def __init__(self, *rows: EffectiveRow) -> None:
        self.rows = {each.ticket_id: each for each in rows}

    def get(self, ticket_id: str) -> EffectiveRow | None:
        return self.rows.get(ticket_id)


class Spoken(Corrections):
    """Notes what is said, and how the ticket was found."""

    def __init__(self) -> None:
        super().__init__(None, None, {"urgency": TASKS["urgency"]})  # type: ignore[arg-type]

    def correct(self, ticket_id: str, words: Any, speaker: Speaker, **given: Any) -> EffectiveRow:
        del words, given
        SAID.append((ticket_id, speaker.found_by))
        return ticket(1)


SAID: list[tuple[str, FoundBy]] = []
SHOWN: list[Shown] = []


def say_high(task: CorrectableTask, shown: Shown) -> Answer:
    SHOWN.append(shown)
    return label("high")


@pytest.mark.parametrize(
    ("share", "found_by", "labels"), [(1.0, FoundBy.AUDIT, ()), (0.0, FoundBy.MARGIN, ("low",))]
)
def test_a_person_sees_no_prediction_of_an_audit(
    share: float, found_by: FoundBy, labels: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    SAID.clear()
    SHOWN.clear()
    shown = ticket(1, 0.1, review_reasons=("priority_conflict",), needs_review=True)
    review = Review(
        queries=Queries(shown),  # type: ignore[arg-type]
        corrections=Spoken(),
        text_of=lambda _: None,
        speaker=Speaker("ann"),
        ask=say_high,
        audit_share=share,
    )
    review.run(next_to_label([shown], ("urgency",), share))
    assert [("T1", found_by)] == SAID
    assert SHOWN[0].labels == labels
    out = capsys.readouterr().out
    assert ("priority_conflict" in out) == (not share)
    assert ("low" in out) == (not share)
