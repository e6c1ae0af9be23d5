"""What the templates show: the list, one ticket beside it, and what has just happened."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import Request

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.label import FoundBy
from ticketmill.domain.surge import SurgeRecord, SurgeState
from ticketmill.domain.ticket_id import is_usable_id, known_as
from ticketmill.entrypoints.web.page.label_queue import LabelQueue
from ticketmill.entrypoints.web.page.labels import MARKS
from ticketmill.entrypoints.web.page.listing import MOST_ENTRIES, ROWS, Entry, Listing
from ticketmill.entrypoints.web.page.overviews import Overviews
from ticketmill.entrypoints.web.page.query import ListQuery, Pair
from ticketmill.entrypoints.web.page.record import full_record
from ticketmill.entrypoints.web.page.ticket import TicketView, ticket_view
from ticketmill.entrypoints.web.page.views import ALL, COOKIE, FIXED, REVIEW, View, found_by, read_saved
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.entrypoints.web.search import search_of
from ticketmill.entrypoints.web.surges import RecentSurges
from ticketmill.learning.sampling import blinded
from ticketmill.queries.columns import COUNTED, FILTERS
from ticketmill.queries.filters import Filters
from ticketmill.queries.overview import Overview
from ticketmill.queries.own_tasks import Definitions
from ticketmill.queries.word_search import Question

log = logging.getLogger(__name__)

MAX_FACET_LABELS = 8
FACETS = ("urgency", "intent", "sentiment", "topic", "language")
"""What the list can be narrowed by with a click."""
DONE_SEPARATOR = "~"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that went wrong, told in its place. `again` is the address to look again."""

    title: str
    text: str
    kind: str = "error"
    others: tuple[str, ...] = ()
    again: str = ""


def no_such_ticket(ticket_id: str) -> Notice:
    """What the page says of an id that no row has."""
    return Notice("There is no such ticket.", f"{ticket_id} is not in the table.")


@dataclass(frozen=True, slots=True)
class Done:
    """What a person has just said, and how it is undone."""

    ticket_id: str
    told: str
    revision: int = 0
    tasks: tuple[str, ...] = ()

    def text(self) -> str:
        """As the text of an address."""
        return DONE_SEPARATOR.join([self.ticket_id, str(self.revision), ",".join(self.tasks)])

    @classmethod
    def of_text(cls, text: str, tasks: Sequence[str]) -> Done | None:
        """What an address says was done; strangers can write it, so it says nothing in words of its own."""
        ticket_id, _, rest = text.partition(DONE_SEPARATOR)
        revision, _, names = rest.partition(DONE_SEPARATOR)
        if not is_usable_id(ticket_id) or not (revision.isascii() and revision.isdigit()):
            return None
        said = tuple(name for name in names.split(",") if name in tasks)
        return cls(ticket_id, "recorded", int(revision[:18]), said)


@dataclass(frozen=True)
class Desk:
    """One request's view of everything: who asks, when, and of which list."""

    parts: WebParts
    person: str
    now: datetime
    saved: tuple[View, ...] = ()
    query: ListQuery = field(default_factory=ListQuery)
    surges: tuple[SurgeRecord, ...] = ()
    """Those that nobody has spoken of yet."""
    queue: LabelQueue | None = None
    """Where the list is that of what is worth a label most."""

    @classmethod
    def of(cls, request: Request, query: ListQuery | None = None) -> Desk:
        parts: WebParts = request.app.state.parts
        asked = query if query and (query.pairs or query.cursor) else REVIEW.query
        return cls(
            parts=parts,
            person=request.state.person,
            now=parts.now(),
            saved=read_saved(request.cookies.get(COOKIE)),
            query=asked,
            surges=open_surges_of(request),
            queue=label_queue_of(request) if asked.is_queue else None,
        )

    def frame(self, page: str) -> dict[str, Any]:
        """What every page shows around its main part."""
        return {
            "page": page,
            "person": self.person,
            "typed": "",
            "marks": MARKS,
            "now": self.now,
            "notice": None,
            "can_search": self.can_search,
            "open_surges": self.surges,
        }

    @property
    def can_search(self) -> bool:
        """Whether there may be a search index."""
        return self.parts.search is not None

    def listing(self) -> Listing:
        """A page of the list, bounded in rows and in what is looked through."""
        query = self.query
        if self.queue is not None:
            rows = self.queue.next(query.filters, query.since(self.now), ROWS)
            return Listing.of(query, [self.parts.mask.row(self.visible(row)) for row in rows], None)
        if query.words:
            return Listing.of(query, [self.parts.mask.row(row) for row in self._found()], None)
        page = self.parts.queries.list(
            query.filters,
            query.since(self.now),
            query.until(self.now),
            query.cursor,
            limit=ROWS,
            most_entries=MOST_ENTRIES,
        )
        return Listing.of(query, [self.parts.mask.row(row) for row in page.rows], page.cursor)

    def _found(self) -> list[EffectiveRow]:
        """The rows of the tickets that the words of the list find, the best first."""
        query = self.query
        since, until = query.searched_since(self.now), query.until(self.now)
        question = Question(query.words, query.filters, since, until)
        return [each.row for each in search_of(self.parts).words.find(question, ROWS).tickets]

    def is_blind(self, row: EffectiveRow) -> bool:
        """Whether what the models say of a ticket is not shown: it is an audit."""
        return self.queue is not None and self.queue.is_blind(row)

    def visible(self, row: EffectiveRow) -> EffectiveRow:
        """The row as the person may see it."""
        return blinded(row, tuple(self.parts.corrections.tasks)) if self.is_blind(row) else row

    def found_by(self, row: EffectiveRow) -> FoundBy:
        """How a ticket comes before the person."""
        return found_by(self.query) if self.queue is None else self.queue.found_by(row)

    def has_tickets(self) -> bool:
        """Whether there is any ticket."""
        page = self.parts.queries.list(Filters(), ALL.query.since(self.now), limit=1)
        return bool(page.rows)

    def list_values(
        self, listing: Listing, current: str = "", notice: Notice | None = None
    ) -> dict[str, Any]:
        """What the list shows."""
        is_start = not listing.entries and not notice and not self.has_tickets()
        return {
            "query": self.query,
            "title": self.title(),
            "widened": self._widened,
            "listing": listing,
            "current": current,
            "is_start": is_start,
            "is_review": self.query.pairs == REVIEW.query.pairs,
            "all_address": ALL.address,
            "worker": self._worker() if is_start else "",
            "now": self.now,
            "notice": notice,
        }

    def title(self) -> str:
        """The name of the list: that of its view."""
        if self.query.words:
            return "Search"
        named = (view.name for view in (*FIXED, *self.saved) if view.query.pairs == self.query.pairs)
        return next(named, "Tickets")

    def _widened(self, pair: Pair) -> str:
        """The address of the list without one of its filters."""
        left = self.query.without(pair)
        return (left if left.pairs else ALL.query).address()

    def _worker(self) -> str:
        """Whether a worker takes what waits, as the queue tells it."""
        depths, dead = self.parts.queue.depths(), self.parts.dead_letters.depths().total
        if depths.in_flight:
            told = f"One is at work (messages in flight: {depths.in_flight}, waiting: {depths.visible})."
        elif depths.total:
            told = f"None is at work (messages waiting: {depths.total})."
        else:
            told = "The queue is empty."
        return f"{told} Dead letters: {dead}, see ticketmill dlq list." if dead else told

    def views_values(self, overviews: Overviews | None) -> dict[str, Any]:
        """What the views show; with their counts where `overviews` is given."""
        overview = overviews.get((*FIXED, *self.saved)) if overviews else None
        known = {view.query.pairs for view in (*FIXED, *self.saved)}
        return {
            "query": self.query,
            "fixed": FIXED,
            "saved": self.saved,
            "is_own": self.query.pairs not in known,
            "overview": overview,
            "facets": _facets(overview, self.parts.queries.own) if overview else (),
        }

    def row(self, typed: str) -> EffectiveRow | None:
        """The row of a ticket by its id here, or by the one that its helpdesk gave it. Nothing is masked."""
        rows = (self.parts.queries.get(each) for each in known_as(typed) or ())
        return next((row for row in rows if row is not None), None)

    def ticket(self, row: EffectiveRow) -> TicketView:
        """Everything about a ticket that people may see."""
        return ticket_view(
            self.parts.mask.row(self.visible(row)),
            full_record(self.parts, row),
            self.parts.corrections.tasks,
            is_blind=self.is_blind(row),
        )

    def entry(self, row: EffectiveRow) -> Entry:
        """The entry that the list has of a row."""
        return Entry.of(self.parts.mask.row(self.visible(row)))

    def ticket_values(
        self, row: EffectiveRow | None, next_id: str | None, notice: Notice | None = None
    ) -> dict[str, Any]:
        """What the ticket's pane shows."""
        return {
            "query": self.query,
            "view": self.ticket(row) if row else None,
            "next_id": next_id,
            "ticket_notice": notice,
            "now": self.now,
            "can_search": self.can_search,
        }


def _facets(overview: Overview, own: Definitions) -> list[tuple[str, list[tuple[str, int]]]]:
    """The most frequent labels of some facets, and of your own tasks."""
    counts = overview.total.as_dict()
    named = [(name, counts.get(FILTERS[name], {})) for name in FACETS if name in FILTERS]
    named += [(name, labels) for name, labels in counts.items() if name not in COUNTED and name in own]
    return [(name, list(labels.items())[:MAX_FACET_LABELS]) for name, labels in named if labels]


def open_surges_of(request: Request) -> tuple[SurgeRecord, ...]:
    """The surges that nobody has spoken of yet; none where they cannot be read now."""
    recent: RecentSurges = request.app.state.surges
    try:
        found = recent.get()
    except TransientFailure as failure:  # the page has more to show than these
        log.warning("the page shows no surges: %s", failure)
        return ()
    now = request.app.state.parts.now()
    return tuple(each for each in found if each.state_at(now) is SurgeState.OPEN)


def label_queue_of(request: Request) -> LabelQueue:
    """What to label next, as this server keeps it."""
    state = request.app.state
    if not hasattr(state, "label_queue"):
        parts: WebParts = state.parts
        state.label_queue = LabelQueue(
            parts.queries,
            tuple(parts.corrections.tasks),
            parts.settings.audit_share,
            parts.suspects,
            parts.now,
        )
    kept: LabelQueue = state.label_queue
    return kept
