"""Machine mail is told from a person's, and where in doubt a person wrote it."""

from __future__ import annotations

import pytest

from ticketmill.domain.spans import AutomaticKind as Kind
from ticketmill.domain.ticket import Ticket
from ticketmill.text.automatic import automatic_kind
from ticketmill.text.headers import mail_headers


@pytest.mark.parametrize(
    ("subject", "body", "kind"),
    [
        ("Automatic reply: Your invoice", "I am on leave until 3 May.", Kind.OUT_OF_OFFICE),
        ("Out of Office Re: refund", "Back on Monday. In urgent cases call Tom.", Kind.OUT_OF_OFFICE),
        ("Re: order", "I am out of the office until Monday. For urgent matters contact Bea.",
         Kind.OUT_OF_OFFICE),
        ("Abwesenheitsnotiz: Rechnung", "Ich bin bis 3. Mai nicht im Büro.", Kind.OUT_OF_OFFICE),
        ("Automatische Antwort: AW: Rechnung", "Ich bin im Urlaub.", Kind.OUT_OF_OFFICE),
        ("Réponse automatique : facture", "Je suis absent jusqu'au 3.", Kind.OUT_OF_OFFICE),
        ("Respuesta automática: factura", "Estoy fuera de la oficina.", Kind.OUT_OF_OFFICE),
        ("Resposta automática: fatura", "Estou de férias.", Kind.OUT_OF_OFFICE),
        ("Risposta automatica: fattura", "Sono in ferie.", Kind.OUT_OF_OFFICE),
        ("Automatisch antwoord: factuur", "Ik ben afwezig.", Kind.OUT_OF_OFFICE),
        ("Autosvar: faktura", "Jeg er på ferie.", Kind.OUT_OF_OFFICE),
        ("Odpowiedź automatyczna: faktura", "Jestem na urlopie.", Kind.OUT_OF_OFFICE),
        ("自動応答: 請求書", "休暇中です。", Kind.OUT_OF_OFFICE),
        ("Undelivered Mail Returned to Sender", "This is the mail system at host mx2.", Kind.BOUNCE),
        ("Unzustellbar: Rechnung", "Die Nachricht wurde nicht zugestellt.", Kind.BOUNCE),
        ("failure notice", "I couldn't bring your message.", Kind.BOUNCE),
        ("Delivery Status Notification (Delay)", "Delivery has been delayed.", Kind.BOUNCE),
        ("Mancato recapito", "550 5.1.1 no such user here", Kind.BOUNCE),
        ("Read: Escalation", "Your message was read on 09/04/2025 08:31.", Kind.READ_RECEIPT),
        ("Gelesen: Beschwerde", "Ihre Nachricht wurde am 3.5. um 9:00 gelesen.", Kind.READ_RECEIPT),
        ("Lu : facture", "Votre message a été lu le 12/11.", Kind.READ_RECEIPT),
        ("Accepted: Review @ Tue 20 May", "BEGIN:VCALENDAR\nMETHOD:REPLY", Kind.NOTIFICATION),
        ("Invitation: Outage review @ Mon", "You have been invited to the following event.",
         Kind.NOTIFICATION),
        ("We got it", "Your case is open.\nThis message was generated automatically.", Kind.NOTIFICATION),
        ("Dock Herald, issue 88", "View this e-mail in your browser\nRansomware stops three ports.\nWhy "
         "refunds take so "
         "long.\nWin two tickets for the fair.\nManage preferences", Kind.NEWSLETTER),
    ],
)  # fmt: skip
def test_machine_mail_is_known_by_its_text(subject: str, body: str, kind: Kind) -> None:
    assert automatic_kind(subject, body) is kind


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Newsletter", "I get your newsletter daily although I clicked unsubscribe three times. Stop it."),
        ("unsubscribe", "unsubscribe"),
        ("", "Please unsubscribe me from all mails"),
        ("", "Bitte vom Newsletter abmelden"),
        (
            "Unsubscribe link",
            "Unsubscribe in your newsletter leads to an empty page, the whole footer is broken, why?",
        ),
        ("refund", "I am out of office until Monday but please refund me"),
        ("Out of office message cannot be set", "The switch is grey."),
        ("Automatic replies are sent twice", "Since the update each sender gets two."),
        ("Re: Automatic reply: order", "I need this today, please call me."),
        ("Undelivered parcel", "It was never delivered, please send it again."),
        ("Delivery delayed", "Three days late and nobody calls back."),
        ("No entregado", "El paquete no ha llegado."),
        ("Delivery failed", "The driver never rang. I want my parcel."),
        ("mails bounce", "All our mails bounce with 550 5.1.1 no such user. Can you check?"),
        ("Read receipt", "I would like to switch off read receipts."),
        ("Accepted: what now?", "You accepted my claim. When do I get the money?"),
        ("Cancelled: my booking", "You cancelled it, I want a refund."),
        ("Auto insurance", "I want to change my plan."),
        ("Away from home", "I am away until May. Please keep my parcel."),
        ("", "The office is closed whenever I come. When are you open?"),
        ("Invitation: link is dead", "The link in your invitation does not open."),
        ("Rejected", "Your app rejected my card."),
    ],
)
def test_a_person_who_writes_about_such_mail_is_no_machine(subject: str, body: str) -> None:
    assert automatic_kind(subject, body) is None


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto-Submitted": "auto-replied"}, Kind.OUT_OF_OFFICE),
        ({"auto-submitted": "auto-generated"}, Kind.NOTIFICATION),
        ({"X-Autoreply": "yes"}, Kind.OUT_OF_OFFICE),
        ({"Content-Type": "multipart/report; report-type=delivery-status"}, Kind.BOUNCE),
        ({"Content-Type": "multipart/report; report-type=disposition-notification"}, Kind.READ_RECEIPT),
        ({"X-Failed-Recipients": "a@b.c"}, Kind.BOUNCE),
        ({"List-Unsubscribe": "<mailto:x>", "Precedence": "bulk"}, Kind.NEWSLETTER),
        ({"Auto-Submitted": "no"}, None),
        ({"X-Auto-Response-Suppress": "All"}, None),
        ({"List-Unsubscribe": "<mailto:x>"}, None),
        ({}, None),
    ],
)
def test_headers_decide_where_there_are_any(headers: dict[str, str], kind: Kind | None) -> None:
    ticket = Ticket(ticket_id="1", body="Please help me", extra={"headers": headers})  # type: ignore[dict-item]
    assert automatic_kind("Hello", ticket.body, mail_headers(ticket)) is kind


@pytest.mark.parametrize(
    "raw",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Auto-Submitted": ["auto-replied"]},
        [{"name": "Auto-Submitted", "value": "auto-replied"}],
        [["Auto-Submitted", "auto-replied"]],
        "Auto-Submitted: auto-replied\nX-A: b\n",
    ],
)
def test_headers_are_read_in_every_form(raw: object) -> None:
    ticket = Ticket(ticket_id="1", body="x", extra={"headers": raw})  # type: ignore[dict-item]
    assert mail_headers(ticket)["auto-submitted"] == "auto-replied"


@pytest.mark.parametrize("raw", [None, 5, "", [], {}, [1, "a"], {"a": None}, [{"x": 1}]])
def test_headers_of_unknown_form_do_no_harm(raw: object) -> None:
    ticket = Ticket(ticket_id="1", body="x", extra={"headers": raw})  # type: ignore[dict-item]
    assert automatic_kind("", "x", mail_headers(ticket)) is None
