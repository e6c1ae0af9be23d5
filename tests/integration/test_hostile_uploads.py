"""Hostile uploads, the whole way: each is turned down by its own fault and none touches its neighbours."""

from __future__ import annotations

import gzip
import json

import pytest
from commands import Run

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.json_document import MAX_TICKET_BYTES

MARKER = "Zanzibar7731"
GOOD = {"ticket_id": "GOOD", "subject": "Cannot log in", "body": f"My password is refused. {MARKER}"}
BOMB = gzip.compress(json.dumps({**GOOD, "ticket_id": "BOMB", "body": "a" * 40_000_000}).encode(), mtime=0)

UPLOADS = {
    "tickets/bomb.json": (BOMB, RejectionCode.TOO_LARGE),
    "tickets/large.json": (b" " * (MAX_TICKET_BYTES + 1), RejectionCode.TOO_LARGE),
    "tickets/deep.json": (b"[" * 100_000 + b"]" * 100_000, RejectionCode.SCHEMA),
    "tickets/twice.json": (b'{"ticket_id": "a", "ticket_id": "b"}', RejectionCode.DUPLICATE_KEY),
    "tickets/numbers.json": (b'{"ticket_id": ' + b"9" * 5000 + b"}", RejectionCode.NOT_JSON),
    "tickets/../../enriched/x.json": (MARKER.encode(), RejectionCode.NOT_JSON),
    "tickets/%2e%2e%2f+ü \u202e.json": (MARKER.encode(), RejectionCode.NOT_JSON),
    f"tickets/{'k' * 1011}.json": (MARKER.encode(), RejectionCode.NOT_JSON),
    "tickets/path.json": (json.dumps({**GOOD, "ticket_id": ["../GOOD"]}).encode(), RejectionCode.ID_UNUSABLE),
}


@pytest.fixture
def uploaded(adapters: Adapters, clients: Clients) -> Adapters:
    for key, (body, _) in UPLOADS.items():
        packed = {"ContentEncoding": "gzip"} if body is BOMB else {}
        clients.s3.put_object(Bucket=adapters.stack.raw_bucket, Key=key, Body=body, **packed)
    bomb = clients.s3.head_object(Bucket=adapters.stack.raw_bucket, Key="tickets/bomb.json")
    assert bomb["ContentEncoding"] == "gzip"
    tags = {"metadata": {"tags": [MARKER * 100_000]}}
    for ticket in (GOOD, {"ticket_id": "TAGS", "body": "zzz qqq", **tags}):
        adapters.raw_tickets.put(f"tickets/{ticket['ticket_id']}.json", json.dumps(ticket).encode())
    return adapters


def test_each_is_turned_down_by_its_own_fault_and_none_touches_its_neighbours(
    uploaded: Adapters, ticketmill: Run, ticketmill_process: Run
) -> None:
    worked = ticketmill_process("work", "--until-empty", "--json")
    counts = json.loads(worked.stdout)
    assert (counts["enriched"], counts["rejected"]) == (2, len(UPLOADS))
    assert counts.get("failed", 0) == 0
    for key, (_, code) in UPLOADS.items():
        row = uploaded.rows.get(key.removeprefix("tickets/").removesuffix(".json"))
        assert row is not None and row.rejection is not None, key
        assert (row.rejection.code, row.rejection.key) == (code, key)
        assert MARKER not in row.rejection.message
    assert MARKER not in worked.stderr
    for ticket_id in ("GOOD", "TAGS"):
        row = uploaded.rows.get(ticket_id)
        assert row is not None and row.status == "enriched", ticket_id
    listed = ticketmill("list", "--status", "rejected", "--json").stdout
    assert len(listed.splitlines()) == len(UPLOADS)
    assert "\u202e" not in listed
