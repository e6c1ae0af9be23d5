"""Finds what the taxonomy lacks among the tickets of a stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from ticketmill.bootstrap.adapters import Adapters
from ticketmill.bootstrap.entities import make_mask
from ticketmill.bootstrap.indexed_rows import indexed_rows
from ticketmill.bootstrap.learning import learning_store_of
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.domain.gap_report import Gap, GapReport
    from ticketmill.domain.taxonomy import Label
    from ticketmill.learning.ports import LearningObjects
    from ticketmill.queries.ticket_vectors import TicketVectors
    from ticketmill.queries.tickets import TicketQueries

TASK = "intent"
MOST_TICKETS = 5000
"""The newest of a period."""
MOST_UNSURE = 2000
"""The newest of those are grouped: grouping takes the square of their number."""
SAMPLE_TEXTS = 2000
"""Of so many tickets of the period are the words that all have."""
MAX_EXAMPLE_CHARS = 1000
_GONE = frozenset({"NoSuchKey", "404"})


class EnrichedObjects(Protocol):
    """The full enrichments by their keys."""

    def get(self, key: str) -> bytes: ...


@dataclass(frozen=True)
class GapDesk:
    """Looks for gaps, keeps what was found, and makes labels of it."""

    queries: TicketQueries
    open_vectors: Callable[[], TicketVectors]
    enriched: EnrichedObjects
    objects: LearningObjects
    mask: Callable[[str], str]
    """Hides in texts what people may not see."""
    io_threads: int

    def find(self, since: datetime, now: datetime, below: float, most: int = MOST_TICKETS) -> GapReport:
        """Gaps and overlaps among the newest `most` tickets since then. A model is unsure of a ticket whose
        label has a confidence under `below`. LearningRefused where there are too few tickets."""
        from ticketmill.domain.gap_report import GapReport
        from ticketmill.queries.gaps import find_gaps, is_unsure
        from ticketmill.queries.overlaps import closeness_of, find_overlaps

        period = indexed_rows(self.queries, self.open_vectors(), since, most)
        known, matrix = period.rows, period.vectors
        doubted = [is_unsure(row, below) for row in known]
        unsure = [number for number, is_doubted in enumerate(doubted) if is_doubted][:MOST_UNSURE]
        sample = sorted({*range(min(len(known), SAMPLE_TEXTS)), *unsure})
        texts = self._texts([known[number] for number in sample])
        sure = [number for number, row in enumerate(known) if not doubted[number] and row.intent]
        return GapReport(
            at=now,
            since=since,
            task=TASK,
            tickets=len(known),
            below=below,
            unsure=sum(doubted),
            without_vector=period.without_vector,
            gaps=tuple(find_gaps(known, matrix, unsure, texts)),
            overlaps=tuple(
                find_overlaps(
                    known,
                    self._scores([known[number] for number in unsure]),
                    closeness_of(matrix[sure], [str(known[number].intent) for number in sure]),
                    TASK,
                )
            ),
        )

    def keep(self, report: GapReport) -> None:
        """Keeps a report as the last one."""
        from ticketmill.learning.gap_history import keep_gaps

        keep_gaps(self.objects, report)

    def kept(self) -> GapReport | None:
        """The last report; None where nobody has looked yet."""
        from ticketmill.learning.gap_history import kept_gaps

        return kept_gaps(self.objects)

    def label_of(self, gap: Gap, name: str, description: str, examples: int) -> Label:
        """A label with the tickets nearest the middle as examples. SetupError where none has a text now."""
        from pydantic import ValidationError

        from ticketmill.domain.taxonomy import Label

        rows = self.queries.rows_of(gap.tickets[: 2 * examples])
        texts = self._texts([row for row in rows if row.enriched_key])
        found = (texts.get(row.ticket_id, "").strip()[:MAX_EXAMPLE_CHARS] for row in rows)
        chosen = tuple(dict.fromkeys(text for text in found if text))[:examples]
        if not chosen:
            raise SetupError(f"the search index has no text of the tickets of gap {gap.id} any more")
        try:
            return Label(label=name, description=description, examples=chosen)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            raise SetupError(
                f"{name!r} cannot be a label: {fault['loc'][0]}: {fault['msg']}. A name has lower case "
                "letters, digits, '_' and '-', 48 at most, a description at most 2,000 characters"
            ) from None

    def _texts(self, rows: Sequence[EffectiveRow]) -> dict[str, str]:
        """What the writers wrote, by ticket."""
        keys = {row.enriched_key: row.ticket_id for row in rows if row.enriched_key}
        found = self.open_vectors().store.texts(list(keys))
        return {keys[key]: self.mask(text) for key, text in found.items()}

    def _scores(self, rows: Sequence[EffectiveRow]) -> dict[str, Mapping[str, float]]:
        """The probability of each label, by ticket. The rows have that of the best alone."""
        with ThreadPoolExecutor(self.io_threads) as executor:
            found = executor.map(self._scores_of, rows)
            return {row.ticket_id: scores for row, scores in zip(rows, found, strict=True) if scores}

    def _scores_of(self, row: EffectiveRow) -> Mapping[str, float]:
        try:
            body = self.enriched.get(str(row.enriched_key))
        except TransientFailure as failure:
            if failure.code in _GONE:
                return {}
            raise
        made = json.loads(body)["enrichment"].get(TASK) or {}
        scores: dict[str, float] = made.get("scores") or {}
        return scores


def make_gap_desk(settings: Settings, adapters: Adapters) -> GapDesk:
    """Over the tickets and the index of a stack. SetupError where it has no learning table yet."""
    from functools import cache, partial

    from ticketmill.bootstrap.search import open_ticket_vectors

    return GapDesk(
        queries=adapters.queries,
        open_vectors=cache(partial(open_ticket_vectors, settings)),
        enriched=adapters.enriched_tickets,
        objects=learning_store_of(settings, adapters).objects,
        mask=make_mask(settings).text,
        io_threads=settings.io_threads,
    )
