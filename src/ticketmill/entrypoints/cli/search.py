"""`ticketmill search` and `similar`: tickets by what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.filters import (
    check_filters,
    refuse_unknown_labels,
    with_filters,
    with_own_tasks,
)
from ticketmill.entrypoints.cli.output import (
    ExitCode,
    answer_json,
    counted,
    examples,
    say,
    table,
)
from ticketmill.entrypoints.cli.results import (
    MinConfidence,
    NeedsReview,
    Where,
    listed_field,
    what_it_says,
)
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

if TYPE_CHECKING:
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.queries.similar import SimilarTicket

MOST_TICKETS = 200

SEARCH_EPILOG = examples(
    'ticketmill search "card declined abroad since yesterday"',
    'ticketmill search "E51" --urgency high --since 7d --json',
)
SIMILAR_EPILOG = examples("ticketmill similar TKT-001", "ticketmill similar TKT-001 --since 30d --json")

Since = Annotated[str | None, typer.Option(help=f"Received since then: {EXPECTED}. Else of any time.")]
Until = Annotated[str | None, typer.Option(help="Received before then.")]
Limit = Annotated[int, typer.Option(min=1, max=MOST_TICKETS, help="The best so many.")]


@with_filters
def search(
    words: Annotated[str, typer.Argument(help="What to look for: a question, words, or a code.")],
    where: Where = None,
    min_confidence: MinConfidence = None,
    needs_review: NeedsReview = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One ticket a line, for programs.")] = False,
    **labels: list[str] | None,
) -> None:
    """Find tickets by a question in words, the best first.

    It finds what means the same and what has the same words. A filter that is given twice means either.
    """
    from ticketmill import bootstrap
    from ticketmill.bootstrap.search import open_search, question_encoder
    from ticketmill.queries.filters import Filters
    from ticketmill.queries.word_search import Question
    from ticketmill.settings import load_settings

    if not words.strip():
        raise typer.BadParameter("expected words to look for", param_hint="WORDS")
    wanted = check_filters(labels, where, min_confidence, needs_review)
    start, end = (None if each is None else parse_since(each) for each in (since, until))
    settings = load_settings()
    queries = bootstrap.connect_queries(settings)
    filters = Filters(with_own_tasks(wanted, where or (), queries.own), min_confidence)
    finder = open_search(settings, queries, question_encoder(settings)).words
    result = finder.find(Question(words, filters, start, end), limit)
    mask = bootstrap.make_mask(settings)
    if not result.tickets:
        _say_if_empty(finder.vectors.store.count())
        oldest = start or finder.oldest()
        refuse_unknown_labels(wanted, settings.bundle_dir, lambda name: queries.known_labels(name, oldest))
    found = [(each.score, mask.row(each.row)) for each in result.tickets]
    if as_json:
        for score, row in found:
            answer_json({"score": round(score, 4), "ticket": row.model_dump(mode="json", exclude_none=True)})
    else:
        _answer_found(found)
    if not result.is_complete:
        say("there may be more: few tickets pass the filters; give --since or another filter")


def similar(
    ticket_id: Annotated[str, typer.Argument(help="The ticket's id, as in TKT-001 or '#1042'.")],
    since: Since = None,
    until: Until = None,
    limit: Limit = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One ticket a line, for programs.")] = False,
) -> None:
    """Show the tickets that are most like one, what was decided of them, and the words they share.

    `now` came within seven days of the ticket, `past` before and `later` after. Exit code 5 where there is
    no such ticket, or where the search index does not have it yet.
    """
    from ticketmill import bootstrap
    from ticketmill.bootstrap.search import open_similar
    from ticketmill.settings import load_settings

    start, end = (None if each is None else parse_since(each) for each in (since, until))
    settings = load_settings()
    queries = bootstrap.connect_queries(settings)
    row = queries.find(ticket_id)
    if row is None:
        say(f"no ticket {ticket_id}; `ticketmill list` shows the newest")
        raise typer.Exit(ExitCode.NOT_FOUND)
    found = open_similar(settings, queries).of(row, limit, start, end)
    if found is None:
        say(f"{row.ticket_id} {why_not_indexed(row)}")
        raise typer.Exit(ExitCode.NOT_FOUND)
    mask = bootstrap.make_mask(settings)
    told = [(each, mask.row(each.row)) for each in found]
    if as_json:
        for each, shown in told:
            answer_json({**each.about(), "ticket": shown.model_dump(mode="json", exclude_none=True)})
    else:
        _answer_similar(row.ticket_id, told)


def why_not_indexed(row: EffectiveRow) -> str:
    """Why the index lacks a ticket, and what to do, ready to follow its id."""
    if row.enriched_key is None:
        return "has no enrichment, so nothing is like it; `ticketmill show` says why"
    return "is not in the search index; `ticketmill index status` says what waits"


def _say_if_empty(entries: int) -> None:
    if entries == 0:
        say("the search index is empty: `ticketmill index status` says why")


def _answer_found(found: list[tuple[float, EffectiveRow]]) -> None:
    rows = [
        (row.ticket_id, f"{score:.2f}", _day(row), _labels(row), what_it_says(row)) for score, row in found
    ]
    title = f"{counted(len(rows), 'ticket')}, the best first"
    table(title, ("ticket", "score", "received", "labels", "summary"), rows)


def _answer_similar(ticket_id: str, found: list[tuple[SimilarTicket, EffectiveRow]]) -> None:
    from ticketmill.queries.similar import When

    rows = [
        (
            *(each.when, row.ticket_id, f"{each.score:.2f}", _day(row), _decided(each, row)),
            *(", ".join(each.words), what_it_says(row)),
        )
        for when in When
        for each, row in found
        if each.when is when
    ]
    columns = ("when", "ticket", "score", "received", "what was decided", "shared words", "summary")
    table(f"{counted(len(rows), 'ticket')} like {ticket_id}", columns, rows)


def _labels(row: EffectiveRow) -> str:
    """The effective labels in a line."""
    from ticketmill.queries.columns import LISTED

    return ", ".join(str(told) for name in LISTED if (told := listed_field(row, name)))


def _decided(each: SimilarTicket, row: EffectiveRow) -> str:
    reference = f", duplicate of {each.duplicate_of}" if each.duplicate_of else ""
    return f"{_labels(row)}{reference}"


def _day(row: EffectiveRow) -> str:
    return f"{row.received_at:%Y-%m-%d}"
