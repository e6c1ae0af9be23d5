"""Tables in CSV: columns told by plain headers or by --map, as spreadsheets and helpdesks write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ticketmill.domain.errors import SetupError, TicketRejected
from ticketmill.domain.intake import parse_ticket
from ticketmill.importers.csv_table import is_table, parse_map, tickets
from ticketmill.importers.files import Document
from ticketmill.importers.imports import FileImporter


def read(text: str, encoding: str = "utf-8", **columns: str) -> list[dict[str, Any]]:
    found = list(tickets(text.encode(encoding), columns))
    assert not [each for each in found if isinstance(each, TicketRejected)]
    return found  # type: ignore[return-value]


@pytest.mark.parametrize(
    "header",
    [
        "Ticket ID,Subject,Description,Priority,Created at,Requester,Tags",
        "Issue key,Summary,Description,Priority,Created,Reporter,Labels",
        "number,short_description,description,priority,opened_at,customer,tags",
        "Ticketnummer,Betreff,Beschreibung,Priorität,Erstellt am,Kunde,Schlagwörter",
        "Numéro,Objet,Message,Priorité,Créé le,Client,Étiquettes",
        "Número,Asunto,Descripción,Prioridad,Fecha de creación,Cliente,Etiquetas",
        "Número,Assunto,Mensagem,Prioridade,Criado em,Cliente,Etiquetas",
        "Numero,Oggetto,Descrizione,Priorità,Creato il,Cliente,Etichette",
        "Nummer,Onderwerp,Omschrijving,Prioriteit,Aangemaakt op,Klant,Categorie",
        "Sagsnummer,Emne,Beskrivelse,Prioritet,Oprettet,Kunde,Kategori",
        "Numer,Temat,Opis,Priorytet,Data utworzenia,Klient,Kategoria",
        "チケット番号,件名,本文,優先度,作成日時,顧客,タグ",
    ],
)
def test_plain_headers_are_understood_in_many_languages(header: str) -> None:
    (ticket,) = read(f"{header}\n7,Login,I cannot log in.,High,2024-03-05 09:12:44,C-1,a;b\n")
    assert ticket == {
        "ticket_id": "csv-7",
        "subject": "Login",
        "body": "I cannot log in.",
        "priority": "high",
        "created_at": "2024-03-05T09:12:44Z",
        "customer_id": "C-1",
        "metadata": {"source": "csv", "tags": ["a", "b"]},
        "imported_from": "csv",
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("first", ["", "sep=;\r\n"])
def test_what_excel_saves_is_read(encoding: str, first: str) -> None:
    text = f'{first}Nummer;Betreff;Nachricht\r\n7;Größe;"Zeile 1;\r\nZeile ""2"""\r\n8;Farbe;Rot\r\n'
    one, two = read(text, encoding)
    assert (one["subject"], one["body"]) == ("Größe", 'Zeile 1;\r\nZeile "2"')
    assert (two["ticket_id"], two["body"]) == ("csv-8", "Rot")


def test_map_names_the_columns_that_cannot_be_guessed() -> None:
    (ticket,) = read("Was;Wer;Nr\nKein Licht.;Ada;7\n", body="Was", customer_id="wer")
    assert (ticket["body"], ticket["customer_id"], ticket["ticket_id"]) == ("Kein Licht.", "Ada", "csv-7")


def test_a_map_of_an_unknown_field_or_form_says_what_is_known() -> None:
    assert parse_map(["subject=Betreff", "body=Text = a"]) == {"subject": "Betreff", "body": "Text = a"}
    for wrong in ("subject", "colour=Farbe", "subject="):
        with pytest.raises(SetupError, match="expected FIELD=COLUMN, with FIELD one of ticket_id"):
            parse_map([wrong])


def test_a_table_of_our_own_raw_tickets_keeps_their_ids() -> None:
    assert read("ticket_id,body\nTKT-7,No light.\n")[0]["ticket_id"] == "TKT-7"


def test_a_table_of_a_helpdesk_has_its_ids_and_its_scale_of_priorities(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("Ticket ID,Subject,Priority\n7,Light,4\n")
    for source, priority in (("freshdesk", "critical"), ("servicenow", "low")):
        (found,) = FileImporter(source).read(tmp_path / "export.csv")
        assert isinstance(found, Document)
        ticket = parse_ticket(found.content)
        assert (ticket.ticket_id, ticket.priority) == (f"{source}-7", priority)


def test_rows_without_an_id_have_the_same_one_each_time() -> None:
    text = "subject,body\nLight,No light.\nLight,No light in the hall.\n"
    one, two = read(text)
    assert read(text) == [one, two]
    assert one["ticket_id"] != two["ticket_id"]


def test_a_bad_row_is_refused_and_the_others_are_read() -> None:
    found = list(tickets(b'id,subject,body\n1,A,One.\n2,B,Two.,too,many\n3,"C"x,Three.\n4,,\n5,E,Five.\n'))
    refused = [each for each in found if isinstance(each, TicketRejected)]
    read_ids = [each["ticket_id"] for each in found if not isinstance(each, TicketRejected)]
    assert read_ids == ["csv-1", "csv-5"]
    assert [each.message.split(":")[0].split(", found")[0] for each in refused] == [
        "expected 3 cells",
        "expected a row of CSV that ends at line 4",
        "expected a subject or a text",
    ]


def test_a_quotation_mark_that_never_closes_is_told() -> None:
    *read_before, refused = tickets(b'id,body\n1,One.\n2,"Two.\n3,Three.\n')
    assert len(read_before) == 1
    assert isinstance(refused, TicketRejected)
    assert "rows after the one that opens cannot be read" in refused.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no line"),
        ("Farbe,Form\nrot,rund\n", "found Farbe, Form: name it with --map body=COLUMN"),
        ("id,body\n1,x\n", "expected the column 'Text' of --map, found id, body"),
    ],
)
def test_a_table_without_a_text_column_names_its_columns(text: str, message: str) -> None:
    columns = {"body": "Text"} if "Text" in message else {}
    with pytest.raises(TicketRejected, match=message):
        list(tickets(text.encode(), columns))


def test_a_table_is_told_by_its_header() -> None:
    assert is_table("id;Betreff;Text\n1;a;b\n")
    assert not is_table("Dear team, the subject is that I cannot log in.\n")
    assert not is_table('{"subject": "x", "body": "y"}')
