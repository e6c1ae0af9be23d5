"""The composition root: the only place that knows every part and puts them together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.aws.dynamodb import DynamoTicketRows
    from ticketmill.aws.s3 import S3EnrichedTickets, S3RawTickets
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.aws.stack import Stack
    from ticketmill.pipeline.enrich import Enricher
    from ticketmill.pipeline.process import Pipeline


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tickets live: the adapters to one stack."""

    stack: Stack
    raw_tickets: S3RawTickets
    enriched_tickets: S3EnrichedTickets
    rows: DynamoTicketRows
    queue: SqsQueue
    dead_letters: SqsQueue


def connect(settings: Settings) -> Place:
    """The adapters to the stack of the settings. SetupError where it is not there."""
    from ticketmill.aws import clients as aws_clients
    from ticketmill.aws.dynamodb import DynamoTicketRows
    from ticketmill.aws.s3 import S3EnrichedTickets, S3RawTickets
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.aws.stack import find_stack

    clients = aws_clients.connect(max_pool_connections=settings.io_threads)
    stack = find_stack(clients, settings.stack)
    return Place(
        stack=stack,
        raw_tickets=S3RawTickets(clients.s3, stack.raw_bucket),
        enriched_tickets=S3EnrichedTickets(clients.s3, stack.enriched_bucket),
        rows=DynamoTicketRows(clients.dynamodb, stack.table),
        queue=SqsQueue(clients.sqs, stack.queue_url),
        dead_letters=SqsQueue(clients.sqs, stack.dead_letter_queue_url),
    )


def load_enricher(settings: Settings) -> Enricher:
    """The models of the settings' bundle, verified. SetupError where it is missing, torn or foreign."""
    from ticketmill.ml.language import LanguageDetector

    # first of all: it loads beside the rest
    detector = LanguageDetector()

    from ticketmill.ml.bundle import load_bundle
    from ticketmill.ml.cache import CachedEncoder
    from ticketmill.ml.encoder import Encoder
    from ticketmill.ml.heads import ARRAYS_FILE, MANIFEST_FILE, load_heads
    from ticketmill.ml.rules import intent_rules, urgency_rules
    from ticketmill.pipeline import stages
    from ticketmill.pipeline.enrich import Enricher

    bundle = load_bundle(settings.bundle_dir)
    heads = load_heads({name: bundle.path(name).read_bytes() for name in (ARRAYS_FILE, MANIFEST_FILE)})
    head = heads.tasks
    return Enricher(
        encoder=CachedEncoder(Encoder(bundle, settings.threads), settings.encode_cache_bytes),
        heads=heads,
        stages=stages.Stages(
            intent=stages.intent_by_head(head["intent"])
            if settings.intent == "onepass"
            else stages.intent_by_rules(intent_rules()),
            urgency=stages.urgency_by_head(head["urgency"])
            if settings.urgency == "onepass"
            else stages.urgency_by_rules(urgency_rules()),
            sentiment=stages.sentiment_by_head(head["sentiment"]),
            topics=stages.topics_by_head(head["topics"]),
            summary=stages.extractive_summary,
            language=stages.language_by_detector(detector),
        ),
        review_below={task: head[task].spec.review_below for task in ("intent", "urgency", "sentiment")},
        models={
            "encoder": f"{bundle.manifest.encoder.name}/{bundle.manifest.encoder.precision}",
            "intent": settings.intent,
            "urgency": settings.urgency,
            "sentiment": "onepass",
            "topics": "onepass",
            "summary": "extractive",
            "language": "py3langid",
        },
        fingerprint=bundle.fingerprint,
    )


def make_pipeline(settings: Settings, place: Place, enricher: Enricher) -> Pipeline:
    """The pipeline from `place` back to it."""
    from ticketmill.aws.events import read_uploads
    from ticketmill.pipeline.process import Pipeline

    return Pipeline(
        raw_tickets=place.raw_tickets,
        enriched_tickets=place.enriched_tickets,
        rows=place.rows,
        read_event=partial(read_uploads, raw_bucket=place.stack.raw_bucket),
        enricher=enricher,
        executor=ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io"),
        max_ticket_bytes=settings.max_ticket_bytes,
    )
