"""What people say of labels outlives workers, bundles and each other."""

from __future__ import annotations

import pytest
from correction_desk import ANN, CANNOT_TELL, CONFIRM, ID, UNDO, Desk, label
from test_queries import FakeIndex

from ticketmill.domain.errors import CorrectionCode, CorrectionRefused, TransientFailure
from ticketmill.domain.facets import facets_of
from ticketmill.domain.label import Correction, CorrectionKind, Shown
from ticketmill.domain.labels import Sentiment, Source, Urgency
from ticketmill.domain.row import TicketRow
from ticketmill.operations.corrections import Corrections, Speaker
from ticketmill.operations.ports import LabelJournal
from ticketmill.pipeline.outcome import Result
from ticketmill.queries.tickets import TicketQueries

BOB = Speaker("bob")


@pytest.fixture
def desk() -> Desk:
    """A ticket that is enriched: intent bug_report, urgency low, sentiment neutral."""
    made = Desk()
    made.upload()
    assert made.enrich() is Result.ENRICHED
    return made


def refused(code: CorrectionCode) -> pytest.RaisesExc[CorrectionRefused]:
    return pytest.RaisesExc(CorrectionRefused, check=lambda error: error.code is code)


def test_a_correction_is_the_effective_label_at_once_and_the_models_stays_beside_it(desk: Desk) -> None:
    row = desk.say(label("high"))
    assert (row.urgency, row.urgency_source, row.urgency_confidence) == (Urgency.HIGH, Source.PERSON, None)
    assert row.corrected == ("urgency",)
    assert row.predicted["urgency"] == Shown(
        labels=("low",), confidence=0.6, source=Source.HEAD, fingerprint="f1"
    )
    assert desk.row == row
    assert "urgency=high" in desk.rows.facets[ID]
    assert "urgency=low" not in desk.rows.facets[ID]


def test_the_journal_says_who_said_what_of_which_content_and_what_they_saw(desk: Desk) -> None:
    desk.say(label("high"), who=Speaker("ann", note="They wait since Monday."))
    (event,) = desk.journal.of_ticket(ID)
    assert (event.number, event.task, event.kind, event.labels) == (
        1,
        "urgency",
        CorrectionKind.LABEL,
        ("high",),
    )
    assert (event.who, event.note) == ("ann", "They wait since Monday.")
    assert event.content_hash == desk.row.content_hash
    assert event.shown == Shown(labels=("low",), confidence=0.6, source=Source.HEAD, fingerprint="f1")


@pytest.mark.parametrize("older", [False, True], ids=["this_version", "an_older_version"])
def test_a_label_outlives_enriching_again(desk: Desk, older: bool) -> None:
    desk.say(label("high"))
    assert desk.enrich(older=older, force=True, urgency=Urgency.MEDIUM) is Result.ENRICHED
    assert desk.row.urgency is Urgency.HIGH
    assert desk.row.predicted["urgency"].labels == ("medium",)


def test_a_label_outlives_a_promoted_bundle_and_the_rollback_to_the_one_before(desk: Desk) -> None:
    desk.say(label("high"))
    desk.serve("f2")
    assert desk.enrich(urgency=Urgency.MEDIUM) is Result.ENRICHED
    desk.serve("f1")
    assert desk.enrich(urgency=Urgency.LOW) is Result.ENRICHED
    assert desk.row.urgency is Urgency.HIGH
    assert desk.row.predicted["urgency"].fingerprint == "f1"


def test_a_label_outlives_a_touch_an_upload_of_the_same_content_and_a_rejection(desk: Desk) -> None:
    desk.say(label("high"))
    desk.upload()
    assert desk.enrich() is Result.DUPLICATE
    assert desk.row.urgency is Urgency.HIGH
    assert not desk.is_misindexed


def test_a_worker_that_began_before_the_correction_does_not_lose_it(desk: Desk) -> None:
    seen, raw = desk.rows.get(ID), desk.fetched()
    desk.say(label("high"))
    assert desk.record(raw, seen, force=True) is Result.ENRICHED
    assert desk.row.urgency is Urgency.HIGH
    assert not desk.is_misindexed


def test_with_other_content_a_label_is_kept_and_stops_to_hold(desk: Desk) -> None:
    desk.say(label("high"))
    desk.upload("The printer works again.")
    assert desk.enrich() is Result.ENRICHED
    assert desk.row.urgency is Urgency.LOW
    assert desk.row.stale_labels == ("urgency",)
    assert desk.row.corrected == ()
    assert desk.row.person["urgency"].labels == ("high",)
    assert "stale_labels=urgency" in desk.rows.facets[ID]


def test_when_the_content_comes_back_the_label_holds_again(desk: Desk) -> None:
    desk.say(label("high"))
    for content in ("The printer works again.", "The printer is on fire."):
        desk.upload(content)
        desk.enrich()
    assert desk.row.urgency is Urgency.HIGH
    assert desk.row.stale_labels == ()


def test_undo_brings_back_what_was_said_before_and_then_the_models_label(desk: Desk) -> None:
    desk.say(label("high"))
    desk.say(label("critical"), who=BOB)
    assert desk.say(UNDO).urgency is Urgency.HIGH
    assert desk.row.person["urgency"].who == "ann"
    assert desk.say(UNDO).urgency is Urgency.LOW
    assert desk.row.person == {}
    assert [each.undoes for each in desk.journal.of_ticket(ID)] == [None, None, 2, 1]
    with refused(CorrectionCode.NOTHING_TO_UNDO):
        desk.say(UNDO)


def test_undo_without_a_task_takes_back_what_was_said_together(desk: Desk) -> None:
    desk.say(label("high"))
    desk.corrections.correct(ID, {"intent": label("login_issue"), "sentiment": label("negative")}, ANN)
    row = desk.corrections.undo(ID, ANN)
    assert (row.intent, row.sentiment, row.urgency) == ("bug_report", Sentiment.NEUTRAL, Urgency.HIGH)
    assert desk.corrections.undo(ID, ANN).person == {}
    with refused(CorrectionCode.NOTHING_TO_UNDO):
        desk.corrections.undo(ID, ANN)


def test_undo_of_one_task_leaves_the_others(desk: Desk) -> None:
    desk.corrections.correct(ID, {"intent": label("login_issue"), "urgency": label("high")}, ANN)
    row = desk.corrections.undo(ID, ANN, ["intent"])
    assert (row.intent, row.urgency) == ("bug_report", Urgency.HIGH)


def test_who_cannot_tell_leaves_the_models_label_and_takes_the_task_from_review(desk: Desk) -> None:
    desk.enrich(force=True, needs_review=True, review_reasons=("urgency_confidence",))
    row = desk.say(CANNOT_TELL)
    assert (row.urgency, row.urgency_source) == (Urgency.LOW, Source.HEAD)
    assert row.needs_review is False
    assert row.corrected == ()


def test_confirming_speaks_of_every_prediction_that_nobody_spoke_of(desk: Desk) -> None:
    desk.say(label("high"))
    row = desk.corrections.confirm(ID, BOB)
    assert {task: each.kind for task, each in row.person.items()} == {
        "urgency": CorrectionKind.LABEL,
        "intent": CorrectionKind.CONFIRM,
        "sentiment": CorrectionKind.CONFIRM,
    }
    assert row.intent_source is Source.PERSON
    assert row.corrected == ("urgency",)
    assert desk.corrections.confirm(ID, BOB) == row
    with refused(CorrectionCode.NOTHING_SHOWN):
        desk.say(CONFIRM, "topics")


def test_several_topics_are_right_or_none(desk: Desk) -> None:
    row = desk.say(label("invoices", "refunds"), "topics")
    assert [each.label for each in row.topics] == ["invoices", "refunds"]
    assert desk.say(label(), "topics").topics == ()


@pytest.mark.parametrize(
    ("task", "labels", "code"),
    [
        ("mood", ("high",), CorrectionCode.UNKNOWN_TASK),
        ("urgency", ("hihg",), CorrectionCode.UNKNOWN_LABEL),
        ("urgency", ("high", "low"), CorrectionCode.UNKNOWN_LABEL),
        ("urgency", (), CorrectionCode.UNKNOWN_LABEL),
    ],
)
def test_what_is_no_label_of_a_task_is_refused_and_nothing_is_written(
    desk: Desk, task: str, labels: tuple[str, ...], code: CorrectionCode
) -> None:
    before = desk.rows.get(ID)
    with refused(code):
        desk.say(label(*labels), task)
    assert desk.rows.get(ID) == before
    assert desk.journal.of_ticket(ID) == []


def test_a_near_miss_is_told_with_the_label_that_was_meant(desk: Desk) -> None:
    with pytest.raises(CorrectionRefused, match='did you mean "high"'):
        desk.say(label("hihg"))


def test_a_ticket_that_is_not_there_is_told() -> None:
    with refused(CorrectionCode.UNKNOWN_TICKET):
        Desk().say(label("high"))


def test_of_two_people_who_saw_one_row_the_second_is_told_to_look_again(desk: Desk) -> None:
    seen = desk.row.revision
    desk.say(label("high"), revision=seen)
    with refused(CorrectionCode.STALE_REVISION):
        desk.say(label("critical"), who=BOB, revision=seen)
    assert desk.row.urgency is Urgency.HIGH


def test_of_two_people_who_name_no_revision_both_are_on_record_and_the_last_holds(desk: Desk) -> None:
    """Bob writes between Ann's look at the row and her write."""

    class Overtaken:
        def __init__(self) -> None:
            self.is_first = True

        def of_ticket(self, ticket_id: str) -> list[Correction]:
            found = desk.journal.of_ticket(ticket_id)
            if self.is_first:
                self.is_first = False
                desk.say(label("critical"), who=BOB)
            return found

        walk, append = desk.journal.walk, desk.journal.append

    corrections = Corrections(desk.rows, Overtaken(), desk.corrections.tasks, desk.now)
    row = corrections.correct(ID, {"urgency": label("high")}, ANN)
    assert row.urgency is Urgency.HIGH
    assert [(each.who, each.number) for each in desk.journal.of_ticket(ID)] == [("bob", 1), ("ann", 2)]


def test_who_spoke_of_other_content_than_there_is_now_is_told_to_look_again(desk: Desk) -> None:
    seen = desk.row.content_hash
    desk.upload("The printer works again.")
    desk.enrich()
    with refused(CorrectionCode.STALE_CONTENT):
        desk.say(label("high"), content_hash=seen)


def test_a_row_that_never_rests_is_left_to_another_try(desk: Desk) -> None:
    class Busy:
        of_ticket, walk = desk.journal.of_ticket, desk.journal.walk

        def append(self, corrections: object, row: TicketRow, replaces: TicketRow) -> bool:
            _ = corrections, row, replaces
            return False

    with pytest.raises(TransientFailure, match="changed 8 times"):
        Corrections(desk.rows, Busy(), desk.corrections.tasks).correct(ID, {"urgency": label("high")}, ANN)


def test_an_older_worker_leaves_the_index_wrong_and_the_next_worker_of_today_puts_it_right(
    desk: Desk,
) -> None:
    desk.say(label("high"))
    desk.enrich(older=True, force=True)
    assert desk.is_misindexed
    assert "urgency=low" in desk.rows.facets[ID]
    desk.enrich(force=True)
    assert not desk.is_misindexed
    assert desk.rows.facets[ID] == facets_of(desk.row)


def test_reapplying_puts_the_index_right_and_then_has_nothing_to_do(desk: Desk) -> None:
    desk.say(label("high"))
    desk.enrich(older=True, force=True)
    assert list(desk.corrections.reapply_all()) == [(ID, True)]
    assert desk.rows.facets[ID] == facets_of(desk.row)
    assert list(desk.corrections.reapply_all()) == [(ID, False)]


def test_reapplying_brings_back_what_a_row_has_lost(desk: Desk) -> None:
    row = desk.say(label("high"))
    desk.rows.rows[ID] = desk.rows.rows[ID].model_copy(update={"person": {}})
    assert desk.corrections.reapply(ID)
    assert desk.row.person == row.person
    assert desk.row.urgency is Urgency.HIGH


def test_reapplying_needs_a_row(desk: Desk) -> None:
    desk.say(label("high"))
    del desk.rows.rows[ID]
    assert list(desk.corrections.reapply_all()) == [(ID, False)]


def queries(desk: Desk, journal: LabelJournal) -> TicketQueries:
    """As a process has them that may correct."""
    corrections = Corrections(desk.rows, journal, desk.corrections.tasks, desk.now)
    return TicketQueries(FakeIndex(), desk.rows, repair=corrections.repair)


def test_who_may_correct_and_reads_a_ticket_puts_its_index_entry_right(desk: Desk) -> None:
    desk.say(label("high"))
    desk.enrich(older=True, force=True)
    row = queries(desk, desk.journal).get(ID)
    assert row is not None
    assert row.urgency is Urgency.HIGH
    assert desk.rows.facets[ID] == facets_of(row)


def test_an_index_entry_that_cannot_be_put_right_now_keeps_nobody_from_reading(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    class Down:
        walk, append = desk.journal.walk, desk.journal.append

        def of_ticket(self, ticket_id: str) -> list[Correction]:
            raise TransientFailure(f"reading the label journal of {ticket_id}: InternalServerError")

    desk.say(label("high"))
    desk.enrich(older=True, force=True)
    row = queries(desk, Down()).get(ID)
    assert row is not None
    assert row.urgency is Urgency.HIGH
    assert "the index entry of TKT-001 stays wrong for now" in caplog.text


def test_a_label_that_is_given_twice_is_one(desk: Desk) -> None:
    assert desk.say(label("high", "high")).urgency is Urgency.HIGH
    assert [each.label for each in desk.say(label("refunds", "refunds"), "topics").topics] == ["refunds"]


def test_who_undoes_while_a_worker_writes_is_not_told_to_look_again(desk: Desk) -> None:
    class Overtaken:
        walk, append = desk.journal.walk, desk.journal.append
        is_first = True

        def of_ticket(self, ticket_id: str) -> list[Correction]:
            if self.is_first:
                self.is_first = False
                desk.enrich(force=True)
            return desk.journal.of_ticket(ticket_id)

    desk.say(label("high"))
    corrections = Corrections(desk.rows, Overtaken(), desk.corrections.tasks, desk.now)
    assert corrections.undo(ID, ANN).person == {}
