"""Entities: what a triager looks for in a ticket, such as numbers of orders, amounts, dates and addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ticketmill.domain.entities import EntityKind
from ticketmill.domain.labels import Source
from ticketmill.tasks.stage import EncodedTicket
from ticketmill.tasks.task import Column, Lines, Task

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import Entity, RowEntity
    from ticketmill.domain.row import TicketRow

NAME = "entities"
MAX_ON_ROW = 20
MAX_VALUE_CHARS = 128
"""Of an entity on the row."""

Entities = tuple["Entity", ...]


def by_patterns(tickets: Sequence[EncodedTicket]) -> list[Entities]:
    """The entities of the writer's own words, by patterns and the words beside them."""
    return [_found(each) for each in tickets]


def _found(ticket: EncodedTicket) -> Entities:
    from ticketmill.domain.enrichment import Entity
    from ticketmill.text.entities.accounts import masked_digits

    text = ticket.text
    return tuple(
        Entity(
            kind=kind,
            value=masked_digits(text[start:end]) if kind is EntityKind.CARD else text[start:end],
            normalised=normalised,
            start=start,
            end=end,
            source=Source.RULE,
        )
        for kind, start, end, normalised in ticket.mentions
    )


def _on_row(entities: Entities) -> tuple[RowEntity, ...]:
    from ticketmill.domain.enrichment import RowEntity

    different = dict.fromkeys((str(each.kind), each.normalised[:MAX_VALUE_CHARS]) for each in entities)
    return tuple(RowEntity(kind=kind, value=value) for kind, value in list(different)[:MAX_ON_ROW])


def _row_lines(row: TicketRow) -> Lines:
    values: dict[str, list[str]] = {}
    for each in row.entities:
        values.setdefault(each.label, []).append(each.value)
    return [(kind.replace("_", " "), ", ".join(each)) for kind, each in values.items()]


TASK: Task[Entities] = Task(
    name=NAME,
    columns=(Column(NAME, _on_row),),
    label=NAME,
    vocabulary=tuple(EntityKind),
    row_lines=_row_lines,
)
