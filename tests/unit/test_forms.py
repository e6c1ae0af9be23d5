"""A form's names go with its fields that are no text; what its writer says stays."""

from __future__ import annotations

import pytest

from ticketmill.text.blanking import without
from ticketmill.text.forms import form_spans, template_spans


def left(text: str) -> list[str]:
    plain = without(text, form_spans(text))
    plain = without(plain, template_spans(plain))
    return [" ".join(line.split()) for line in plain.split("\n") if line.strip()]


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("Name: B. Kowalczyk\nE-Mail: b@c.de\nCategory: Security\nMessage: The filter forgets my "
         "order.\nCaptcha: ok",
         ["The filter forgets my order."]),
        ("Vorname: Ada\nNachname: Lang\nBetreff: Rechnung\nNachricht: Wo ist die Rechnung?\nDatenschutz: ja",
         ["Rechnung", "Wo ist die Rechnung?"]),
        ("Nom : Duval\nE-mail : d@x.fr\nMessage : Je ne peux pas entrer.", ["Je ne peux pas entrer."]),
        ("Nombre: Ana\nCorreo electrónico: a@b.es\nConsulta: No llega mi pedido.", ["No llega mi pedido."]),
        ("Nome: Rui\nTelefone: 1\nMensagem: Não consigo entrar.", ["Não consigo entrar."]),
        ("Nome: Ugo\nTelefono: 1\nMessaggio: Non riesco a entrare.", ["Non riesco a entrare."]),
        ("Naam: Jan\nE-mailadres: j@x.nl\nBericht: Mijn pakket is kwijt.", ["Mijn pakket is kwijt."]),
        ("Navn: Bo\nTelefon: 1\nBesked: Min pakke er væk.", ["Min pakke er væk."]),
        ("Imię i nazwisko: Jan K\nTelefon: 1\nWiadomość: Nie mogę się zalogować.",
         ["Nie mogę się zalogować."]),
        ("お名前：山田\nメールアドレス：a@b.jp\nお問い合わせ内容：ログインできません",
         ["ログインできません"]),
        ("*Name:* Ann\n*Email:* a@b.c\n*Message:*\nline one\nline two", ["line one", "line two"]),
        ("Name\nTom\n\nEmail\nt@x.com\n\nMessage\nI cannot log in", ["I cannot log in"]),
        ("Your name:\nAnn Lee\nYour e-mail:\na@b.c\nYour message:\nit broke", ["it broke"]),
    ],
)  # fmt: skip
def test_a_contact_form_leaves_its_message(text: str, stays: list[str]) -> None:
    assert left(text) == stays


@pytest.mark.parametrize(
    "text",
    [
        "OS: Ubuntu 22.04\nVersion: 4.1.3\nCompiler: gcc 11.4\nDescription: it crashes",
        "Please change my details:\nName: Anna Holm\nAddress: Kotka 2\nPhone: 123",
        "Name: Farida\nStart: 1st\nDepartment: Accounting\nManager: H. B.\nType: internal\nHardware: "
        "notebook\nRemarks: -",
        "Regards\nAnna\nTel: 12\nE-mail: a@b.c",
        "Problem: no light\nName: unknown",
        "My question: why?\nMy message to you: fix it",
        "Message: only this",
        "Name\nis wrong\nText\ntoo small",
        "Name\nEmail\nboth fields are missing on the page",
    ],
)
def test_fields_that_are_the_matter_stay(text: str) -> None:
    assert form_spans(text) == []


def test_a_forges_template_leaves_the_answers() -> None:
    text = (
        "### Describe the bug\nIt crashes.\n\n**Steps to reproduce**\n1. open\n\n### Screenshots\n_No "
        "response_\n"
        "### Additional context\nN/A\n- [x] I have searched the tracker\n- [ ] I can provide a patch\n- [ ] "
        "buy milk"
    )
    assert left(text) == ["It crashes.", "1. open", "- [ ] buy milk"]


@pytest.mark.parametrize(
    "text",
    [
        "# What I do every day\nopen it\n## What I would like\nclose it",
        "Version\nis missing on the page",
        "Expected behaviour is that it works.\nEnvironment is fine.",
        "none\nof it works",
        "- [ ] order paper\n- [x] order ink",
    ],
)
def test_headings_and_lists_of_the_writers_own_stay(text: str) -> None:
    assert template_spans(text) == []
