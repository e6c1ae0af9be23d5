"""Counts for the views, kept for some seconds: many people who look at the page cost one count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from ticketmill.entrypoints.web.page.query import DEFAULT_DAYS
from ticketmill.entrypoints.web.page.views import View
from ticketmill.queries.overview import Overview
from ticketmill.queries.tickets import TicketQueries

MOST_ENTRIES = 10_000
"""The newest tickets are counted, and no more than these."""
KEPT_FOR = timedelta(seconds=5)
MAX_KEPT = 32


@dataclass
class Overviews:
    """The counts of views. One request counts, others wait for it."""

    queries: TicketQueries
    now: Callable[[], datetime]
    most_entries: int = MOST_ENTRIES
    kept_for: timedelta = KEPT_FOR
    _kept: dict[tuple[str, ...], tuple[datetime, Overview]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, views: Sequence[View]) -> Overview:
        """How many of the newest tickets of the last 30 days each view has."""
        lists = [view.query.filters for view in views]
        key = tuple(each.digest() for each in lists)
        with self._lock:
            now = self.now()
            made_at, overview = self._kept.get(key, (None, None))
            if made_at is not None and overview is not None and now - made_at < self.kept_for:
                return overview
            overview = self.queries.overview(lists, now - timedelta(days=DEFAULT_DAYS), self.most_entries)
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = (now, overview)
            return overview
