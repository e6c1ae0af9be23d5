"""Gaps: tickets that the model is unsure of, grouped, named, kept, and made labels of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from gap_world import ids_of, usual_period
from web_parts import NOON

from ticketmill.domain.errors import LearningRefused, SetupError
from ticketmill.domain.gap_report import GapReport, gap_id
from ticketmill.domain.label import CorrectionKind, PersonLabel
from ticketmill.learning.gap_history import GapsOfTicket
from ticketmill.models.build.taxonomy_entry import add_label
from ticketmill.models.build.taxonomy_file import SHIPPED, read_taxonomy
from ticketmill.operations.forget import Traces
from ticketmill.queries.gaps import BELOW, groups_of, unit

SINCE = NOON - timedelta(days=28)


@pytest.fixture
def found(tmp_path: Path) -> GapReport:
    return usual_period(tmp_path).desk().find(SINCE, NOON, BELOW)


def test_unsure_tickets_of_one_topic_are_a_gap_and_sure_ones_are_in_none(found: GapReport) -> None:
    card, printer = found.gaps
    assert (found.tickets, found.unsure, found.without_vector) == (94, 14, 0)
    assert (card.size, printer.size) == (8, 6)
    assert ids_of("card", card.tickets) == {*card.tickets}
    assert ids_of("printer", printer.tickets) == {*printer.tickets}
    assert card.labels == {"payment_issue": 8} and card.confidence == pytest.approx(0.45)


def test_a_gap_is_named_by_the_words_that_stand_out(found: GapReport) -> None:
    card, printer = found.gaps
    assert {"card", "declined"} <= {*card.name.split()} and {"printer", "jam"} & {*printer.name.split()}
    assert card.label == card.name.replace(" ", "_")
    assert "help" not in {each.word for each in card.words}


def test_the_ticket_nearest_the_middle_comes_first(tmp_path: Path) -> None:
    world = usual_period(tmp_path)
    report = world.desk().find(SINCE, NOON, BELOW)
    vectors = {each.ticket_id: each.vector for each in world.entries}
    mean = np.mean([*vectors.values()], axis=0)
    centred = unit(np.stack([vectors[each] for each in report.gaps[0].tickets]) - mean)
    cosines = centred @ unit(centred.mean(axis=0, keepdims=True))[0]
    assert (np.diff(cosines) <= 1e-6).all()
    assert report.gaps[0].cohesion == pytest.approx(float(cosines.mean()), abs=1e-3)


def test_a_ticket_that_a_person_labelled_is_in_no_gap(tmp_path: Path) -> None:
    world = usual_period(tmp_path)
    spoken = next(iter(ids_of("card", world.web.rows.rows)))
    said = PersonLabel(
        labels=("payment_issue",),
        kind=CorrectionKind.CONFIRM,
        who="ann",
        at=NOON,
        number=1,
        content_hash="0f",
    )
    world.web.rows.rows[spoken] = world.web.rows.rows[spoken].model_copy(update={"person": {"intent": said}})
    report = world.desk().find(SINCE, NOON, BELOW)
    assert report.unsure == 13 and spoken not in report.gaps[0].tickets


def test_machine_mail_and_tickets_that_the_index_lacks_are_left_out(tmp_path: Path) -> None:
    world = usual_period(tmp_path)
    world.add("card", 3, 0.4, "payment_issue", automatic=True)
    world.add("card", 2, 0.4, "payment_issue", is_indexed=False)
    report = world.desk().find(SINCE, NOON, BELOW)
    assert (report.tickets, report.without_vector) == (94, 2)


def test_too_few_tickets_are_refused_with_what_to_do(tmp_path: Path) -> None:
    world = usual_period(tmp_path)
    with pytest.raises(LearningRefused, match=r"needs 50 tickets.*the index 20 of them.*--since"):
        world.desk().find(SINCE, NOON, BELOW, most=20)


def test_tickets_far_from_each_other_are_no_group() -> None:
    apart = np.eye(12, dtype=np.float32)
    close = unit(apart[:1] + 0.1 * apart[1:8])
    assert groups_of(apart) == [] and groups_of(apart[:1]) == []
    (group,) = groups_of(np.concatenate([apart[1:], close]))
    assert group.tolist() == list(range(11, 18))


def test_the_id_of_a_gap_names_its_tickets(found: GapReport) -> None:
    card, printer = found.gaps
    assert card.id == gap_id(reversed(card.tickets)) != gap_id(card.tickets[1:])
    assert found.gap(card.id) == card and found.gap(printer.id[:4]) == printer
    assert found.gap("") is None and found.gap("none") is None


def test_the_last_report_is_kept(tmp_path: Path, found: GapReport) -> None:
    desk = usual_period(tmp_path / "again").desk()
    assert desk.kept() is None
    desk.keep(found)
    assert desk.kept() == found


def test_a_gap_becomes_a_label_of_a_taxonomy_with_its_tickets_as_examples(tmp_path: Path) -> None:
    desk = usual_period(tmp_path).desk()
    gap = desk.find(SINCE, NOON, BELOW).gaps[0]
    label = desk.label_of(gap, gap.label, gap.description, examples=4)
    assert len(label.examples) == 4 and all("card was declined" in each for each in label.examples)
    path = tmp_path / "topics.yaml"
    path.write_bytes(SHIPPED["topics"].read_bytes())
    add_label(path, label)
    assert read_taxonomy(path).labels[-1] == label


def test_a_name_that_no_label_can_have_is_told(tmp_path: Path) -> None:
    desk = usual_period(tmp_path).desk()
    gap = desk.find(SINCE, NOON, BELOW).gaps[0]
    with pytest.raises(SetupError, match=r"'Card Declined' cannot be a label: label: .*lower case"):
        desk.label_of(gap, "Card Declined", "declined cards", examples=4)


def test_a_forgotten_ticket_is_taken_out_of_the_last_report(tmp_path: Path, found: GapReport) -> None:
    desk = usual_period(tmp_path / "again").desk()
    desk.keep(found)
    holder, forgotten = GapsOfTicket(desk.objects), Traces(found.gaps[0].tickets[0])
    assert holder.left(forgotten)
    assert holder.remove(forgotten) >= 1 and holder.remove(forgotten) == 0
    assert not holder.left(forgotten) and holder.remove(Traces("unknown")) == 0
    kept = desk.kept()
    assert kept is not None and kept.gaps[0].size == found.gaps[0].size - 1
    assert kept.gaps[0].id == found.gaps[0].id and kept.gaps[1] == found.gaps[1]
