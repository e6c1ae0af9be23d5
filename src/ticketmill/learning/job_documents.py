"""Where the documents of a job come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from ticketmill.domain.document import Document
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Documents
from ticketmill.learning.annotations import CUSTOMER, Gathered, resolve
from ticketmill.learning.document_files import read_documents
from ticketmill.learning.documents import ProjectDocuments, document_of, readable
from ticketmill.learning.journal_annotations import TICKETS_AT_ONCE, gather_journal
from ticketmill.learning.ports import CurrentTickets, Journal
from ticketmill.learning.snapshots import Snapshots

NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class StackTickets:
    """The tickets of a stack, and what people said of them."""

    current: CurrentTickets
    journal: Journal | None
    between: Callable[[datetime, datetime | None], Iterable[str]]
    """The ids of the tickets that came since a time, and before another one."""


@dataclass(frozen=True, slots=True)
class DocumentSources:
    """Reads what a job names. A folder has no tickets."""

    snapshots: Snapshots
    projects: ProjectDocuments
    fetched: Callable[[str], AbstractContextManager[Path]]
    """A file of a uri, as a path while the block runs."""
    tickets: StackTickets | None
    tasks: Callable[[], Sequence[str]]
    """Whose labels the fields of a file may have."""

    def read(self, wanted: Documents, task: str | None) -> list[Document]:
        """The documents that have a text, each id once, with their labels of `task` where there are any.

        LearningRefused where there is none, or one cannot be read.
        """
        if wanted.dataset is not None:
            return readable(self._of_dataset(wanted.dataset, task))
        if wanted.project is not None:
            return readable(self.projects.read(wanted.project, wanted.ids))
        if wanted.uri is not None:
            with self.fetched(wanted.uri) as path:
                tasks = self.tasks() if task is None else (task,)
                return readable(list(read_documents(path, tasks, wanted.uri)))
        return readable(self._of_tickets(wanted, task))

    def _of_dataset(self, name: str, task: str | None) -> list[Document]:
        if task is None:
            raise LearningRefused(LearningCode.UNKNOWN_TASK, "a dataset belongs to a task: name it by --task")
        manifest = self.snapshots.find(task, None if name == NEWEST else name)
        return [document_of(each, task) for each in self.snapshots.load(manifest).examples]

    def _of_tickets(self, wanted: Documents, task: str | None) -> list[Document]:
        if self.tickets is None:
            raise LearningRefused(
                LearningCode.NO_DOCUMENTS, "a folder has no tickets: name a file by uri, or leave out --store"
            )
        ids: Iterable[str] = wanted.tickets or ()
        if wanted.since is not None:
            ids = self.tickets.between(wanted.since, wanted.until)
        labels = {} if task is None else self._said(self.tickets, task)
        found, left = [], iter(dict.fromkeys(ids))
        while some := list(islice(left, TICKETS_AT_ONCE)):
            for ticket_id, current in self.tickets.current.of(some).items():
                ticket = current.ticket
                if ticket is None:
                    continue
                found.append(
                    Document(
                        document_id=ticket_id,
                        subject=ticket.subject,
                        body=ticket.body,
                        source=ticket.metadata.source,
                        labels={task: labels[ticket_id]} if task and ticket_id in labels else {},
                        group=f"{CUSTOMER}{ticket.customer_id}" if ticket.customer_id else None,
                        content_hash=current.content_hash,
                    )
                )
        return found

    def _said(self, tickets: StackTickets, task: str) -> dict[str, tuple[str, ...]]:
        """The labels of people by ticket, where they hold for the content of now."""
        if tickets.journal is None:
            return {}
        gathered = Gathered()
        gather_journal(task, tickets.journal, tickets.current, gathered)
        # one label is right, or several: what stands by the rule is the same but for a tie
        found = {name: resolve(each, "single").labels for name, each in gathered.by_id.items()}
        return {name: labels for name, labels in found.items() if labels}
