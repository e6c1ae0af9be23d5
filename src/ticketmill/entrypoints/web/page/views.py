"""The views of the list: those that everybody has, and those that a person saved.

Saved views are kept in a cookie. They are a person's own, hold only filters that the address could say as
well, and work without JavaScript. They are read as strangers' input, so they need no signature.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from ticketmill.domain.label import FoundBy
from ticketmill.entrypoints.web.page.query import BadQuery, ListQuery, Pair

COOKIE = "ticketmill_views"
MAX_VIEWS = 12
MAX_NAME_CHARS = 40
MAX_COOKIE_CHARS = 3800
"""Browsers keep 4,096 bytes of name, value and attributes."""


@dataclass(frozen=True, slots=True)
class View:
    """A list with a name. `key` is the letter that follows `g`."""

    name: str
    query: ListQuery
    key: str = ""

    @property
    def address(self) -> str:
        return self.query.address()


def _fixed(key: str, name: str, *pairs: Pair) -> View:
    return View(name, ListQuery(pairs), key)


FIXED = (
    _fixed("r", "Needs review", ("review", "yes")),
    _fixed("l", "Label next", ("queue", "next")),
    _fixed("c", "Critical", ("urgency", "critical")),
    _fixed("f", "Conflicts", ("conflict", "yes")),
    _fixed("n", "Negative", ("sentiment", "negative")),
    _fixed("p", "Partial and failed", ("status", "partial"), ("status", "failed")),
    _fixed("a", "All", ("since", "30d")),
)
REVIEW, LABEL_NEXT, ALL = FIXED[0], FIXED[1], FIXED[-1]


def found_by(query: ListQuery) -> FoundBy:
    """How the tickets of a list come before a person."""
    if query.pairs == REVIEW.query.pairs:
        return FoundBy.REVIEW_QUEUE
    return FoundBy.FOUND if any(query.pairs == each.query.pairs for each in FIXED) else FoundBy.SEARCH


def read_saved(cookie: str | None) -> tuple[View, ...]:
    """The views of a cookie; what is no view is left out."""
    try:
        padded = (cookie or "").encode("ascii")
        found = json.loads(base64.urlsafe_b64decode(padded + b"=" * (-len(padded) % 4)) or b"[]")
        pairs = [(str(name), str(query)) for name, query in found]
    except (ValueError, TypeError):
        return ()
    return tuple(view for name, query in pairs[:MAX_VIEWS] if (view := _view(name, query)))


def write_saved(views: Sequence[View]) -> str:
    """The cookie of the views. BadQuery where there are too many."""
    text = json.dumps([[view.name, view.query.text()] for view in views], separators=(",", ":"))
    cookie = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    if len(views) > MAX_VIEWS or len(cookie) > MAX_COOKIE_CHARS:
        raise BadQuery(f"there is room for {MAX_VIEWS} views: remove one first")
    return cookie


def with_view(views: Sequence[View], name: str, query: ListQuery) -> tuple[View, ...]:
    """The views and one more; it replaces one of the same name. BadQuery where it has no name."""
    name = " ".join(name.split())[:MAX_NAME_CHARS]
    if not name:
        raise BadQuery("give the view a name")
    return (*(each for each in views if each.name != name), View(name, ListQuery(query.pairs)))


def _view(name: str, query: str) -> View | None:
    try:
        return View(name[:MAX_NAME_CHARS], ListQuery.of_text(query)) if name.strip() else None
    except (BadQuery, ValueError):
        return None
