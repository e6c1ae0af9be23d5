"""The composition root: the only place that knows every part and puts them together."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ticketmill.domain.model_choice import CHOICES, HubTask
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.aws.dynamodb import DynamoTicketRows
    from ticketmill.aws.s3 import S3EnrichedTickets, S3RawTickets
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.deploy.stack import Stack
    from ticketmill.domain.enrichment import IntentPrediction
    from ticketmill.encoder.bundle import Bundle
    from ticketmill.models.heads import Head
    from ticketmill.models.prototypes import Prototypes
    from ticketmill.models.topics import Blend
    from ticketmill.models.transformers.store import Located
    from ticketmill.operations.backfill import Backfill
    from ticketmill.operations.dead_letters import DeadLetters
    from ticketmill.operations.scheduled_backfill import Commands
    from ticketmill.pipeline.batch import Pipeline
    from ticketmill.pipeline.enricher import Enricher
    from ticketmill.queries.tickets import TicketQueries
    from ticketmill.tasks.stages import Stage

# settings that decide what named models say
DECISIVE_OF_HUB = (
    "hub_precision",
    "sentiment_labels",
    "intent_labels",
    "nli_candidates",
    "summary_beams",
    "summary_min_tokens",
    "summary_max_tokens",
)


@dataclass(frozen=True, slots=True)
class Adapters:
    """Where the tickets live: the adapters to one stack."""

    stack: Stack
    raw_tickets: S3RawTickets
    enriched_tickets: S3EnrichedTickets
    rows: DynamoTicketRows
    queries: TicketQueries
    queue: SqsQueue
    dead_letters: SqsQueue


def pool_size(settings: Settings) -> int:
    """The connections that a client may need at once: one for each thread that can call it."""
    receiver_and_heartbeat = 2
    return settings.io_threads + settings.worker_threads + receiver_and_heartbeat


def connect(settings: Settings) -> Adapters:
    """The adapters to the stack of the settings. SetupError where it is not there."""
    from ticketmill.aws import clients as aws_clients
    from ticketmill.aws.dynamodb import DynamoTicketRows
    from ticketmill.aws.s3 import S3EnrichedTickets, S3RawTickets
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.aws.ticket_index import DynamoTicketIndex
    from ticketmill.deploy.stack import find_stack
    from ticketmill.queries.tickets import TicketQueries

    clients = aws_clients.connect(max_pool_connections=pool_size(settings))
    stack = _named_stack(settings) or find_stack(clients, settings.stack)
    rows = DynamoTicketRows(clients.dynamodb, stack.table)
    return Adapters(
        stack=stack,
        raw_tickets=S3RawTickets(clients.s3, stack.raw_bucket),
        enriched_tickets=S3EnrichedTickets(clients.s3, stack.enriched_bucket),
        rows=rows,
        queries=TicketQueries(DynamoTicketIndex(clients.dynamodb, stack.table), rows),
        queue=SqsQueue(clients.sqs, stack.queue_url),
        dead_letters=SqsQueue(clients.sqs, stack.dead_letter_queue_url),
    )


def _named_stack(settings: Settings) -> Stack | None:
    """The stack as the settings name its parts; None where they leave that to CloudFormation."""
    from ticketmill.deploy.stack import Stack

    raw_bucket, enriched_bucket, table = settings.raw_bucket, settings.enriched_bucket, settings.table
    queue_url, dead_letter_queue_url = settings.queue_url, settings.dead_letter_queue_url
    if not (raw_bucket and enriched_bucket and queue_url and dead_letter_queue_url and table):
        return None
    return Stack(raw_bucket, enriched_bucket, queue_url, dead_letter_queue_url, table)


def load_enricher(settings: Settings) -> Enricher:
    """The models of the settings, verified, loaded and run once.

    SetupError where one is missing, torn, foreign or cannot be loaded.
    """
    # before the bundle: a wrong name is told at once
    located = located_models(settings)

    from ticketmill.text.language import LanguageDetector

    # first of all that loads: it does so beside the rest
    detector = LanguageDetector()

    from threadpoolctl import threadpool_limits

    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.encoder.cache import CachedEncoder
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.models.heads import ARRAYS_FILE, MANIFEST_FILE, load_heads
    from ticketmill.models.prototypes import load_prototypes
    from ticketmill.models.rules import urgency_rules
    from ticketmill.models.topics import TopicScorer, load_blend
    from ticketmill.pipeline.enricher import Enricher
    from ticketmill.tasks import stages

    # numpy's own threads would wait, spinning, on the cores that the encoder's threads need
    threadpool_limits(limits=1, user_api="blas")
    bundle = load_bundle(settings.bundle_dir)
    heads = load_heads({name: bundle.path(name).read_bytes() for name in (ARRAYS_FILE, MANIFEST_FILE)})
    head = heads.tasks
    prototypes, blend = load_prototypes(bundle), load_blend(bundle)
    intent, intent_review_below, intent_model = _intent_stage(settings, head["intent"], prototypes, blend)
    scorer = TopicScorer(prototypes["topics"], head["topics"], blend)
    onepass = Enricher(
        encoder=CachedEncoder(Encoder(bundle, settings.threads), settings.encode_cache_bytes),
        heads=heads,
        stages=stages.Stages(
            intent=intent,
            urgency=stages.urgency_by_head(head["urgency"])
            if settings.urgency == "onepass"
            else stages.urgency_by_rules(urgency_rules()),
            sentiment=stages.sentiment_by_head(head["sentiment"]),
            topics=stages.topics_by_scorer(scorer),
            summary=stages.extractive_summary,
            language=stages.language_by_detector(detector),
        ),
        review_below={
            "intent": intent_review_below,
            "urgency": head["urgency"].spec.review_below,
            "sentiment": head["sentiment"].spec.review_below,
        },
        models=_models(settings, bundle, intent_model),
        fingerprint=_fingerprint(settings, bundle.fingerprint, located),
    )
    if not located:
        return onepass
    # as above, for torch's threads; it is read when torch is first imported
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from ticketmill.bootstrap.named_models import with_named_models

    taxonomies = {task: each.taxonomy for task, each in prototypes.items()}
    return with_named_models(settings, onepass, located, taxonomies, scorer)


def current_fingerprint(settings: Settings) -> str:
    """The fingerprint that `load_enricher` gives, without loading a model. SetupError where there is none."""
    from ticketmill.encoder.bundle import read_manifest

    return _fingerprint(settings, read_manifest(settings.bundle_dir).fingerprint, located_models(settings))


def located_models(settings: Settings) -> dict[HubTask, Located]:
    """The files of the named models that the settings choose. SetupError where one is missing."""
    chosen = {task: choice for task in CHOICES if (choice := settings.choice(task)).model}
    if not chosen:
        return {}
    from ticketmill.models.transformers.store import locate, require_hub

    for task in chosen:
        require_hub(f"TICKETMILL_{task.upper()}")
    return {
        task: locate(choice, settings.cache_dir, f"TICKETMILL_{task.upper()}")
        for task, choice in chosen.items()
    }


def _fingerprint(settings: Settings, bundle: str, located: Mapping[HubTask, Located]) -> str:
    """12 hex digits that stand for all that decides an output; the bundle's own where nothing else does.

    A precision that is left to the processor counts as such: workers on different ones agree.
    """
    decisive: dict[str, object] = {
        task: located[task].name if task in located else settings.choice(task).kind
        for task, (default, *_) in CHOICES.items()
        if settings.choice(task).kind != default
    }
    decisive |= {} if settings.urgency == "onepass" else {"urgency": settings.urgency}
    if not decisive:
        return bundle
    decisive |= {name: getattr(settings, name) for name in DECISIVE_OF_HUB} if located else {}
    canonical = json.dumps({"bundle": bundle, **decisive}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _models(settings: Settings, bundle: Bundle, intent: str) -> dict[str, str]:
    """What serves each task, as every record says it; the embedding with its dimensions."""
    return {
        "encoder": f"{bundle.manifest.encoder.name}/{bundle.manifest.encoder.precision}",
        "embedding": f"onepass/{bundle.manifest.encoder.dimensions}",
        "intent": intent,
        "urgency": settings.urgency,
        "sentiment": "onepass",
        "topics": "onepass",
        "summary": "extractive",
        "language": "py3langid",
    }


def _intent_stage(
    settings: Settings, head: Head, prototypes: Mapping[str, Prototypes], blend: Blend
) -> tuple[Stage[IntentPrediction], float, str]:
    """What serves the intent, under which confidence a person should look, and its name.

    The head serves the taxonomy that it was trained on; any other is served by prototypes throughout,
    because the confidences of the two cannot be compared.
    """
    from ticketmill.models.rules import intent_rules
    from ticketmill.models.topics import NearestIntent
    from ticketmill.tasks import stages

    if settings.intent == "rules":
        return stages.intent_by_rules(intent_rules()), head.spec.review_below, "rules"
    if set(prototypes["intent"].taxonomy.names) == set(head.spec.labels):
        return stages.intent_by_head(head), head.spec.review_below, "onepass"
    nearest = NearestIntent(prototypes["intent"], blend)
    return stages.intent_by_prototypes(nearest), nearest.review_below, "prototypes"


def make_pipeline(settings: Settings, place: Adapters, enricher: Enricher) -> Pipeline:
    """The pipeline from `place` back to it."""
    from ticketmill.aws.events import read_uploads
    from ticketmill.pipeline.batch import Pipeline

    executor = ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io")
    return Pipeline(
        raw_tickets=place.raw_tickets,
        enriched_tickets=place.enriched_tickets,
        rows=place.rows,
        read_event=partial(read_uploads, raw_bucket=place.stack.raw_bucket),
        enricher=enricher,
        executor=executor,
        max_ticket_bytes=settings.max_ticket_bytes,
        commands=_commands(place, make_backfill(settings, place, enricher.fingerprint, executor)),
    )


def make_backfill(settings: Settings, place: Adapters, fingerprint: str, executor: Executor) -> Backfill:
    """What `place` holds, for enriching it by the bundle of that fingerprint; requests go by `executor`."""
    from ticketmill.operations.backfill import Backfill

    return Backfill(
        bucket_name=place.stack.raw_bucket,
        bucket=place.raw_tickets,
        rows=place.rows,
        executor=executor,
        fingerprint=fingerprint,
        max_ticket_bytes=settings.max_ticket_bytes,
    )


def _commands(place: Adapters, backfill: Backfill) -> Commands:
    from ticketmill.aws.events import announcement, command, read_command
    from ticketmill.operations.scheduled_backfill import Commands

    return Commands(
        read=read_command,
        write=command,
        backfill=backfill,
        announce=partial(announcement, place.stack.raw_bucket),
        send_many=place.queue.send_many,
        waiting=lambda: place.queue.depths().visible,
    )


def make_dead_letters(settings: Settings, place: Adapters) -> DeadLetters:
    """What could not be worked off in `place`."""
    from ticketmill.aws.events import announced
    from ticketmill.operations.dead_letters import DeadLetters

    return DeadLetters(
        queue=place.dead_letters,
        send=place.queue.send,
        rows=place.rows,
        raw_tickets=place.raw_tickets,
        read_event=partial(announced, raw_bucket=place.stack.raw_bucket),
        executor=ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io"),
        max_ticket_bytes=settings.max_ticket_bytes,
    )
