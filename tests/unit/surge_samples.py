"""Surges as a watch keeps them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ticketmill.domain.surge import SurgeRecord


def surge_record(now: datetime, **given: Any) -> SurgeRecord:
    """One of 14 tickets in the last two hours."""
    usual: dict[str, Any] = {
        "surge_id": "20261121-1a2b3c",
        "name": "card declined",
        "named_of": 8,
        "tickets": tuple(f"TKT-{number:03}" for number in range(1, 15)),
        "ticket_count": 14,
        "customers": 12,
        "n": 9,
        "expected": 1.2,
        "p": 2e-9,
        "first_at": now - timedelta(hours=2),
        "last_at": now,
        "opened_at": now - timedelta(hours=1),
        "changed_at": now,
    }
    return SurgeRecord(**{**usual, **given})
