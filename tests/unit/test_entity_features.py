"""Entities as features of a model: found once a ticket, by whoever asks first."""

from __future__ import annotations

from typing import Any

import numpy as np

from ticketmill.domain.entities import EntityKind, Mention
from ticketmill.domain.ticket import Ticket
from ticketmill.models.overlay_features import COUNTED_KINDS, DENSE
from ticketmill.tasks import entities
from ticketmill.tasks.stage import EncodedTicket
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.reading import read_ticket

BODY = "You took $12.50 and $9 for order #4711-22. I paid once."


class CountingFinder(EntityFinder):
    """Counts the texts that it reads."""

    texts = 0

    def find(self, text: str) -> tuple[Mention, ...]:
        self.texts += 1
        return super().find(text)


def ticket(finder: EntityFinder, body: str = BODY) -> EncodedTicket:
    nothing: Any = None
    written = Ticket(ticket_id="T1", body=body)
    return EncodedTicket(written, read_ticket(written), nothing, nothing, finder)


def test_the_task_and_every_model_read_what_was_found_once() -> None:
    finder = CountingFinder()
    read = ticket(finder)
    assert finder.texts == 0, "what nobody asks for costs nothing"
    entities.by_patterns([read])
    DENSE["entities"]([read])
    DENSE["entities"]([read])
    assert finder.texts == 1


def test_a_column_counts_a_kind() -> None:
    counts = DENSE["entities"]([ticket(EntityFinder()), ticket(EntityFinder(), "Hello.")])
    by_kind = dict(zip(COUNTED_KINDS, np.expm1(counts[0]).round().astype(int).tolist(), strict=True))
    assert {kind: count for kind, count in by_kind.items() if count} == {
        EntityKind.AMOUNT: 2,
        EntityKind.ORDER_NUMBER: 1,
    }
    assert not counts[1].any()


def test_settings_of_a_place_do_not_change_what_a_model_counts() -> None:
    body = f"{BODY} The Router X is broken."
    at_home = EntityFinder({"Router X": "router-x"})
    assert len(at_home.find(body)) > len(EntityFinder().find(body))
    np.testing.assert_array_equal(
        DENSE["entities"]([ticket(at_home, body)]), DENSE["entities"]([ticket(EntityFinder(), body)])
    )
