"""The forms of `created_at`, always UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from raw_tickets import document, warned

from ticketmill.domain.intake import parse_ticket

NOV_14 = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
MAR_5 = datetime(2024, 3, 5, 9, 12, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stated", "moment"),
    [
        (None, None),
        ("", None),
        (" ", None),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1700000000, NOV_14),
        (1700000000.5, NOV_14.replace(microsecond=500_000)),
        ("1700000000", NOV_14),
        (" 1700000000.25 ", NOV_14.replace(microsecond=250_000)),
        (1700000000000, NOV_14),
        ("1700000000000", NOV_14),
        (1700000000000000, NOV_14),
        (1700000000000000000, NOV_14),
        ("1.7e9", NOV_14),
        ("2026-11-21T09:30:00Z", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21T09:30:00.123456+00:00", datetime(2026, 11, 21, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("2026-11-21T01:30:00+02:00", datetime(2026, 11, 20, 23, 30, tzinfo=UTC)),
        ("2026-11-21T09:30:00", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        (" 2026-11-21 09:30 ", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("20261121", datetime(2026, 11, 21, tzinfo=UTC)),
        ("20240305091244", MAR_5),
        ("2024-03-05T10:12:44+0100", MAR_5),
        ("2024-03-05 10:12:44 +0100", MAR_5),
        ("2024-03-05 09:12:44 UTC", MAR_5),
        ("2024-03-05 09:12:44 GMT", MAR_5),
        ("2024/03/05 09:12:44", MAR_5),
        ("2024/3/5 09:12:44", MAR_5),
        ("Tue, 05 Mar 2024 10:12:44 +0100", MAR_5),
        ("Tue, 5 Mar 2024 09:12:44 GMT", MAR_5),
        ("5 Mar 2024 09:12:44 -0000", MAR_5),
        ({"$date": "2024-03-05T09:12:44Z"}, MAR_5),
        ({"$date": 1700000000000}, NOV_14),
        ({"$date": 1000}, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ({"$date": {"$numberLong": "1700000000000"}}, NOV_14),
        ("/Date(1700000000000)/", NOV_14),
        ("/Date(1700000000000+0100)/", NOV_14),
        ("05.03.2024 09:12", datetime(2024, 3, 5, 9, 12, tzinfo=UTC)),
        ("5.3.2024, 09:12:44", MAR_5),
    ],
)
def test_a_time_of_a_known_form_comes_out_in_utc(stated: object, moment: datetime | None) -> None:
    ticket = parse_ticket(document(created_at=stated))
    assert ticket.created_at == moment
    assert moment is None or ticket.created_at is None or ticket.created_at.tzinfo is UTC
    assert (ticket.warnings, ticket.extra) == ((), {})


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (-1, "-1"),
        ("-1", "-1"),
        (-0.5, "-0.5"),
        (10**400, "a long number"),
        (1e300, "1e+300"),
        ("1e300", "1e300"),
        ("9" * 400, "9" * 59 + "…"),
        ("nan", "nan"),
        ("-Infinity", "-Infinity"),
        (True, "true"),
        ("yesterday", "yesterday"),
        ("0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        ("05/03/2024", "05/03/2024"),
        ("03/05/2024 09:12:44", "03/05/2024 09:12:44"),
        ("05-03-2024 09:12", "05-03-2024 09:12"),
        ("31.02.2024", "31.02.2024"),
        ("2024-03-05 09:12:44 CET", "2024-03-05 09:12:44 CET"),
        ("2026-13-01", "2026-13-01"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59-14:00"),
        ("soon " * 100, ("soon " * 100)[:59] + "…"),
        ([1700000000], "an array"),
        ({"seconds": 1}, "an object"),
        ({"$date": None, "x": 1}, "an object"),
    ],
)
def test_a_time_of_another_form_is_kept_raw_and_warned_of(stated: object, found: str) -> None:
    ticket = parse_ticket(document(created_at=stated))
    assert ticket.created_at is None
    assert ticket.extra == {"created_at": stated}
    assert warned(ticket) == [("unknown_form", "created_at", found)]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set here")
@pytest.mark.parametrize(
    "stated", ["2026-11-21T09:30:00", "21.11.2026 09:30", "Sat, 21 Nov 2026 09:30:00 -0000"]
)
def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(
    stated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC+5")
        time.tzset()
        created_at = parse_ticket(document(created_at=stated)).created_at
    time.tzset()
    assert created_at == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
