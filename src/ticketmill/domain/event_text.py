"""Texts with names in braces, filled from an event: `{urgency}`, `{ticket_id}`, `{summary}`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ticketmill.domain.event import TicketEvent

PLAIN_NAMES = ("ticket_id", "status", "subject", "summary", "customer_id", "rule")
"""Fields of the event; every other name is a task's."""
NOTHING = "-"

_NAME = re.compile(r"\{(\w+)\}")


def names_in(template: str) -> list[str]:
    """The names in braces, in their order."""
    return _NAME.findall(template)


def values_of(event: TicketEvent) -> Mapping[str, str]:
    """What can be filled in; a name without a value is absent."""
    plain = {name: getattr(event, name) for name in PLAIN_NAMES}
    labels = {name: ", ".join(label.labels) for name, label in event.labels.items()}
    return {name: str(value) for name, value in {**labels, **plain}.items() if value}


def filled(template: str, event: TicketEvent) -> str:
    """The text; what has no value is a dash."""
    values = values_of(event)
    return _NAME.sub(lambda found: values.get(found[1], NOTHING), template)


def filled_all(templates: Iterable[str], event: TicketEvent) -> list[str]:
    """The texts, each once, without those of which a name has no value."""
    values = values_of(event)
    usable = [each for each in templates if all(name in values for name in names_in(each))]
    return list(dict.fromkeys(filled(each, event) for each in usable))
