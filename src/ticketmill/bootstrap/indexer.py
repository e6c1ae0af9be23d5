"""Builds what fills the search index from the queue of new enrichments."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import connect_clients
from ticketmill.bootstrap.search import index_model, open_index
from ticketmill.domain.errors import SetupError
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.aws.clients import Clients
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.deploy.search_stack import IndexQueues
    from ticketmill.operations.indexer import Indexer
    from ticketmill.queries.index_ports import VectorStore
    from ticketmill.worker.dependencies import Probe

BATCH_SIZE = 100
"""Entries that are put at once. A put takes about 15 ms for one and little more for a hundred."""
REST_S = 0.5
"""Between two puts: each makes a version of the index that readers look through."""


@dataclass(frozen=True, slots=True)
class IndexWork:
    """The indexer of one stack, and the queue that it takes from."""

    indexer: Indexer
    queue: SqsQueue
    queue_url: str
    opened: Mapping[str, VectorStore]
    """The indexes that were asked for so far, by embedding model; that of the settings among them."""
    probes: Mapping[str, Probe]


def connect_indexer(settings: Settings) -> IndexWork:
    """What indexes the enrichments of a stack. SetupError where the queue or the extra is missing."""
    from ticketmill.aws.events import decode
    from ticketmill.aws.s3 import S3EnrichedTickets
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.domain.keys import OUTAGE_PROBE
    from ticketmill.operations.indexer import Indexer

    opened: dict[str, VectorStore] = {}

    def store_of(model: str) -> VectorStore:
        if model not in opened:
            opened[model] = open_index(settings, model)
        return opened[model]

    own = store_of(index_model(settings))
    clients, stack = connect_clients(settings)
    queue_url = _needed_queues(settings, clients).queue_url
    enriched = S3EnrichedTickets(clients, stack.enriched_bucket)
    indexer = Indexer(
        enriched=enriched,
        decode=partial(decode, raw_bucket=stack.enriched_bucket),
        store_of=store_of,
        executor=ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io"),
    )
    probes: dict[str, Probe] = {"s3": lambda: enriched.find(OUTAGE_PROBE), "index": own.version}
    return IndexWork(indexer, SqsQueue(clients.sqs, queue_url), queue_url, opened, probes)


def find_queues(settings: Settings, clients: Clients) -> IndexQueues | None:
    """The queues of the settings, or of the stack NAME-search; None where there are none."""
    from ticketmill.deploy.search_stack import IndexQueues, find_index_queues

    if settings.index_queue_url:
        return IndexQueues(settings.index_queue_url)
    return find_index_queues(clients, settings.stack)


def _needed_queues(settings: Settings, clients: Clients) -> IndexQueues:
    from ticketmill.deploy.search_stack import search_stack_name

    found = find_queues(settings, clients)
    if found is None:
        name = search_stack_name(settings.stack)
        raise SetupError(
            f"no index queue, because there is no stack {name}: run `ticketmill up`, or deploy "
            f"infra/search-service.yaml as {name}, or set TICKETMILL_INDEX_QUEUE_URL"
        )
    return found
