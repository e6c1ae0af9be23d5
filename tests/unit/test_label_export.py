"""What people said, as a file and back, and read by training and by `evaluate`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from correction_desk import ANN, CANNOT_TELL, ID, Desk, label

from ticketmill.domain.errors import SetupError
from ticketmill.domain.intake import Intake
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.labels import Urgency
from ticketmill.learning.corpus import read_corpus
from ticketmill.learning.labelled import LabelledText, read_labelled
from ticketmill.operations.label_export import NO_LABEL, NO_ROW, NO_TEXT, STALE, LabelExport
from ticketmill.operations.label_import import ImportedLine, ImportResult, LabelImport
from ticketmill.operations.ticket_texts import TicketTexts

ALL = {
    "intent": label("login_issue"),
    "urgency": label("high"),
    "sentiment": label("negative"),
    "topics": label("passwords"),
}


def content(body: str = "I cannot log in.") -> str:
    return json.dumps({"ticket_id": ID, "subject": "Login", "body": body})


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.upload(content())
    made.enrich()
    return made


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture
def export(desk: Desk, executor: ThreadPoolExecutor) -> LabelExport:
    return LabelExport(desk.corrections, TicketTexts(desk.raw, 10_000, Intake().parse), executor)


def written(lines: LabelExport, folder: Path) -> Path:
    path = folder / "export.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def imported(desk: Desk, *documents: Any) -> list[ImportedLine]:
    lines = [each if isinstance(each, str) else json.dumps(each) for each in documents]
    return list(LabelImport(desk.corrections, "importer").read(lines))


def test_a_line_has_the_text_who_and_what_people_said_and_no_label_of_a_model(
    desk: Desk, export: LabelExport
) -> None:
    desk.say(label("high"))
    desk.say(label("invoices", "refunds"), "topics")
    desk.say(CANNOT_TELL, "intent")
    (line,) = export
    assert line == {
        "ticket_id": ID,
        "subject": "Login",
        "body": "I cannot log in.",
        "urgency": "high",
        "topics": ["invoices", "refunds"],
        "who": "ann",
        "at": desk.journal.of_ticket(ID)[-1].at.isoformat(),
        "content_hash": desk.row.content_hash,
    }


def test_what_does_not_hold_or_has_no_text_is_left_out_and_counted(desk: Desk, export: LabelExport) -> None:
    desk.say(CANNOT_TELL)
    assert list(export) == []
    desk.say(label("high"))
    raw = desk.raw.objects.copy()
    desk.upload(content("It works."))
    assert list(export) == []
    desk.enrich()
    assert list(export) == []
    del desk.rows.rows[ID]
    assert list(export) == []
    desk.raw.objects = raw
    assert export.left_out == {NO_LABEL: 1, NO_TEXT: 1, STALE: 1, NO_ROW: 1}


def test_evaluation_reads_an_export(desk: Desk, export: LabelExport, tmp_path: Path) -> None:
    desk.say(label("high"))
    path = written(export, tmp_path)
    assert read_labelled(path, "urgency") == [LabelledText("Login", "I cannot log in.", ("high",))]


def test_training_reads_the_tickets_of_an_export_of_which_all_labels_are_known(
    desk: Desk, export: LabelExport, tmp_path: Path
) -> None:
    desk.say(label("high"))
    with pytest.raises(SetupError, match="has no tickets with all of intent, urgency, sentiment, topics"):
        read_corpus(written(export, tmp_path))
    desk.corrections.correct(ID, ALL, ANN)
    path = written(export, tmp_path)
    (ticket,) = read_corpus(path)
    assert (ticket.id, ticket.body) == (ID, "I cannot log in.")
    assert (ticket.intent, ticket.urgency, ticket.sentiment) == ("login_issue", "high", "negative")
    assert ticket.topics == ("passwords",)
    with path.open("a", encoding="utf-8") as more:
        more.write('{"ticket_id": "T2", "subject": "s", "body": "b", "urgency": "low"}\n')
    told: list[str] = []
    assert read_corpus(path, report=told.append) == [ticket]
    assert told == ["1 of 2 tickets are left out: not all of intent, urgency, sentiment, topics are known"]


def test_exported_tickets_fall_into_groups_that_stay_the_same(tmp_path: Path) -> None:
    labels = {"intent": "login_issue", "urgency": "high", "sentiment": "negative", "topics": []}
    path = tmp_path / "export.jsonl"
    lines = [
        {"ticket_id": f"T{number}", "subject": "s", "body": "b", **labels, "who": "ann"}
        for number in range(90)
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    groups = [ticket.domain for ticket in read_corpus(path)]
    assert len(set(groups)) == 9
    assert groups == [ticket.domain for ticket in read_corpus(path)]


def test_an_import_records_labels_with_who_said_them(desk: Desk) -> None:
    line = {"ticket_id": ID, "urgency": "high", "topics": ["invoices"], "who": "bob", "intent": None}
    assert imported(desk, line) == [ImportedLine(1, ImportResult.IMPORTED)]
    assert desk.row.urgency is Urgency.HIGH
    assert {each.who for each in desk.journal.of_ticket(ID)} == {"bob"}
    assert {each.kind for each in desk.journal.of_ticket(ID)} == {CorrectionKind.LABEL}
    assert imported(desk, {"ticket_id": ID, "sentiment": "positive"})[0].result is ImportResult.IMPORTED
    assert desk.journal.of_ticket(ID)[-1].who == "importer"


def test_an_export_that_is_imported_again_changes_nothing(desk: Desk, export: LabelExport) -> None:
    desk.corrections.correct(ID, ALL, ANN)
    before = desk.journal.of_ticket(ID)
    assert imported(desk, *export) == [ImportedLine(1, ImportResult.UNCHANGED)]
    assert desk.journal.of_ticket(ID) == before


def test_a_line_of_other_content_or_unknown_labels_is_refused_and_the_rest_is_imported(desk: Desk) -> None:
    found = imported(
        desk,
        {"ticket_id": ID, "urgency": "high", "content_hash": "0f"},
        {"ticket_id": ID, "urgency": "hihg"},
        {"ticket_id": "TKT-9", "urgency": "high"},
        {"ticket_id": ID},
        {"urgency": "high"},
        {"ticket_id": ID, "urgency": 3},
        "{",
        "[]",
        "",
        {"ticket_id": ID, "urgency": "low"},
    )
    assert [each.result.value for each in found] == ["refused"] * 8 + ["imported"]
    reasons = " · ".join(each.reason for each in found)
    assert 'did you mean "high"' in reasons
    assert "no ticket TKT-9" in reasons
    assert found[-1].number == 10
