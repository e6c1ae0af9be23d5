"""Which full stops end a sentence, in the languages that tickets come in."""

from __future__ import annotations

import pytest

from ticketmill.text.sentences import sentences


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        # English
        "The shop on 5th Ave. does not answer since Feb. 3 at all.",
        "It stopped at 4 p.m. and nobody knows why.",
        "Approx. 20 users cannot log in at St. Mary's.",
        "Please ask J. R. Smith about item no. 4711.",
        # German
        "Die Rechnung Nr. 4711 ist falsch bzw. fehlt ganz.",
        "Wir brauchen z. B. die Rechnung vom 3. März von Dr. Meyer.",
        "Der 2. Versuch ging auch nicht, ca. 20 Leute warten.",
        "Das Paket liegt in der Hauptstr. 5 bei Hr. Brandt.",
        # French
        "Mme. Dupont attend sa commande n° 4711 depuis lundi, p. ex. le livre.",
        # Spanish
        "El pedido núm. 4711 del Sr. López no ha llegado a la Avda. Mayor.",
        # Portuguese
        "A Sra. Costa espera a encomenda desde o dia 3, aprox. 20 dias.",
        # Italian
        "Il sig. Rossi aspetta il rimborso della fattura pag. 3 da lunedì.",
        # Dutch
        "Dhr. de Vries wacht op o.a. de factuur van maandag.",
        # Danish
        "Vi mangler bl.a. fakturaen fra d. 3. marts til frk. Holm.",
        # Polish
        "Faktura nr. 4711 z ul. Długiej jest błędna, tzn. podwójna.",
        # within words
        "Version 2.11.4 of shop.example.com writes report.final.csv for 3.50 euros.",
        "I waited... and nothing came of it.",
        'The message "Item not found!" appears when I search.',
    ],
)
def test_a_full_stop_within_a_sentence_does_not_end_it(text: str) -> None:
    assert texts(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It stopped at 4 p.m. Nobody knows why.", ["It stopped at 4 p.m.", "Nobody knows why."]),
        ("We tested 2 of 5. The rest fails too.", ["We tested 2 of 5.", "The rest fails too."]),
        ("The answer was a no. The order is lost.", ["The answer was a no.", "The order is lost."]),
        (
            "It hisses and sparks. 10 flats with children.",
            ["It hisses and sparks.", "10 flats with children."],
        ),
        (
            "it failed again. i tried it twice. please help me",
            ["it failed again.", "i tried it twice.", "please help me"],
        ),
        ("注文が届きません。返金してください。", ["注文が届きません。", "返金してください。"]),
        ("届きません\uff01いつですか\uff1fお願い", ["届きません\uff01", "いつですか\uff1f", "お願い"]),
    ],
)
def test_a_full_stop_after_a_sentence_ends_it(text: str, expected: list[str]) -> None:
    assert texts(text) == expected
