"""What follows when this process changes a row: no kept answer is older, and who listens is told at once."""

from __future__ import annotations

from fastapi import Request

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.entrypoints.web.answers import Answers
from ticketmill.entrypoints.web.feed import Feed


def make_known(request: Request, row: EffectiveRow) -> None:
    """Forgets the lists that are kept, and announces `row`. May be called in any thread."""
    answers: Answers = request.app.state.answers
    feed: Feed = request.app.state.feed
    answers.clear()
    feed.notice(row)
