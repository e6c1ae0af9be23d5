"""Summary: the ticket in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING

from ticketmill.domain.labels import Source
from ticketmill.tasks.stage import EncodedTicket, Fallback, Loaded, Stage, texts_of
from ticketmill.tasks.task import Column, Lines, Task

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import Summary
    from ticketmill.domain.row import TicketRow
    from ticketmill.models.transformers.summarizer import Generated, Summarizer

NAME = "summary"
MAX_ROW_CHARS = 2000


def extractive() -> Stage[Summary]:
    """The sentences of the ticket that stand closest to the whole."""
    from ticketmill.domain.enrichment import Summary
    from ticketmill.models.extractive_summary import display, summarize

    def predict(tickets: Sequence[EncodedTicket]) -> list[Summary]:
        predictions = []
        for each in tickets:
            reading, encoded = each.reading, each.encoded
            chosen = summarize(reading.subject, reading.body, encoded.token_states, encoded.offsets)
            predictions.append(
                Summary(
                    text=chosen.text,
                    display=display(chosen.text),
                    source=chosen.source,
                    confidence=chosen.confidence,
                    compression=round(len(each.ticket.body) / max(len(chosen.text), 1), 2),
                )
            )
        return predictions

    return predict


def by_summarizer(summarizer: Summarizer, short: Stage[Summary]) -> Loaded[Summary | Fallback[Summary]]:
    """What a named model writes; `short` serves tickets of so few words that there is nothing to sum up."""
    from ticketmill.models.extractive_summary import MIN_BODY_WORDS
    from ticketmill.text.scripts import count_words

    def predict(tickets: Sequence[EncodedTicket]) -> list[Summary | Fallback[Summary]]:
        is_long = [count_words(each.reading.body) >= MIN_BODY_WORDS for each in tickets]
        long = list(compress(tickets, is_long))
        others = list(compress(tickets, (not each for each in is_long)))
        written = map(_written, long, summarizer.summarize(texts_of(long)) if long else ())
        shown = iter(short(others) if others else ())
        return [next(written) if each else next(shown) for each in is_long]

    return Loaded(summarizer.resident_mb, predict)


def _written(ticket: EncodedTicket, generated: Generated) -> Summary:
    from ticketmill.domain.enrichment import Summary
    from ticketmill.models.extractive_summary import display

    return Summary(
        text=generated.text,
        display=display(generated.text),
        source=Source.HUB,
        confidence=generated.grounded,
        compression=round(len(ticket.ticket.body) / len(generated.text), 2),
        truncated=generated.truncated,
    )


def _row_lines(row: TicketRow) -> Lines:
    return [(NAME, row.summary)] if row.summary else []


TASK: Task[Summary] = Task(
    name=NAME,
    columns=(
        Column(NAME, lambda prediction: prediction.text[:MAX_ROW_CHARS], in_csv=True),
        Column("summary_display", lambda prediction: prediction.display),
        Column("summary_source", lambda prediction: prediction.source),
    ),
    is_listed=True,
    measured="summary",
    row_lines=_row_lines,
)
