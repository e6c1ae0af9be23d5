"""The last map of tickets is kept: the page draws it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.domain.keys import TICKET_MAP_FILE
from ticketmill.domain.ticket_map import TicketMap, without_ticket
from ticketmill.learning.forgetting import TicketTraces
from ticketmill.learning.ports import LearningObjects


def keep_map(objects: LearningObjects, drawn: TicketMap) -> None:
    """Keeps a map in the place of the last one."""
    objects.put(TICKET_MAP_FILE, drawn.model_dump_json().encode())


def kept_map(objects: LearningObjects) -> TicketMap | None:
    """The map that was kept last. SetupError where it cannot be read."""
    body = objects.get(TICKET_MAP_FILE)
    try:
        return None if body is None else TicketMap.model_validate_json(body)
    except ValidationError as error:
        raise SetupError(
            "the map of tickets cannot be read by this version: `ticketmill map` draws a new one"
        ) from error


@dataclass(frozen=True, slots=True)
class MapOfTicket:
    """The point of a ticket on the last map."""

    objects: LearningObjects

    @property
    def name(self) -> str:
        return "map"

    def remove(self, traces: TicketTraces) -> int:
        drawn = kept_map(self.objects)
        if drawn is None or traces.ticket_id not in drawn.tickets:
            return 0
        self.objects.delete([TICKET_MAP_FILE])  # with its older versions
        keep_map(self.objects, without_ticket(drawn, traces.ticket_id))
        return 1

    def left(self, traces: TicketTraces) -> list[str]:
        drawn = kept_map(self.objects)
        return [TICKET_MAP_FILE] if drawn is not None and traces.ticket_id in drawn.tickets else []
