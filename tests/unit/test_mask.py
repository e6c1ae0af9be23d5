"""What TICKETMILL_MASK hides, and what it leaves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from frozen_records import frozen_bytes, frozen_item

from ticketmill import bootstrap
from ticketmill.aws.dynamodb import row_from
from ticketmill.domain.enrichment import EnrichedTicket, RowEntity, read_enriched
from ticketmill.domain.errors import SetupError
from ticketmill.domain.ticket import Ticket, TicketMetadata
from ticketmill.domain.warning import TicketWarning, WarningCode
from ticketmill.settings import load_settings
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.mask import Mask, without_cards

CARD = "4111 1111 1111 1111"
IBAN = "DE89 3704 0044 0532 0130 00"
TEXT = f"Call me on 0170 000 44 18 or a.b@example.com, card {CARD}, IBAN {IBAN}, order 60417"
ALL = ("email", "phone", "card", "iban")


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        ((), TEXT),
        (("email",), TEXT.replace("a.b@example.com", "*.*@*******.***")),
        (("card",), TEXT.replace(CARD, "**** **** **** 1111")),
        (("iban",), TEXT.replace(IBAN, "**** **** **** **** **** **")),
        (("phone",), TEXT.replace("0170 000 44 18", "**** *** ** **")),
    ],
)
def test_each_kind_is_hidden_alone_and_the_length_stays(kinds: tuple[str, ...], shown: str) -> None:
    assert Mask(kinds).text(TEXT) == shown
    assert len(shown) == len(TEXT)


def test_numbers_of_orders_are_never_hidden() -> None:
    assert Mask(ALL).text(TEXT).endswith("order 60417")


def test_a_known_phone_number_is_hidden_without_the_words_around_it() -> None:
    assert Mask(["phone"]).text("0170 000 44 18", ["01700004418"]) == "**** *** ** **"


@pytest.mark.parametrize(
    ("text", "known", "shown"),
    [
        ("0170-000 (44) 18", "01700004418", "****-*** (**) **"),
        ("01700004418 and 0170 000 44 18", "0170 000 4418", "*********** and **** *** ** **"),
        ("01700004418a, 9 01700004418", "01700004418", "01700004418a, 9 ***********"),
        ("0170     0004418", "01700004418", "0170     0004418"),
        ("A.B@Example.com", "a.b@example.com", "*.*@*******.***"),
        ("a b example com", "a.b@example.com", "a b example com"),
        ("İ de89-3704 0044", "DE8937040044", "İ ****-**** ****"),
        ("nothing", "...", "nothing"),
    ],
)
def test_a_known_value_is_hidden_with_any_separators(text: str, known: str, shown: str) -> None:
    assert Mask(["phone"]).text(text, [known]) == shown


def test_what_stands_far_down_is_hidden_too() -> None:
    mask = Mask(ALL, EntityFinder(max_chars=100))
    far = f"{'x' * 90} {TEXT}"
    assert mask.text(far) == f"{'x' * 90} {Mask(ALL).text(TEXT)}"


def test_a_date_passes_for_a_phone_number_only_where_no_other_kind_is_looked_for() -> None:
    text = "please call 2026-03-04"
    assert Mask(["phone"]).text(text) == text
    assert Mask(["phone"], EntityFinder(max_chars=10)).text(text) == "please call ****-**-**"


def calls_of(work: Callable[[], object]) -> int:
    """How many functions `work` calls, in Python and in C."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("piece", ["1 ", "+4", "1 000 ", "a@", "DE12 ", f"http://{')' * 1000} ", "tel 1 "])
def test_the_work_grows_no_faster_than_the_text(piece: str) -> None:
    known = [f"+49 170 {number:07}" for number in range(100)]
    short, long = (piece * (length // len(piece)) for length in (10_000, 20_000))
    finder = EntityFinder(max_chars=2_000)
    mask = Mask(ALL, finder)
    assert calls_of(lambda: mask.text(long, known)) < 2.2 * calls_of(lambda: mask.text(short, known))
    assert calls_of(lambda: mask.text(long, known)) < 4 * len(long)
    assert calls_of(lambda: finder.find(long)) == calls_of(lambda: finder.find(short))


def test_a_row_is_hidden_in_all_that_people_read_and_keeps_its_ids() -> None:
    row = row_from(frozen_item("yesterday_enriched_item"))
    row = row.model_copy(
        update={
            "subject": TEXT,
            "summary": "0170 000 44 18",
            "summary_display": TEXT,
            "customer_id": "a.b@example.com",
            "tags": ("vip", "a.b@example.com"),
            "entities": (
                RowEntity(kind="phone", value="01700004418"),
                RowEntity(kind="date", value="2026-03-04"),
            ),
        }
    )
    shown = Mask(ALL).row(row)
    assert "a.b@example.com" not in shown.model_dump_json()
    assert "1111 1111" not in shown.model_dump_json()
    assert shown.summary == "**** *** ** **"
    assert [each.value for each in shown.entities] == ["***********", "2026-03-04"]
    assert (shown.ticket_id, shown.enriched_key, shown.raw) == (row.ticket_id, row.enriched_key, row.raw)


def test_without_kinds_a_row_and_a_record_are_shown_as_they_are() -> None:
    row = row_from(frozen_item("yesterday_enriched_item"))
    ticket = read_enriched(frozen_bytes("yesterday_enriched_object"))
    assert Mask().row(row) is row
    assert Mask().ticket(ticket) is ticket


def test_a_record_is_hidden_at_every_depth_and_what_is_stored_stays() -> None:
    document = json.loads(frozen_bytes("yesterday_enriched_object"))
    document |= {"body": TEXT, "extra": {"contact": {"mail": ["a.b@example.com"]}}}
    before = json.dumps(document)
    shown = json.dumps(Mask(ALL).document(document))
    assert "a.b@example.com" not in shown
    assert "0170 000 44 18" not in shown
    assert json.dumps(document) == before
    assert isinstance(Mask(ALL).ticket(EnrichedTicket.model_validate(document)), EnrichedTicket)


def test_a_card_is_hidden_before_anything_is_made_of_a_ticket() -> None:
    intake = bootstrap.make_intake(load_settings())
    raw = {
        "ticket_id": "T1",
        "subject": f"card {CARD}",
        "body": f"my card\n{CARD}",
        "card_no": CARD,
        "pan": 4111111111111111,
    }
    ticket = intake.parse(
        json.dumps(raw | {"metadata": {"tags": [CARD], "pan": "4111111111111111"}}).encode()
    )
    assert "1111 1111" not in ticket.model_dump_json()
    assert "4111" not in ticket.model_dump_json()
    assert ticket.subject == "card **** **** **** 1111"
    assert len(ticket.body) == len(raw["body"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", f"card {CARD}"),
        ("created_at", "4111-1111-1111-1111"),
        ("created_at", f"{'on the first day after the payment was made, ':.45} {CARD}"),
        ("priority", f"{'urgent' * 7} 4111111111111111 {'!' * 20}"),
    ],
)
def test_a_warning_shows_no_card_and_no_beginning_of_one(field: str, value: str) -> None:
    intake = bootstrap.make_intake(load_settings())
    ticket = intake.parse(json.dumps({"ticket_id": "T1", "body": "help", field: value}).encode())
    (warning,) = ticket.warnings
    assert "*" in warning.found
    assert "1111 1" not in warning.found
    assert "4111" not in ticket.model_dump_json()


def test_a_warning_without_a_card_is_left_as_it_is() -> None:
    warning = TicketWarning(code=WarningCode.UNKNOWN_FORM, field="priority", found="order 60417 of 2026…")
    ticket = Ticket(ticket_id="T1", body="help", warnings=(warning,))
    assert without_cards(ticket) is ticket


def test_a_card_that_was_hidden_is_still_found() -> None:
    text = "card **** **** **** 1111"
    (card,) = EntityFinder().find(text)
    assert (card.kind, text[card.start : card.end]) == ("card", "**** **** **** 1111")
    assert card.normalised == "************1111"


def test_a_ticket_without_a_card_is_left_as_it_is() -> None:
    ticket = Ticket(ticket_id="T1", body="order 4111 1111", metadata=TicketMetadata(tags=("vip",)))
    assert without_cards(ticket) is ticket


def test_the_setting_takes_kinds_that_can_be_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_MASK", "email, card")
    assert load_settings().masked_kinds == ("email", "card")
    monkeypatch.setenv("TICKETMILL_MASK", "email,names")
    with pytest.raises(SetupError, match=r"TICKETMILL_MASK: expected email, phone, card, iban.*names"):
        load_settings()
