"""Whatever stands in a field: a ticket is read or rejected, and never a bug."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from ticketmill.bootstrap.intake import tickets_of_a_helpdesk
from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.intake import Intake
from ticketmill.domain.priority import PriorityNumbers
from ticketmill.domain.ticket import Ticket

TRIES = 1_500
MAX_MESSAGE_CHARS = 700
Path = tuple[str | int, ...]

TICKETS: list[dict[str, Any]] = [
    {
        "ticket_id": "T",
        "subject": "S",
        "body": "B",
        "priority": "high",
        "created_at": 1,
        "customer_id": "C",
        "metadata": {"source": "email", "language": "en", "tags": ["a", {"name": "b"}]},
    },
    {"id": 1, "title": "T", "description": "D", "messages": [{"body": "B", "author": {"type": "user"}}]},
    {"ticket": {"id": 1, "subject": "S", "description": "D", "requester_id": 1, "submitter_id": 1}},
    {"result": [{"number": "INC1", "short_description": "S", "description": "D", "sys_created_on": "x"}]},
    {
        "id": "5",
        "properties": {"content": "C", "hs_ticket_priority": "HIGH", "subject": "S", "createdate": 1},
    },
    {"tickets": [{"ticket_id": "T", "body": {"text": "B", "html": "H"}}]},
]
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 10**400, 1e300, "", "x", "  ", "\x00", "é" * 300, "word " * 50),
    *([], {}, [[]], {"a": []}, [None], {"name": None}, {"id": []}, {"name": ["x"]}, ["a", {"body": ["b"]}]),
    *({"$date": {}}, {"$date": {"$numberLong": "x"}}, {"$date": True}, {"$date": {"$date": 1}}),
    *("1e999", "9" * 500, "/Date(99999999999999999999)/", "99.99.9999", "0000/00/00", "99999999"),
    *("Tue, 99 Foo 2024 99:99", "1 Jan 2024 99:99", "2024-03-05T09:12:44+99:99", "20241399"),
    *("a/b", " # ", "=", "esc:", "esc:=GG", "P", "P1", "1 2 3", "①", "२", "²"),
]


def paths_in(value: Any, path: Path = ()) -> Iterator[Path]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield (*path, name)
        yield from paths_in(child, (*path, name))


def mutated(ticket: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    found = copy.deepcopy(ticket)
    for _ in range(dice.randint(1, 3)):
        paths = list(paths_in(found))
        if not paths:
            break
        *way, last = dice.choice(paths)
        parent: Any = found
        for name in way:
            parent = parent[name]
        if dice.random() < 0.1:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(dice.choice(ODD))
    return found


@pytest.mark.parametrize("numbers", [None, "1-is-highest", "1-is-lowest"])
def test_any_value_in_any_field_is_read_or_rejected(numbers: PriorityNumbers | None) -> None:
    dice = random.Random(17)
    intake = Intake(tickets_of_a_helpdesk, numbers)
    read = 0
    for _ in range(TRIES):
        document = mutated(dice.choice(TICKETS), dice)
        try:
            ticket = intake.parse(json.dumps(document).encode())
        except TicketRejected as rejection:
            assert len(rejection.message) < MAX_MESSAGE_CHARS, document
            continue
        assert Ticket.model_validate_json(ticket.model_dump_json()) == ticket, document
        read += 1
    assert read > TRIES / 2
