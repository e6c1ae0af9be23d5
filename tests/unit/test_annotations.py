"""What people say becomes labels by one rule, and where they differ it is listed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ticketmill.domain.dataset import LeftOut, Origin
from ticketmill.domain.label import Correction, CorrectionKind
from ticketmill.domain.ticket import Ticket, TicketMetadata
from ticketmill.learning.annotations import Annotated, Annotation, Gathered, links_of, resolve
from ticketmill.learning.journal_annotations import last_words

A, B = ("login_issue",), ("bug_report",)


def at(hour: int) -> datetime:
    return datetime(2026, 11, 20, hour, tzinfo=UTC)


def annotated(*annotations: Annotation, example_id: str = "TKT-1", body: str = "text") -> Annotated:
    return Annotated(example_id, "", body, Origin.JOURNAL, f"hash of {body}", list(annotations))


def test_what_all_say_is_right_and_no_conflict() -> None:
    found = resolve(annotated(Annotation("ann", A), Annotation("bob", A)), "single")
    assert (found.labels, found.conflict) == (A, None)


def test_the_majority_of_people_decides_and_the_conflict_is_listed() -> None:
    found = resolve(annotated(Annotation("ann", A), Annotation("bob", B), Annotation("cat", B)), "single")
    assert found.labels == B
    assert found.conflict is not None
    assert found.conflict.said == {"ann": A, "bob": B, "cat": B}
    assert (found.conflict.resolved, found.conflict.rule) == (B, "the majority of people")


def test_a_tie_is_left_out_and_listed() -> None:
    found = resolve(annotated(Annotation("ann", A), Annotation("bob", B)), "single")
    assert (found.labels, found.why_not) == (None, LeftOut.TIE)
    assert found.conflict is not None
    assert found.conflict.resolved is None


def test_the_latest_audit_outranks_any_majority() -> None:
    words = [Annotation(f"p{number}", B, at(12)) for number in range(5)]
    audits = [Annotation("ann", A, at(9), is_audit=True), Annotation("bob", B, at(8), is_audit=True)]
    found = resolve(annotated(*words, *audits), "single")
    assert found.labels == A
    assert found.conflict is not None
    assert found.conflict.rule == "the latest audit"


def test_who_cannot_tell_counts_and_all_of_them_leave_it_out() -> None:
    nobody = resolve(annotated(Annotation("ann", None), Annotation("bob", None)), "single")
    assert (nobody.labels, nobody.why_not, nobody.conflict) == (None, LeftOut.CANNOT_TELL, None)
    one_each = resolve(annotated(Annotation("ann", None), Annotation("bob", A)), "single")
    assert one_each.why_not is LeftOut.TIE


@pytest.mark.parametrize(
    ("votes", "labels", "why_not"),
    [
        ([("a", "b"), ("b", "a")], ("a", "b"), None),
        ([("a", "b"), ("b",), ("b", "c")], ("b",), None),
        ([("a",), ()], None, LeftOut.TIE),
        ([("a",), (), ()], (), None),
    ],
)
def test_of_several_labels_each_is_decided_by_itself(
    votes: list[tuple[str, ...]], labels: tuple[str, ...] | None, why_not: LeftOut | None
) -> None:
    spoken = [Annotation(f"p{number}", vote) for number, vote in enumerate(votes)]
    found = resolve(annotated(*spoken), "multi")
    assert (found.labels, found.why_not) == (labels, why_not)


def test_one_person_counts_once_for_a_text_from_several_sources() -> None:
    gathered = Gathered()
    gathered.add(annotated(Annotation("ann", A)))
    gathered.add(annotated(Annotation("ann", B), Annotation("bob", A)))
    assert [each.who for each in gathered.by_id["TKT-1"].annotations] == ["ann", "bob"]
    assert resolve(gathered.by_id["TKT-1"], "single").labels == A


def test_a_second_text_of_one_id_is_left_out() -> None:
    gathered = Gathered()
    gathered.add(annotated(Annotation("ann", A)))
    gathered.add(annotated(Annotation("bob", B), body="something else"))
    assert gathered.left_out == {LeftOut.OTHER_TEXT: 1}
    assert len(gathered.by_id["TKT-1"].annotations) == 1


def correction(number: int, who: str, labels: tuple[str, ...] = A, undoes: int | None = None) -> Correction:
    return Correction(
        ticket_id="TKT-1",
        number=number,
        task="intent",
        kind=CorrectionKind.UNDO if undoes else CorrectionKind.LABEL,
        labels=labels,
        undoes=undoes,
        who=who,
        at=at(number),
        content_hash="h",
    )


def test_the_last_word_of_each_person_counts_and_nothing_that_was_taken_back() -> None:
    words = last_words(
        [
            correction(1, "ann", A),
            correction(2, "bob", B),
            correction(3, "ann", B),
            correction(4, "bob", (), undoes=2),
        ]
    )
    assert [(each.who, each.labels) for each in words] == [("ann", B)]


def test_a_ticket_is_linked_to_its_customer_and_to_the_mails_of_its_thread() -> None:
    first = Ticket(ticket_id="first@mail", body="x", customer_id="C-1")
    reply = Ticket(
        ticket_id="second@mail",
        body="x",
        extra={"in_reply_to": "<first@mail>", "references": ["<root@mail>", "<first@mail>"]},
        metadata=TicketMetadata(),
    )
    assert "customer:C-1" in links_of(first)
    assert set(links_of(first)) & set(links_of(reply)) == {"thread:first@mail"}
