"""How a document is decoded, before it is looked at as a ticket."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from raw_tickets import document, nested, rejection_of, warned, with_value

from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.intake import parse_ticket


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b'{"ticket_id": "T", "body": "caf\xe9"}',
        b'{"ticket_id": "T", "body": "\xed\xa0\x80"}',
        b'{"ticket_id": "T", "body": "\xc0\xaf"}',
        b'{"ticket_id": "T", "body": "\xf0\x9f\x8e"}',
    ],
)
def test_other_encodings_and_broken_ones_are_refused_with_the_cure(body: bytes) -> None:
    error = rejection_of(body)
    assert error.code is RejectionCode.NOT_UTF8
    assert "invalid byte at offset" in error.message
    assert "iconv" in error.message


def test_utf16_that_is_cut_off_is_refused() -> None:
    error = rejection_of(document().decode().encode("utf-16")[:-1])
    assert error.code is RejectionCode.NOT_UTF8
    assert error.message.startswith("expected UTF-16")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty document"),
        (b"  \n", "an empty document"),
        (b"\xef\xbb\xbf", "an empty document"),
        (b"ticket", "a word without quotes (at line 1 column 1)"),
        (document()[:-1], "it was cut off, upload it again"),
        (document()[:20], "it was cut off, upload it again"),
        (document() + b"x", "more after its end at line 1"),
        (document() + document(), "more after its end at line 1"),
        (b"{'ticket_id': 'T', 'body': 'x'}", "a single quote: JSON has double ones (at line 1 column 2)"),
        (b'{"ticket_id": "T", "body": "x",}', "a comma before the closing bracket at line 1 column 32"),
        (b'{"ticket_id": "T",\n "body": ["x",]}', "a comma before the closing bracket at line 2"),
        (b'{"ticket_id": "T", "body": "x", "a": None}', "a word that JSON does not have: write null"),
        (b'{"ticket_id": "T", "body": "x", "a": undefined}', "a word that JSON does not have: write null"),
        (b'{"ticket_id": "T", "body": "x", "a": True}', "write true or false in lower case"),
        (b'{ // export\n"ticket_id": "T", "body": "x"}', "a comment: JSON has none"),
        (b'{"ticket_id": "T", # mine\n"body": "x"}', "a comment: JSON has none"),
        (b'{ticket_id: "T", "body": "x"}', "a word without quotes"),
        (b'{"ticket_id": "T" "body": "x"}', "expecting ',' delimiter at line 1 column 19"),
        (with_value(b"01"), "at line 1"),
    ],
)
def test_what_is_not_one_json_document_is_told_what_to_change(body: bytes, found: str) -> None:
    error = rejection_of(body)
    assert error.code is RejectionCode.NOT_JSON
    assert error.message.startswith("expected one JSON object, found ")
    assert found in error.message
    assert "Python" not in error.message


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"[]", "an empty array"),
        (b'["ticket"]', "a text"),
        (b'"ticket"', "a text"),
        (b"null", "null"),
        (b"true", "true or false"),
        (b"7", "a number"),
        (b"7.5", "a number"),
    ],
)
def test_a_document_that_is_no_object_is_a_fault_of_the_schema(body: bytes, found: str) -> None:
    error = rejection_of(body)
    assert error.code is RejectionCode.SCHEMA
    assert error.message == f"expected a JSON object, found {found}"


def test_an_empty_object_lacks_its_id() -> None:
    assert rejection_of(b"{}").message == "ticket_id: required"


@pytest.mark.parametrize(
    "body",
    [
        b'{"ticket_id": "T", "body": "one", "body": "two"}',
        b'{"ticket_id": "T", "body": "same", "body": "same"}',
        with_value(b'[[{"subject": 1, "subject": 2}]]'),
        with_value(b'{"body": 1, "\\u0062ody": 2}'),
    ],
)
def test_an_id_or_a_text_that_is_there_twice_is_rejected_at_any_depth(body: bytes) -> None:
    assert rejection_of(body).code is RejectionCode.DUPLICATE_KEY


def test_any_other_field_that_is_there_twice_keeps_all_its_values() -> None:
    ticket = parse_ticket(with_value(b'{"a": 1, "b": 0, "\\u0061": [2]}'))
    assert ticket.extra == {"value": {"a": [1, [2]], "b": 0}}
    assert warned(ticket) == [("repeated_field", "a", "")]
    ticket = parse_ticket(b'{"ticket_id": "T", "body": "x", "priority": "low", "priority": "high"}')
    assert (ticket.priority, ticket.extra) == (None, {"priority": ["low", "high"]})


def test_a_known_field_that_is_there_twice_is_named() -> None:
    error = rejection_of(b'{"ticket_id": "T", "body": "one", "body": "two"}')
    assert error.field == "body"
    assert "found body more than once" in error.message


def test_the_repeated_one_of_many_fields_is_found() -> None:
    names = [f'"field{number}": 1'.encode() for number in range(9_000)]
    fields = [b'"ticket_id": "T", "body": "x"', *names, names[-1]]
    ticket = parse_ticket(b"{" + b", ".join(fields) + b"}")
    assert warned(ticket) == [("repeated_field", "field8999", "")]


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 5000])
@pytest.mark.parametrize("place", [b"%s", b"[[%s]]", b'{"a": %s}'])
def test_numbers_that_json_or_a_float_does_not_have_are_not_json(number: bytes, place: bytes) -> None:
    error = rejection_of(with_value(place % number))
    assert error.code is RejectionCode.NOT_JSON
    assert "numbers" in error.message


def test_large_numbers_that_can_be_kept_are_kept() -> None:
    assert parse_ticket(with_value(b"[1e308, %d]" % 10**300)).extra == {"value": [1e308, 10**300]}


@pytest.mark.parametrize("leaf", [b"1", b""], ids=["around a value", "around nothing"])
def test_nesting_ends_at_64_levels(leaf: bytes) -> None:
    assert parse_ticket(nested(64, leaf)).extra
    error = rejection_of(nested(65, leaf))
    assert error.code is RejectionCode.SCHEMA
    assert error.message == "expected at most 64 levels of nesting"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_bottomless_nesting_is_rejected_like_any_other_that_is_too_deep(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    error = rejection_of(with_value(opening * 9_000 + b"1" + closing * 9_000))
    assert error.code is RejectionCode.SCHEMA
    assert error.message == "expected at most 64 levels of nesting"


def test_lone_surrogates_become_replacement_characters_wherever_they_stand() -> None:
    ticket = parse_ticket(
        rb'{"ticket_id": "T", "subject": "\ude00", "body": "half \ud83d here, whole \ud83d\ude00",'
        rb' "metadata": {"tags": ["\ud83d"]}, "bad\ud83dname": {"in\udc00ner": ["\ud83d\ud83d"]}}'
    )
    assert ticket.subject == "\ufffd"
    assert ticket.body == "half \ufffd here, whole \U0001f600"
    assert ticket.metadata.tags == ("\ufffd",)
    assert ticket.extra == {"bad\ufffdname": {"in\ufffdner": ["\ufffd\ufffd"]}}
    assert ticket.model_dump_json().encode()


class TestValues:
    """A document has 10,000 values at most: an object and its fields count one each, names count nothing."""

    def many(self, count: int) -> bytes:
        """A ticket of `count` values: itself, two fields, an array, and what is in that."""
        return with_value(b"[" + b",".join([b"1"] * (count - 4)) + b"]")

    def test_there_may_be_ten_thousand(self) -> None:
        assert len(parse_ticket(self.many(10_000)).extra["value"]) == 9_996  # type: ignore[arg-type]
        error = rejection_of(self.many(10_001))
        assert error.code is RejectionCode.SCHEMA
        assert error.message == "expected at most 10000 JSON values, found more"

    @pytest.mark.parametrize("text", ["a, b, [c] {d} ", '"quoted", ', "back\\slash\\, "])
    def test_commas_and_brackets_in_text_are_no_values(self, text: str) -> None:
        body = json.dumps({"ticket_id": "T", "body": text * 20_000}).encode()
        assert parse_ticket(body).body == text * 20_000

    def test_text_that_does_not_end_is_not_taken_for_values(self) -> None:
        assert rejection_of(b'{"ticket_id": "T", "body": "' + b"," * 20_000).code is RejectionCode.NOT_JSON

    @pytest.mark.parametrize(
        "flood",
        [b"[],", b"{},", b"[", b'{"a":', b'"",', b'""', b'"a",1,', b'["\\""],'],
        ids=[
            "arrays",
            "objects",
            "deep arrays",
            "deep objects",
            "strings",
            "bare strings",
            "mixed",
            "escapes",
        ],
    )
    def test_a_flood_of_values_is_turned_down_before_it_takes_memory(self, flood: bytes) -> None:
        """Built, 64 KB of brackets take 40 times their size, and a worker holds over a hundred tickets."""
        body = with_value(b"[" + flood * (65_536 // len(flood)))
        tracemalloc.start()
        error = rejection_of(body)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert error.code in (RejectionCode.SCHEMA, RejectionCode.NOT_JSON)
        assert most < 4 * len(body)
