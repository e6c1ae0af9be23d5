"""Which lines and sentences are polite and nothing else."""

from __future__ import annotations

import pytest

from ticketmill.text.courtesies import Courtesy, courtesy
from ticketmill.text.sentences import sentences

FIRST = "The export of our orders stops halfway."


@pytest.mark.parametrize(
    "greeting",
    [
        "Hi there support people!",
        "Hello from the harbour office.",
        "Sehr geehrte Damen und Herren,",
        "Bonjour Madame,",
        "Buenos días,",
        "Prezados senhores,",
        "Gentile servizio clienti,",
        "Geachte heer de Vries,",
        "Kære kundeservice,",
        "Dzień dobry,",
        "いつもお世話になっております。",
        "サポート担当者様",
    ],
)
def test_a_greeting_says_nothing(greeting: str) -> None:
    assert courtesy(greeting) is Courtesy.GREETING
    assert [each.text for each in sentences(f"{greeting}\n{FIRST}")] == [FIRST]


@pytest.mark.parametrize(
    "closing",
    [
        "Kind regards,",
        "Mit freundlichen Grüßen",
        "Cordialement,",
        "Un cordial saludo,",
        "Atenciosamente,",
        "Cordiali saluti",
        "Met vriendelijke groet,",
        "Med venlig hilsen",
        "Z poważaniem,",
        "敬具",
    ],
)
def test_what_follows_a_closing_is_a_signature(closing: str) -> None:
    text = f"{FIRST}\n\n{closing}\nThe export team of the shop sits on floor three"
    assert [each.text for each in sentences(text)] == [FIRST]


@pytest.mark.parametrize(
    "phrase",
    [
        "I hope this finds you well.",
        "Please see below.",
        "I look forward to your reply.",
        "Thank you for contacting Example Shop, my name is Tom, how can I help you today?",
        "Ich hoffe, es geht Ihnen gut.",
        "Vielen Dank für Ihre Hilfe.",
        "J'espère que vous allez bien.",
        "Espero que se encuentre bien.",
        "Obrigado pela ajuda.",
        "Resto in attesa di un riscontro.",
        "Alvast bedankt voor de moeite.",
        "Tak for hjælpen med det.",
        "Czekam na odpowiedź od Państwa.",
        "よろしくお願いいたします。",
    ],
)
def test_a_set_phrase_says_nothing(phrase: str) -> None:
    assert [each.text for each in sentences(f"{FIRST}\n{phrase}")] == [FIRST]


@pytest.mark.parametrize(
    "sentence",
    [
        "Hi is it down again?",
        "Thanks to the update nothing works, and we have 3 orders waiting.",
        "I hope you refund the 20 euros today.",
        "Thank you for your reply, but the problem is still there.",
        "Comment puis-je annuler ma commande ?",
        "Aguardo há 3 semanas o reembolso.",
        "Czekam na zwrot pieniędzy od 3 tygodni.",
    ],
)
def test_a_sentence_that_says_something_is_no_courtesy(sentence: str) -> None:
    assert courtesy(sentence) is None


@pytest.mark.parametrize("head", ["Message: ", "Nachricht: ", "Mensaje: ", "お問い合わせ内容："])
def test_the_head_of_a_form_field_is_left_out(head: str) -> None:
    text = f"Name: Anna Smith\nE-mail: anna@example.com\n{head}{FIRST}"
    assert [each.text for each in sentences(text)] == [FIRST]


def test_thanks_in_the_middle_of_a_message_end_nothing() -> None:
    more = "After the restart on Monday the export stops again, now at the very first order."
    assert [each.text for each in sentences(f"{FIRST}\nThanks!\n{more}")] == [FIRST, more]
