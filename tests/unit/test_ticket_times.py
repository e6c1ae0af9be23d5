"""The forms of `created_at`: Unix seconds or ISO 8601, always UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from raw_tickets import document, rejection_of

from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.ticket import parse_ticket


@pytest.mark.parametrize(
    ("stated", "moment"),
    [
        (None, None),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1700000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (1700000000.5, datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)),
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (" 1700000000.25 ", datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)),
        ("2026-11-21T09:30:00Z", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21T09:30:00.123456+00:00", datetime(2026, 11, 21, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("2026-11-21T01:30:00+02:00", datetime(2026, 11, 20, 23, 30, tzinfo=UTC)),
        ("2026-11-21T09:30:00", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        (" 2026-11-21 09:30 ", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
    ],
)
def test_a_time_is_unix_seconds_or_iso_and_comes_out_in_utc(stated: object, moment: datetime | None) -> None:
    created_at = parse_ticket(document(created_at=stated)).created_at
    assert created_at == moment
    assert created_at is None or created_at.tzinfo is UTC


@pytest.mark.parametrize(
    "stated",
    [
        1700000000000,
        "1700000000000",
        -1,
        "-1",
        -0.5,
        10**400,
        "1e300",
        "nan",
        "inf",
        "-Infinity",
        True,
        False,
        "",
        "yesterday",
        "2026-13-01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        [1700000000],
        {"seconds": 1},
    ],
)
def test_a_time_that_is_neither_is_rejected_and_the_field_is_named(stated: object) -> None:
    error = rejection_of(document(created_at=stated))
    assert (error.code, error.field) == (RejectionCode.SCHEMA, "created_at")
    assert "Unix seconds" in error.message


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set here")
def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC+5")
        time.tzset()
        created_at = parse_ticket(document(created_at="2026-11-21T09:30:00")).created_at
    time.tzset()
    assert created_at == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def test_milliseconds_are_guessed_at_in_the_message() -> None:
    assert "milliseconds?" in rejection_of(document(created_at=1700000000000)).message
