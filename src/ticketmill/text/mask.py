"""What is hidden of a ticket: card numbers when it is read, other kinds when it is shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.entities import EntityKind, Mention
from ticketmill.domain.row import TicketRow
from ticketmill.domain.ticket import Ticket
from ticketmill.domain.warning import TicketWarning
from ticketmill.text.entities.accounts import MASK, find_cards, masked_digits
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.spellings import SIGN, KnownValues

Row = TypeVar("Row", bound=TicketRow)

_ROW_TEXTS = (
    "subject",
    "customer_id",
    "tags",
    "topics",
    "summary",
    "summary_display",
    "warnings",
    "entities",
)
_IDS = frozenset({"ticket_id", "key", "enriched_key"})
"""Fields that tickets and objects are found by."""
_CUT_NUMBER = re.compile(r"(?<!\w)\d(?:[ \u00a0-]?\d){6,18}(?=[ \u00a0-]?…\Z)")
"""Digits at the end of an excerpt that may be the beginning of a card number."""


def without_cards(ticket: Ticket) -> Ticket:
    """`ticket` with its card numbers masked but for the last four digits, every text as long as it was."""
    fields = {name: getattr(ticket, name) for name in ("subject", "body", "customer_id", "extra")}
    masked = {name: _without_cards(value) for name, value in fields.items()}
    details = ticket.metadata.model_dump()
    masked_details = _without_cards(details)
    changed = {name: value for name, value in masked.items() if value != fields[name]}
    if masked_details != details:
        changed["metadata"] = ticket.metadata.model_copy(update=masked_details)
    if (warnings := tuple(map(_warning_without_cards, ticket.warnings))) != ticket.warnings:
        changed["warnings"] = warnings
    return ticket.model_copy(update=changed) if changed else ticket


def _warning_without_cards(warning: TicketWarning) -> TicketWarning:
    """A warning shows excerpts: where one ends within a card number, no check digit can prove it."""
    excerpts = {"field": warning.field, "found": warning.found}
    masked = {name: text and _without_cards(_without_cut_number(text)) for name, text in excerpts.items()}
    return warning.model_copy(update=masked) if masked != excerpts else warning


def _without_cut_number(text: str) -> str:
    return _CUT_NUMBER.sub(lambda found: SIGN.sub(MASK, found[0]), text)


def _without_cards(value: Any) -> Any:
    match value:
        case str():
            return _hidden(value, find_cards(value))
        case dict():
            return {_without_cards(name): _without_cards(each) for name, each in value.items()}
        case list() | tuple():
            return type(value)(_without_cards(each) for each in value)
        case int() if not isinstance(value, bool) and any(find_cards(str(value))):
            return _without_cards(str(value))
        case _:
            return value


class Mask:
    """Hides entities of some kinds in what people and other systems get to see.

    Letters and digits become asterisks, of cards all but the last four digits. The length stays, so that
    offsets hold. What is stored stays as it is.
    """

    def __init__(self, kinds: Collection[str] = (), finder: EntityFinder | None = None) -> None:
        self.kinds = frozenset(kinds)
        self._finder = finder or EntityFinder()

    def text(self, text: str, known: Iterable[str] = ()) -> str:
        """`text` without the entities of the kinds, wherever they stand, also in quotes and signatures.

        `known` are such entities of the same ticket: they are hidden without the words around them too.
        """
        if not self.kinds or not text:
            return text
        text = _hidden(text, self._finder.find_to_hide(text, self.kinds))
        parts, at = [], 0
        for start, end in KnownValues(known).find(text):
            parts += [text[at:start], SIGN.sub(MASK, text[start:end])]
            at = end
        return "".join((*parts, text[at:]))

    def row(self, row: Row) -> Row:
        """The row as people may see it. Its ids and keys stay: tickets are found by them."""
        if not self.kinds:
            return row
        document = row.model_dump()
        shown = {name: document[name] for name in (*_ROW_TEXTS, *(row.model_extra or ()))}
        return type(row).model_validate({**document, **self._masked(shown, self._known(document))})

    def document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A row or an enriched ticket as JSON has it, as people may see it."""
        if not self.kinds:
            return dict(document)
        known = self._known(document.get("enrichment") or document)
        return dict(self._masked(dict(document), known))

    def ticket(self, ticket: EnrichedTicket) -> EnrichedTicket:
        """The enriched ticket as people may see it."""
        return EnrichedTicket.model_validate(self.document(ticket.model_dump())) if self.kinds else ticket

    def _known(self, document: Mapping[str, Any]) -> list[str]:
        """Entities of the kinds that a row or an enrichment names."""
        return [
            str(value)
            for each in document.get("entities") or ()
            if isinstance(each, Mapping) and each.get("kind") in self.kinds - {EntityKind.CARD}
            for value in (each.get("value"), each.get("normalised"))
            if value
        ]

    def _masked(self, value: Any, known: list[str]) -> Any:
        match value:
            case str():
                return self.text(value, known)
            case dict():
                return {
                    name: each if name in _IDS else self._masked(each, known) for name, each in value.items()
                }
            case list() | tuple():
                return type(value)(self._masked(each, known) for each in value)
            case _:
                return value


def _hidden(text: str, mentions: Iterable[Mention]) -> str:
    """`text` with `mentions`, which are in order, hidden."""
    parts, at = [], 0
    for kind, start, end, _ in mentions:
        value = text[start:end]
        parts += [text[at:start], masked_digits(value) if kind == EntityKind.CARD else SIGN.sub(MASK, value)]
        at = end
    return "".join((*parts, text[at:]))
