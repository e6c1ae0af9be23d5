"""What operations ask of the world, beside the ports of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.label import Correction
from ticketmill.domain.message import ListedObject, ObjectVersion
from ticketmill.domain.row import FoundRows, TicketRow
from ticketmill.pipeline.ports import RawTickets


class RawKeys(Protocol):
    """The keys of the raw bucket, whether a rule announces them or not."""

    def keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Every key under `prefix` that comes after `after`, in order, listed as they are taken."""
        ...


class RawBucket(RawTickets, Protocol):
    """The raw bucket, for walking through it."""

    def walk(self, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """The tickets under `prefix` whose keys come after `after`, in the order of their keys."""
        ...

    def look(self, key: str) -> ListedObject | None:
        """The object at `key`, None where there is none."""
        ...


class Checkpoints(Protocol):
    """How far each run of backfill messages has come."""

    def advance(self, run: str, token: str, from_key: str, to_key: str) -> bool:
        """Moves the checkpoint of `run` from `from_key` to `to_key`, in the name of the message `token`.

        True for the message that moved it, and again for later deliveries of that message until another
        message moves it on. False for every other message: another one has the rest of the run.
        """
        ...


class CurrentRows(Protocol):
    """The rows by id, read consistently."""

    def get(self, ticket_id: str) -> TicketRow | None: ...

    def get_many(self, ticket_ids: Iterable[str]) -> FoundRows: ...


class TaskDefinitionStore(Protocol):
    """The tasks that people added."""

    def task_definitions(self) -> list[TaskDefinition]: ...

    def define_task(self, task: TaskDefinition) -> None:
        """Adds a task, or gives one that is there its labels of now."""
        ...

    def remove_task(self, name: str) -> None:
        """Removes a task. One that is not there is no error."""
        ...


class LabelJournal(Protocol):
    """All corrections, each for ever."""

    def of_ticket(self, ticket_id: str) -> list[Correction]:
        """A ticket's corrections in the order of their numbers, read consistently."""
        ...

    def walk(self) -> Iterator[Correction]:
        """Every correction; those of a ticket stand together, in the order of their numbers."""
        ...

    def append(self, corrections: Sequence[Correction], row: TicketRow, replaces: TicketRow) -> bool:
        """Appends `corrections` and writes `person`, facets and revision of `row`, both or neither.

        False, and nothing written, where the row is not `replaces` any more, or a number is taken. Without
        `corrections` only the row is written. A write that arrived though its answer was lost, and was sent
        again, is ours: True.
        """
        ...


class ObjectVersions(Protocol):
    """The objects of a bucket with every version."""

    def under(self, prefix: str) -> Iterator[ObjectVersion]:
        """The versions and the delete markers of the objects whose keys begin with `prefix`."""
        ...

    def body(self, version: ObjectVersion) -> bytes | None:
        """What a version holds; None where it is gone."""
        ...

    def delete(self, versions: Sequence[ObjectVersion]) -> int:
        """Deletes versions for good, and delete markers; how many versions it were."""
        ...


class ErasableRows(Protocol):
    """The rows, for removing one."""

    def get_many(self, ticket_ids: Iterable[str]) -> FoundRows: ...

    def delete(self, ticket_id: str) -> bool:
        """Removes a row with all that anybody wrote on it. False where there was none."""
        ...


class ErasableJournal(Protocol):
    """The journal, for removing what was said of one ticket."""

    def of_ticket(self, ticket_id: str) -> list[Correction]: ...

    def remove(self, ticket_id: str) -> int:
        """Removes a ticket's corrections; how many there were."""
        ...
