"""Which subjects say nothing."""

from __future__ import annotations

import pytest

from ticketmill.text.empty_subjects import says_nothing, start_of_subject


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "(no subject)",
        "Re: Ticket 123",
        "Fwd: Fwd: AW:",
        "[EXT] Question",
        "Help!!",
        "New message from Anna Smith",
        "Support request from website",
        "Contact form submission",
        "Order 4711-0815",
        "Neue Nachricht über das Kontaktformular",
        "Frage zu Bestellung 4711",
        "Nouveau message de Marie Dupont",
        "Consulta urgente",
        "Nova mensagem do site",
        "Richiesta di assistenza",
        "Vraag over mijn bestelling",
        "Spørgsmål til ordre 12",
        "Zapytanie ze strony",
        "お問い合わせ",
    ],
)
def test_a_subject_that_any_ticket_could_have_says_nothing(subject: str) -> None:
    assert says_nothing(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Printer jams",
        "Problem with login",
        "Question about refund",
        "Rechnung doppelt abgebucht",
        "Commande non reçue",
        "ログインできません",
    ],
)
def test_a_subject_that_names_its_matter_says_something(subject: str) -> None:
    assert not says_nothing(subject)


@pytest.mark.parametrize(
    "prefix", ["Re: ", "Re: Fwd: ", "AW: WG: ", "[EXT] RE: ", "Ticket #4711 - ", "SV: VS: "]
)
def test_a_subject_begins_after_what_mail_programs_put_in(prefix: str) -> None:
    subject = f"{prefix}Printer jams"
    assert subject[start_of_subject(subject) :] == "Printer jams"
