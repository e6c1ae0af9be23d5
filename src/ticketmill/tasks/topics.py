"""Topics: what a ticket is about, up to three labels of the taxonomy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ticketmill.domain.labels import Source
from ticketmill.tasks.classification import DECIMALS
from ticketmill.tasks.entailment import ENTAILED_FROM, ask
from ticketmill.tasks.margin import of_thresholds
from ticketmill.tasks.stage import EncodedTicket, Loaded, Rank, Stage, embeddings_of, features_of
from ticketmill.tasks.task import Column, Lines, Task, with_confidence

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.domain.enrichment import TopicPrediction
    from ticketmill.domain.row import TicketRow
    from ticketmill.domain.ticket import Ticket
    from ticketmill.models.topics import TopicScorer
    from ticketmill.models.transformers.zero_shot import ZeroShot
    from ticketmill.tasks.learned import Chosen

NAME = "topics"
MAX_TAGS = 3
MAX_LABEL_CHARS = 256
"""Of a topic on the row: one that stands in is a tag of the ticket's own, of any length."""

Topics = tuple["TopicPrediction", ...]


class Judged(tuple["TopicPrediction", ...]):
    """Topics that were chosen by a threshold."""

    margin: float | None = None
    """How far the nearest probability of any topic is from that threshold."""

    @classmethod
    def of(cls, topics: Topics, margin: float | None) -> Judged:
        """`topics` with their margin."""
        judged = cls(topics)
        judged.margin = margin
        return judged


def by_scorer(scorer: TopicScorer) -> Stage[Topics]:
    """The topics above the taxonomy's threshold; without any, the ticket's own tags as a fallback.

    A text that says nothing is about nothing.
    """
    from ticketmill.domain.enrichment import TopicPrediction

    def judge(row: Floats, ticket: EncodedTicket) -> Topics:
        if not ticket.reading.says_something:
            return of_tags(ticket.ticket)
        topics = tuple(
            TopicPrediction(label=label, confidence=round(confidence, DECIMALS), source=source)
            for label, confidence, source in scorer.best(row)
        )
        return Judged.of(topics or of_tags(ticket.ticket), of_thresholds(row.tolist(), scorer.threshold))

    def predict(tickets: Sequence[EncodedTicket]) -> list[Topics]:
        return [judge(*each) for each in zip(rank_by_scorer(scorer)(tickets), tickets, strict=True)]

    return predict


def rank_by_scorer(scorer: TopicScorer) -> Rank:
    """How near each topic is to each ticket."""
    return lambda tickets: scorer.probabilities(embeddings_of(tickets), features_of(tickets))


def by_entailment(
    model: ZeroShot, labels: Sequence[str], rank: Rank, candidates: int, top_k: int
) -> Loaded[Topics]:
    """The `top_k` labels that follow best from the text; without any, the ticket's own tags."""
    from ticketmill.domain.enrichment import TopicPrediction

    def predict(tickets: Sequence[EncodedTicket]) -> list[Topics]:
        predictions = []
        for each, verdict in zip(tickets, ask(model, tickets, labels, rank, candidates), strict=True):
            best = sorted(zip(verdict.labels, verdict.alone, strict=True), key=lambda pair: -pair[1])[:top_k]
            entailed = tuple(
                TopicPrediction(label=label, confidence=min(round(score, DECIMALS), 1.0), source=Source.HUB)
                for label, score in best
                if score >= ENTAILED_FROM
            )
            predictions.append(entailed or of_tags(each.ticket))
        return predictions

    return Loaded(model.resident_mb, predict)


def of_learned(ticket: EncodedTicket, chosen: Chosen) -> Topics:
    """The topics of a learned version, three at most; without any, the ticket's own tags as a fallback."""
    from ticketmill.domain.enrichment import TopicPrediction

    if not ticket.reading.says_something:
        return of_tags(ticket.ticket)
    topics = tuple(
        TopicPrediction(label=label, confidence=confidence, source=Source.LEARNED)
        for label, confidence in chosen.labels[:MAX_TAGS]
    )
    return Judged.of(topics or of_tags(ticket.ticket), chosen.margin)


def by_tags(tickets: Sequence[EncodedTicket]) -> list[Topics]:
    """The tickets' own tags in the place of topics."""
    return [of_tags(each.ticket) for each in tickets]


def of_tags(ticket: Ticket) -> Topics:
    """The ticket's own tags, three at most, as a fallback."""
    from ticketmill.domain.enrichment import TopicPrediction
    from ticketmill.domain.ticket import has_text

    tags = [tag for tag in dict.fromkeys(ticket.metadata.tags) if has_text(tag)][:MAX_TAGS]
    return tuple(TopicPrediction(label=tag, confidence=0.0, source=Source.FALLBACK) for tag in tags)


def _cut(topics: Topics) -> Topics:
    return tuple(each.model_copy(update={"label": each.label[:MAX_LABEL_CHARS]}) for each in topics)


def _row_lines(row: TicketRow) -> Lines:
    return [(NAME, ", ".join(map(_told, row.topics)))] if row.topics else []


def _told(topic: TopicPrediction) -> str:
    if topic.source == Source.FALLBACK:
        return f"{topic.label} (tag)"
    return with_confidence(topic.label, topic.confidence)


TASK: Task[Topics] = Task(
    name=NAME,
    columns=(Column(NAME, _cut, in_csv=True),),
    label=NAME,
    option="topic",
    is_listed=True,
    is_correctable=True,
    of_learned=of_learned,
    measured="tags",
    row_lines=_row_lines,
)
