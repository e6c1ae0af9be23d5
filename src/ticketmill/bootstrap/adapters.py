"""Builds the adapters to one stack."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.aws.checkpoints import DynamoCheckpoints
    from ticketmill.aws.clients import Clients
    from ticketmill.aws.deliveries import DynamoDeliveries
    from ticketmill.aws.dynamodb import DynamoTicketRows
    from ticketmill.aws.label_journal import DynamoLabelJournal
    from ticketmill.aws.s3 import S3EnrichedTickets, S3RawTickets
    from ticketmill.aws.serving import DynamoServingDecisions
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.aws.versions import S3ObjectVersions
    from ticketmill.deploy.stack import Stack
    from ticketmill.domain.dataset import TaskDefinition
    from ticketmill.learning.store import LearningStore
    from ticketmill.queries.tickets import TicketQueries

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Adapters:
    """Where the tickets live: the adapters to one stack."""

    stack: Stack
    raw_tickets: S3RawTickets
    enriched_tickets: S3EnrichedTickets
    rows: DynamoTicketRows
    checkpoints: DynamoCheckpoints
    queries: TicketQueries
    serving: DynamoServingDecisions
    deliveries: DynamoDeliveries
    queue: SqsQueue
    dead_letters: SqsQueue
    raw_versions: S3ObjectVersions
    enriched_versions: S3ObjectVersions
    label_journal: DynamoLabelJournal | None
    """None where the stack has no learning table yet."""
    learning: LearningStore | None
    """The same."""


def connect_clients(settings: Settings) -> tuple[Clients, Stack]:
    """The clients, and the names of the stack's parts. SetupError where it is not there."""
    from ticketmill.aws import clients as aws_clients
    from ticketmill.deploy.stack import find_stack

    clients = aws_clients.connect(max_pool_connections=pool_size(settings))
    return clients, _named_stack(settings) or find_stack(clients, settings.stack)


def pool_size(settings: Settings) -> int:
    """The connections that a client may need at once: one for each thread that can call it."""
    receiver_and_heartbeat = 2
    return settings.io_threads + settings.worker_threads + receiver_and_heartbeat


def connect(settings: Settings) -> Adapters:
    """The adapters to the stack of the settings. SetupError where it is not there."""
    from ticketmill.aws import clients as aws_clients
    from ticketmill.aws.checkpoints import DynamoCheckpoints
    from ticketmill.aws.deliveries import DynamoDeliveries
    from ticketmill.aws.dynamodb import DynamoTicketRows
    from ticketmill.aws.s3 import S3EnrichedTickets, S3RawTickets
    from ticketmill.aws.serving import DynamoServingDecisions
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.aws.versions import S3ObjectVersions
    from ticketmill.deploy.stack import find_stack

    clients = aws_clients.connect(max_pool_connections=pool_size(settings))
    stack = _named_stack(settings) or find_stack(clients, settings.stack)
    return Adapters(
        stack=stack,
        raw_tickets=S3RawTickets(clients, stack.raw_bucket),
        enriched_tickets=S3EnrichedTickets(clients, stack.enriched_bucket),
        checkpoints=DynamoCheckpoints(clients.dynamodb, stack.table),
        rows=DynamoTicketRows(clients.dynamodb, stack.table),
        queries=_queries(clients, stack, settings),
        serving=DynamoServingDecisions(clients.dynamodb, stack.table),
        deliveries=DynamoDeliveries(clients.dynamodb, stack.table),
        queue=SqsQueue(clients.sqs, stack.queue_url),
        dead_letters=SqsQueue(clients.sqs, stack.dead_letter_queue_url),
        raw_versions=S3ObjectVersions(clients.s3, stack.raw_bucket),
        enriched_versions=S3ObjectVersions(clients.s3, stack.enriched_bucket),
        label_journal=_label_journal(clients, stack, settings),
        learning=_learning_store(clients, stack, settings),
    )


def connect_queries(settings: Settings) -> TicketQueries:
    """What people ask of the tickets; makes no client but those that it needs."""
    from ticketmill.aws import clients as aws_clients
    from ticketmill.deploy.stack import find_stack

    clients = aws_clients.connect(max_pool_connections=pool_size(settings))
    stack = _named_stack(settings) or find_stack(clients, settings.stack)
    return _queries(clients, stack, settings)


def _queries(clients: Clients, stack: Stack, settings: Settings) -> TicketQueries:
    from ticketmill.aws.dynamodb import DynamoTicketRows
    from ticketmill.aws.ticket_index import DynamoTicketIndex
    from ticketmill.queries.own_tasks import OwnTasks
    from ticketmill.queries.tickets import TicketQueries

    rows = DynamoTicketRows(clients.dynamodb, stack.table)
    own = OwnTasks(partial(_task_definitions, clients, settings.learning_table or stack.learning_table))
    return TicketQueries(DynamoTicketIndex(clients.dynamodb, stack.table), rows, own=own)


def _task_definitions(clients: Clients, learning_table: str | None) -> list[TaskDefinition]:
    """Your own tasks. None on a stack without a learning table, and for a role that may not read it."""
    from ticketmill.aws.learning_items import DynamoLearningItems
    from ticketmill.domain.errors import TransientFailure
    from ticketmill.learning.records import DatasetRecords

    if not learning_table:
        return []
    try:
        return DatasetRecords(DynamoLearningItems(clients.dynamodb, learning_table)).task_definitions()
    except TransientFailure as failure:
        if failure.code != "AccessDeniedException":
            raise
        logger.warning("your own tasks are left out: the role needs dynamodb:Query on %s", learning_table)
        return []


def _label_journal(clients: Clients, stack: Stack, settings: Settings) -> DynamoLabelJournal | None:
    from ticketmill.aws.label_journal import DynamoLabelJournal

    learning_table = settings.learning_table or stack.learning_table
    return DynamoLabelJournal(clients.dynamodb, learning_table, stack.table) if learning_table else None


def _learning_store(clients: Clients, stack: Stack, settings: Settings) -> LearningStore | None:
    from ticketmill.aws.learning_items import DynamoLearningItems
    from ticketmill.aws.learning_objects import S3LearningObjects
    from ticketmill.learning.store import learning_store

    learning_table = settings.learning_table or stack.learning_table
    if not learning_table:
        return None
    objects = S3LearningObjects(clients.s3, stack.enriched_bucket)
    return learning_store(objects, DynamoLearningItems(clients.dynamodb, learning_table))


def reindex(settings: Settings) -> Iterator[bool]:
    """Puts the rows of older versions into the indexes; of each, whether it is there now."""
    from ticketmill.aws import clients as aws_clients
    from ticketmill.aws import reindex as rows
    from ticketmill.deploy.stack import find_stack

    clients = aws_clients.connect()
    stack = _named_stack(settings) or find_stack(clients, settings.stack)
    return rows.reindex(clients.dynamodb, stack.table)


def _named_stack(settings: Settings) -> Stack | None:
    """The stack as the settings name its parts; None where they leave that to CloudFormation."""
    from ticketmill.deploy.stack import Stack

    raw_bucket, enriched_bucket, table = settings.raw_bucket, settings.enriched_bucket, settings.table
    queue_url, dead_letter_queue_url = settings.queue_url, settings.dead_letter_queue_url
    if not (raw_bucket and enriched_bucket and queue_url and dead_letter_queue_url and table):
        return None
    return Stack(
        raw_bucket,
        enriched_bucket,
        queue_url,
        dead_letter_queue_url,
        table,
        routing_queue_url=settings.routing_queue_url,
        routing_dead_letter_queue_url=settings.routing_dead_letter_queue_url,
    )
