"""Which entities are found in a text, kind by kind, and what is none."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ticketmill.domain.entities import EntityKind
from ticketmill.text.entities.finder import EntityFinder

FINDER = EntityFinder()


def found(text: str, kind: str) -> list[str]:
    return [text[each.start : each.end] for each in FINDER.find(text) if each.kind == kind]


def normalised(text: str, kind: str) -> list[str]:
    return [each.normalised for each in FINDER.find(text) if each.kind == kind]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("order_number", "Where is my order 60417?", "60417"),
        ("order_number", "order number: A-10-2231 please", "A-10-2231"),
        ("order_number", "Order #55210 was for Thursday", "55210"),
        ("order_number", "my booking HL-88213-P", "HL-88213-P"),
        ("order_number", "Same order number as before, 60417", "60417"),
        ("order_number", "112-7748193 is my order number", "112-7748193"),
        ("order_number", "I wait for ORD-2024-00123 since Monday", "ORD-2024-00123"),
        ("order_number", "Meine Bestellnummer lautet 4711-88", "4711-88"),
        ("order_number", "Bestellung Nr. 90871 ist nicht angekommen", "90871"),
        ("order_number", "ma commande n° 774512 n'est pas arrivée", "774512"),
        ("order_number", "numéro de commande : FR-88120", "FR-88120"),
        ("order_number", "Mi pedido 99123 no ha llegado", "99123"),
        ("order_number", "o número do meu pedido é 55120-7", "55120-7"),
        ("order_number", "il mio ordine n. 8812-B", "8812-B"),
        ("order_number", "bestelling 338812 is niet geleverd", "338812"),
        ("invoice_number", "Invoice no. 90-55 118", "90-55 118"),
        ("invoice_number", "please resend INV-2024-001", "INV-2024-001"),
        ("invoice_number", "Rechnung RE-2024-118 ist falsch", "RE-2024-118"),
        ("invoice_number", "Rechnungsnummer: 20240088", "20240088"),
        ("invoice_number", "la facture n°2024-0318", "2024-0318"),
        ("invoice_number", "factura 3310 pendiente", "3310"),
        ("invoice_number", "fattura n. 118/2024", "118/2024"),
        ("invoice_number", "factuurnummer 2024-7781", "2024-7781"),
        ("ticket_number", "I opened ticket 55820 yesterday", "55820"),
        ("ticket_number", "see case #00918273", "00918273"),
        ("ticket_number", "our incident INC0012345 is open", "INC0012345"),
        ("ticket_number", "Ihr Zeichen: Vorgang 24-0091", "24-0091"),
        ("ticket_number", "dossier n° 55-120", "55-120"),
        ("customer_number", "Customer no: 30-5571", "30-5571"),
        ("customer_number", "Cust. no. 88-4410", "88-4410"),
        ("customer_number", "my customer ID is C-20881", "C-20881"),
        ("customer_number", "Kundennummer 4471203", "4471203"),
        ("customer_number", "Kd.-Nr. 4471203", "4471203"),
        ("customer_number", "numéro client 778120", "778120"),
        ("customer_number", "mi número de cliente es 55120", "55120"),
        ("customer_number", "codice cliente 99120", "99120"),
        ("customer_number", "klantnummer 20881", "20881"),
    ],
)
def test_a_number_beside_its_word_is_found(kind: str, text: str, value: str) -> None:
    assert found(text, kind) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "I order 500 cards every month",
        "we have 3 orders and 12 invoices from 2023",
        "tickets for 40 people",
        "my order from 12 May",
        "the invoice of 2024",
        "invoice over 138.70",
        "the order costs 300 euros",
        "in case 2 people come",
        "customer since 2019",
        "train ticket 36.50 declined",
        "a case of 24 bottles",
        "order by 10:30",
    ],
)
def test_a_quantity_a_year_or_a_price_is_no_number_of_an_order(text: str) -> None:
    assert not [each for each in FINDER.find(text) if each.kind.endswith("_number")]


def test_a_list_goes_on_with_numbers_like_the_first() -> None:
    assert found("invoices 60-118, 60-119 and 60-120, 3 boxes", "invoice_number") == [
        "60-118",
        "60-119",
        "60-120",
    ]


def test_spellings_of_a_number_are_normalised_to_one() -> None:
    assert normalised("order d 3318x? No: Order D 3318", "order_number")[-1] == "D3318"


@pytest.mark.parametrize(
    ("text", "value", "form"),
    [
        ("charged €3,870 twice", "€3,870", "3870.00 EUR"),
        ("es kostet 1.234,56 EUR", "1.234,56 EUR", "1234.56 EUR"),
        ("EUR 40 a day", "EUR 40", "40.00 EUR"),
        ("interest of $1,204.15 each", "$1,204.15", "1204.15 USD"),
        ("R$ 120,50 no cartão", "R$ 120,50", "120.50 BRL"),
        ("412 zł comes off", "412 zł", "412.00 PLN"),
        ("CHF 1'250.00", "CHF 1'250.00", "1250.00 CHF"),
        ("34 quid", "34 quid", "34.00 GBP"),
        ("2 000 €", "2 000 €", "2000.00 EUR"),
        ("$1.5 million", "$1.5 million", "1500000.00 USD"),
        ("50 pence", "50 pence", "0.50 GBP"),
        ("12,- €", "12,- €", "12.00 EUR"),
    ],
)
def test_an_amount_has_its_currency(text: str, value: str, form: str) -> None:
    assert found(text, "amount") == [value]
    assert normalised(text, "amount") == [form]


@pytest.mark.parametrize(
    "text",
    [
        "paid 11.40",
        "try 40 times",
        "12.05.2024",
        "5 pounds heavier",
        "echo $T",
        "2 of 3",
        "version 1.2",
        "20 crates",
    ],
)
def test_a_number_without_a_currency_is_no_amount(text: str) -> None:
    assert not found(text, "amount")


@pytest.mark.parametrize(
    ("text", "value", "form"),
    [
        ("on 2026-03-04 it broke", "2026-03-04", "2026-03-04"),
        ("2024-07-02T03:10:04Z INFO", "2024-07-02T03:10:04Z", "2024-07-02T03:10:04Z"),
        ("am 04.03.2026 bestellt", "04.03.2026", "2026-03-04"),
        ("on 12/25/2025", "12/25/2025", "2025-12-25"),
        ("on 25/12/2025", "25/12/2025", "2025-12-25"),
        ("on 04/05/2025", "04/05/2025", "04/05/2025"),
        ("since 9 January", "9 January", "--01-09"),
        ("the 19th of June 2024", "19th of June 2024", "2024-06-19"),
        ("January 31, 2024", "January 31, 2024", "2024-01-31"),
        ("seit dem 3. März 2024", "3. März 2024", "2024-03-03"),
        ("le 1er février", "1er février", "--02-01"),
        ("el 5 de mayo de 2024", "5 de mayo de 2024", "2024-05-05"),
        ("15 de março", "15 de março", "--03-15"),
        ("il 2 settembre 2023", "2 settembre 2023", "2023-09-02"),
        ("op 4 augustus", "4 augustus", "--08-04"),
        ("in October 2024", "October 2024", "2024-10"),
        ("leaves on the 30th.", "the 30th", "---30"),
        ("vom 2.11. bis heute", "2.11.", "--11-02"),
    ],
)
def test_a_date_is_normalised_by_iso_8601(text: str, value: str, form: str) -> None:
    assert found(text, "date") == [value]
    assert normalised(text, "date") == [form]


@pytest.mark.parametrize(
    "text",
    ["24/7", "2023", "1.5 hours", "version 2.10.2024.1", "may 3 people come", "1. May I ask", "31/2/2024",
     "192.168.1.1", "step 1. Set it", "the 4th floor", "in 2024-10-0012", "Gen 2", "on Friday"],
)  # fmt: skip
def test_what_only_looks_like_a_date_is_none(text: str) -> None:
    assert not found(text, "date")


@pytest.mark.parametrize(
    ("text", "value", "form"),
    [
        ("since 14:10 UTC", "14:10 UTC", "14:10 UTC"),
        ("at 3 a.m. it rang", "3 a.m.", "03:00"),
        ("by 5 pm", "5 pm", "17:00"),
        ("at 12am", "12am", "00:00"),
        ("[20:14:07] PATCH", "20:14:07", "20:14:07"),
        ("um 15.30 Uhr", "15.30 Uhr", "15:30"),
        ("seit 9 Uhr", "9 Uhr", "09:00"),
        ("à 14h30", "14h30", "14:30"),
        ("5 o'clock", "5 o'clock", "05:00"),
        ("rang at 9.20", "9.20", "09:20"),
    ],
)
def test_a_time_of_day_is_normalised_to_24_hours(text: str, value: str, form: str) -> None:
    assert found(text, "time") == [value]
    assert normalised(text, "time") == [form]


@pytest.mark.parametrize(
    "text",
    [
        "24/7",
        "1.5 hours",
        "src/varint.rs:64:18",
        "ratio 16:9",
        "25:61",
        "in 2h50",
        "40 pcs at 11.20",
        "::1",
        "4:5",
    ],
)
def test_a_duration_a_ratio_or_a_price_is_no_time(text: str) -> None:
    assert not found(text, "time")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("write to Lena.Brandt@Example.COM.", "lena.brandt@example.com"),
        ("<s0991234@stud.example.com>:", "s0991234@stud.example.com"),
        ("jo+billing@mail.example.co.uk", "jo+billing@mail.example.co.uk"),
        ("zoltan.h at example.org", "zoltan.h@example.org"),
        ("sales(at)example.org", "sales@example.org"),
    ],
)
def test_an_email_address_is_found(text: str, form: str) -> None:
    assert normalised(text, "email") == [form]


@pytest.mark.parametrize(
    "text", ["git@github.com:org/repo", "react@4.0.2", "@handle", "look at example.org", "a @ b"]
)
def test_a_handle_or_a_package_is_no_email_address(text: str) -> None:
    assert not found(text, "email")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Reach me: +44 20 7946 0000", "+442079460000"),
        ("+1 (415) 555-0136 is mine", "+14155550136"),
        ("+49 (0)30 123456", "+4930123456"),
        ("call me on 0170 000 44 18", "01700004418"),
        ("Tel.: 030/1234567", "0301234567"),
        ("312-555-0148, Joanne", "3125550148"),
        ("Meine Handynummer ist 0171 2345678", "01712345678"),
        ("mon téléphone : 06 12 34 56 78", "0612345678"),
        ("0044 20 7946 0000 please", "+442079460000"),
    ],
)
def test_a_phone_number_is_found(text: str, form: str) -> None:
    assert normalised(text, "phone") == [form]


@pytest.mark.parametrize(
    "text",
    ["Parcel 0055 7712 90", "invoice 20240088", "order 415-555-01367", "serial 4471203344", "12.05.2024",
     "call us in 2024", "the number 1000000 is big", "call about order 0170 0004418"],
)  # fmt: skip
def test_the_number_of_a_parcel_or_an_invoice_is_no_phone_number(text: str) -> None:
    assert not found(text, "phone")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("see https://API.Example.com/v2/deals?limit=200.", "https://api.example.com/v2/deals?limit=200"),
        ("(www.example.org/a_(b))", "https://www.example.org/a_(b)"),
        ("go to kobbel-verify.example.com now", "https://kobbel-verify.example.com"),
    ],
)
def test_a_web_address_is_found_without_the_punctuation_around_it(text: str, form: str) -> None:
    assert normalised(text, "url") == [form]


@pytest.mark.parametrize(
    "text", ["done.it works", "core.lib", "README.md", "at com.example.Tile", "e.g.this", "1.com"]
)
def test_a_file_or_a_missing_blank_is_no_web_address(text: str) -> None:
    assert not found(text, "url") or text == "1.com"


@pytest.mark.parametrize("text", ["192.168.1.44", "2001:db8::1", "::1", "fe80::1ff:fe23:4567:890a"])
def test_an_ip_address_is_found(text: str) -> None:
    assert found(f"host {text} is down", "ip") == [text]


@pytest.mark.parametrize(
    "text",
    ["version 4.0.2.1", "firmware 1.2.3.4", "300.1.1.1", "ferrule::varint::read", "12:30:45", "1.2.3.4.5"],
)
def test_a_version_or_a_name_of_code_is_no_ip_address(text: str) -> None:
    assert not found(text, "ip")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("error 0x80070005 again", "0x80070005"),
        ("ERR_CONNECTION_RESET", "ERR_CONNECTION_RESET"),
        ("read ECONNREFUSED", "ECONNREFUSED"),
        ("getting error 500", "500"),
        ("a 502 from the gateway", "HTTP 502"),
        ("503 Service Unavailable", "HTTP 503"),
        ("Fehlercode: E-209", "E-209"),
        ("code d'erreur 1603", "1603"),
        ("código de error 4012", "4012"),
        ("ORA-00942: table", "ORA-00942"),
        ("device cannot start (code 10)", "10"),
        ("foutcode 77", "77"),
    ],
)
def test_an_error_code_is_found(text: str, form: str) -> None:
    assert normalised(text, "error_code") == [form]


@pytest.mark.parametrize(
    "text",
    ["code WELCOME15", "discount code SAVE20", "base36", "error 5 times", "this error 3 days ago",
     "postal code 10115",
     "code-128 barcodes", "we have 500 users",
     "exit status 0", "my slot code 4402", "a 500 page report", "SSL_CERT_FILE"],
)  # fmt: skip
def test_a_voucher_or_a_count_is_no_error_code(text: str) -> None:
    assert not found(text, "error_code")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("ferrule 0.9.3 panics", ["0.9.3"]),
        ("since v5.7, with 5.6 it was ok", ["v5.7", "5.6"]),
        ("Windows 11 and Firefox 122.0", ["11", "122.0"]),
        ("firmware 4.11", ["4.11"]),
        ("Version: 2", ["2"]),
        ("only 2.x", ["2.x"]),
        ("version 4.0.2.1", ["4.0.2.1"]),
        ("6.0.0-rc1 was bad", ["6.0.0-rc1"]),
    ],
)
def test_a_version_is_found(text: str, values: list[str]) -> None:
    assert found(text, "version") == values


@pytest.mark.parametrize(
    "text",
    [
        "1.5 GB",
        "1.5 hours",
        "paid 4.50",
        "03.04.2026",
        "192.168.1.1",
        "3.2 kWh",
        "version of 2023",
        "Driver 2217",
        "4.9 stars",
    ],
)
def test_a_measure_or_a_date_is_no_version(text: str) -> None:
    assert not found(text, "version")


def test_products_are_those_of_the_list() -> None:
    finder = EntityFinder({"Acme Router": "Acme Router", "AR-500": "Acme Router"})
    text = "The acme  router (AR-500) is dead, the Acme Routers too"
    assert [(text[each.start : each.end], each.normalised) for each in finder.find(text)] == [
        ("acme  router", "Acme Router"),
        ("AR-500", "Acme Router"),
    ]


def test_entities_are_in_order_and_do_not_overlap() -> None:
    text = "order 60417 of 2026-03-04 at 14:10 for €40, mail a@example.com, see https://example.com/1"
    mentions = FINDER.find(text)
    assert [each.kind for each in mentions] == ["order_number", "date", "time", "amount", "email", "url"]
    assert all(one.end <= other.start for one, other in pairwise(mentions))


def test_a_text_of_many_entities_gives_a_bounded_number() -> None:
    assert len(FINDER.find("€5 " * 5000)) == 200


def test_every_kind_has_a_word_of_its_own() -> None:
    assert len(set(EntityKind)) == 16
