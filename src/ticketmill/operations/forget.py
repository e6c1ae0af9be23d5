"""Forgetting a ticket: each place that has something of it removes it, and then says what is left.

What finds the rest goes last: features are found by the texts of datasets, raw and enriched objects; raw
objects by the row; the journal stands until nothing of the ticket is left that its labels are about. So a run
that was interrupted is continued by another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ticketmill.domain.enrichment import read_enriched
from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.keys import enriched_prefix, id_of_key, raw_key
from ticketmill.domain.message import ObjectVersion
from ticketmill.domain.row import TicketRow
from ticketmill.domain.ticket import Ticket
from ticketmill.operations.ports import ErasableJournal, ErasableRows, ObjectVersions
from ticketmill.pipeline.ports import ParseTicket


@dataclass(frozen=True, slots=True)
class Traces:
    """What finds everything that was made of a ticket."""

    ticket_id: str
    raw_keys: tuple[str, ...] = ()
    """The keys that it was uploaded under, as far as they are known."""
    contents: tuple[Ticket, ...] = field(default=(), repr=False)
    """What it has said, as far as that is still there."""


class Holder(Protocol):
    """A place that keeps something of tickets. Whoever adds such a place adds its holder."""

    @property
    def name(self) -> str:
        """What it keeps, for people, as in `enriched objects`."""
        ...

    def remove(self, traces: Traces) -> int:
        """Removes all of a ticket; how many things it were. What is gone already is no fault."""
        ...

    def left(self, traces: Traces) -> list[str]:
        """The names of what is still there."""
        ...


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done, and what is left: nothing, where all went well."""

    ticket_id: str
    removed: dict[str, int]
    """By the name of the holder."""
    left: dict[str, list[str]]
    trained_with_it: tuple[str, ...]
    """Learned versions whose datasets had it, as in `intent/v3`. They stay: their weights are made of all
    examples together."""

    @property
    def is_complete(self) -> bool:
        return not self.left


@dataclass(frozen=True, slots=True)
class Forget:
    """All holders of a place, in the order in which they remove."""

    trace: Callable[[str], Traces]
    holders: Sequence[Holder]
    trained_with: Callable[[str], Iterable[str]]
    """The learned versions whose datasets have a ticket."""

    def __call__(self, ticket_id: str) -> Forgotten:
        """Forgets a ticket. Raises TransientFailure where a place fails; then run it again."""
        traces = self.trace(ticket_id)
        trained = tuple(self.trained_with(ticket_id))
        removed = {each.name: each.remove(traces) for each in self.holders}
        left = {each.name: found for each in self.holders if (found := each.left(traces))}
        return Forgotten(ticket_id, removed, left, trained)


@dataclass(frozen=True, slots=True)
class TicketTraces:
    """What row and buckets tell of a ticket."""

    rows: ErasableRows
    raw: RawObjects
    enriched: EnrichedObjects
    more_raw_keys: Sequence[str] = ()
    """Keys that a person knows it was uploaded under before."""

    def __call__(self, ticket_id: str) -> Traces:
        row = self.rows.get_many([ticket_id]).get(ticket_id)
        keys = dict.fromkeys([*_keys_of(row), raw_key(ticket_id), *self.more_raw_keys])
        traces = Traces(ticket_id, tuple(keys))
        contents = [*self.raw.contents(traces), *self.enriched.contents(traces)]
        return Traces(ticket_id, tuple(keys), tuple(contents))


@dataclass(frozen=True, slots=True)
class RawObjects:
    """The uploads of a ticket, every version. A key may have had other tickets too: their versions stay."""

    versions: ObjectVersions
    parse: ParseTicket
    max_ticket_bytes: int

    @property
    def name(self) -> str:
        return "raw objects"

    def remove(self, traces: Traces) -> int:
        return self.versions.delete([version for version, _ in self._of(traces)])

    def left(self, traces: Traces) -> list[str]:
        return [_named(version) for version, _ in self._of(traces)]

    def contents(self, traces: Traces) -> Iterator[Ticket]:
        """What the ticket has said."""
        return (ticket for _, ticket in self._of(traces) if ticket is not None)

    def _of(self, traces: Traces) -> Iterator[tuple[ObjectVersion, Ticket | None]]:
        """The ticket's versions; with a key's last version goes what says that it was deleted."""
        for key in traces.raw_keys:
            stored = [each for each in self.versions.under(key) if each.key == key]
            markers = [each for each in stored if each.is_delete_marker]
            uploads = [(each, self._read(each)) for each in stored if not each.is_delete_marker]
            own = [(each, ticket) for each, (name, ticket) in uploads if name == traces.ticket_id]
            yield from own
            if len(own) == len(uploads):
                yield from ((each, None) for each in markers)

    def _read(self, version: ObjectVersion) -> tuple[str, Ticket | None]:
        """Whose it is, and the ticket where it is one. What cannot be read belongs to its key."""
        body = self.versions.body(version) if version.size_bytes <= self.max_ticket_bytes else None
        try:
            ticket = None if body is None else self.parse(body, self.max_ticket_bytes)
        except TicketRejected as rejected:
            return rejected.ticket_id or id_of_key(version.key), None
        return (id_of_key(version.key), None) if ticket is None else (ticket.ticket_id, ticket)


@dataclass(frozen=True, slots=True)
class EnrichedObjects:
    """The enrichments of a ticket, every version."""

    versions: ObjectVersions

    @property
    def name(self) -> str:
        return "enriched objects"

    def remove(self, traces: Traces) -> int:
        return self.versions.delete(self._of(traces))

    def left(self, traces: Traces) -> list[str]:
        return [_named(each) for each in self._of(traces)]

    def contents(self, traces: Traces) -> Iterator[Ticket]:
        """What the ticket has said."""
        for version in self._of(traces):
            body = None if version.is_delete_marker else self.versions.body(version)
            try:
                if body is not None:
                    yield read_enriched(body)
            except ValueError:
                continue  # nothing that features were made of

    def _of(self, traces: Traces) -> list[ObjectVersion]:
        return list(self.versions.under(enriched_prefix(traces.ticket_id)))


@dataclass(frozen=True, slots=True)
class Rows:
    """The row of a ticket."""

    rows: ErasableRows

    @property
    def name(self) -> str:
        return "row"

    def remove(self, traces: Traces) -> int:
        return int(self.rows.delete(traces.ticket_id))

    def left(self, traces: Traces) -> list[str]:
        found = self.rows.get_many([traces.ticket_id])
        return [*found, *found.unreadable]


@dataclass(frozen=True, slots=True)
class Journal:
    """What people said of a ticket, with their remarks."""

    journal: ErasableJournal

    @property
    def name(self) -> str:
        return "corrections"

    def remove(self, traces: Traces) -> int:
        return self.journal.remove(traces.ticket_id)

    def left(self, traces: Traces) -> list[str]:
        said = self.journal.of_ticket(traces.ticket_id)
        return [f"correction {each.number}" for each in said]


def counts(forgotten: Forgotten) -> Mapping[str, int]:
    """What was removed, without the places that had nothing."""
    return {name: count for name, count in forgotten.removed.items() if count}


def _keys_of(row: TicketRow | None) -> list[str]:
    """The keys that a row names."""
    if row is None:
        return []
    others = [each.key for each in (row.rejection, row.failure) if each is not None]
    return [row.raw.key, *others]


def _named(version: ObjectVersion) -> str:
    return f"{version.key} ({version.version_id})"
