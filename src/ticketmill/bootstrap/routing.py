"""Builds what routes changes of tickets: the rules, their targets, the stream and the queue."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ticketmill.bootstrap.adapters import connect_clients
from ticketmill.bootstrap.entities import make_mask
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.aws.clients import Clients
    from ticketmill.deploy.stack import Stack
    from ticketmill.domain.routing_rule import Rule, Rules
    from ticketmill.operations.change_feed import ChangeFeed, ChangeSender
    from ticketmill.operations.dead_letters import DeadLetters
    from ticketmill.operations.delivery import Deliverer, Target

DELIVERY_THREADS = 10
"""Deliveries of one batch at the same time: all of them."""


@dataclass(frozen=True, slots=True)
class Routing:
    """All that routes changes of one stack."""

    clients: Clients
    stack: Stack
    rules: Rules
    sender: ChangeSender
    deliverer: Deliverer

    def feed(self, owner: str, since: datetime | None = None) -> ChangeFeed:
        """What reads the table's stream. SetupError where there is none."""
        from ticketmill.aws.change_stream import DynamoChangeStream, stream_of
        from ticketmill.aws.routing_state import DynamoRoutingState
        from ticketmill.operations.change_feed import ChangeFeed

        dynamodb, table = self.clients.dynamodb, self.stack.table
        stream = DynamoChangeStream(self.clients.dynamodb_streams, stream_of(dynamodb, table))
        states = DynamoRoutingState(dynamodb, table)
        return ChangeFeed(stream, states, self.sender.send, owner, since)


def connect_routing(settings: Settings) -> Routing:
    """What routes by the rules of the settings, and hides what they mask. SetupError where a part is missing."""
    from ticketmill.aws.routing_state import DynamoDeliveryFailures
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.operations.change_feed import ChangeSender
    from ticketmill.operations.delivery import Deliverer
    from ticketmill.operations.routing import Router
    from ticketmill.worker.backoff import Backoff

    mask = make_mask(settings).text
    clients, stack = connect_clients(settings)
    rules = load_rules(settings.rules, clients)
    queue_url, _ = _routing_queues(stack, settings)
    queue = SqsQueue(clients.sqs, queue_url)
    deliverer = Deliverer(
        rules=rules,
        target_of=targets(clients, load_secrets(settings, clients)),
        queue=queue,
        failures=DynamoDeliveryFailures(clients.dynamodb, stack.table),
        executor=ThreadPoolExecutor(DELIVERY_THREADS, thread_name_prefix="delivery"),
        retry_delay_s=Backoff(settings.retry_base_s).delay_s,
        body_of=_bodies(clients, stack),
        mask=mask,
    )
    return Routing(clients, stack, rules, ChangeSender(Router(rules, mask), queue.send_many), deliverer)


def load_rules(location: str | None, clients: Clients | None = None) -> Rules:
    """The rules at a path, or at `s3://BUCKET/KEY`. SetupError where they are missing or wrong."""
    from ticketmill.operations.rules_file import parse_rules

    if not location:
        raise SetupError("no rules: set TICKETMILL_RULES to the file with them, see docs/routing.md")
    if not location.startswith("s3://"):
        try:
            return parse_rules(Path(location).read_text(encoding="utf-8"), location)
        except OSError as error:
            raise SetupError(f"{location} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SetupError(f"{location} is not UTF-8 text") from None
    from ticketmill.aws import clients as aws_clients

    parts = urlsplit(location)
    with aws_clients.at_setup(f"reading {location}", "check TICKETMILL_RULES"):
        s3 = (clients or aws_clients.connect()).s3
        body = s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
    return parse_rules(body.decode("utf-8", "replace"), location)


def load_secrets(settings: Settings, clients: Clients) -> Mapping[str, str]:
    """The variables that rules name: of the environment, or of the secret that the settings name."""
    if settings.routing_secret_arn is None:
        return os.environ
    from ticketmill.aws import clients as aws_clients

    with aws_clients.at_setup("reading the secret of routing", "check TICKETMILL_ROUTING_SECRET_ARN"):
        answer = clients.secretsmanager.get_secret_value(SecretId=settings.routing_secret_arn)
    try:
        document = json.loads(answer["SecretString"])
        return {str(name): str(value) for name, value in document.items()}
    except (KeyError, ValueError, AttributeError):
        raise SetupError('the secret of routing is no JSON object: store {"NAME": "value"} in it') from None


def targets(clients: Clients, secrets: Mapping[str, str]) -> Callable[[Rule], Target]:
    """Makes the target of a rule."""
    from ticketmill.aws.event_bus import EventBridge, SnsTopic
    from ticketmill.domain.routing_rule import EventBridgeTarget, SnsTarget
    from ticketmill.targets.http import HttpClient
    from ticketmill.targets.table import http_target

    http = HttpClient()

    def target_of(rule: Rule) -> Target:
        config = rule.send
        if isinstance(config, EventBridgeTarget):
            return EventBridge(config, clients.events)
        if isinstance(config, SnsTarget):
            return SnsTopic(config, clients.sns)
        return http_target(config, http, secrets)

    return target_of


def make_delivery_dead_letters(settings: Settings) -> tuple[DeadLetters, int]:
    """The deliveries that failed for good, and about how many there are."""
    from ticketmill.aws.dynamodb import DynamoTicketRows
    from ticketmill.aws.routing_state import DynamoDeliveryFailures
    from ticketmill.aws.s3 import S3RawTickets
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.domain.delivery import decode_delivery
    from ticketmill.operations.dead_letters import DeadLetters

    clients, stack = connect_clients(settings)
    queue_url, dead_letter_queue_url = _routing_queues(stack, settings)
    dead_letters = SqsQueue(clients.sqs, dead_letter_queue_url)
    made = DeadLetters(
        queue=dead_letters,
        send_many=SqsQueue(clients.sqs, queue_url).send_many,
        rows=DynamoTicketRows(clients.dynamodb, stack.table),
        raw_tickets=S3RawTickets(clients, stack.raw_bucket),
        decode=decode_delivery,
        executor=ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io"),
        max_ticket_bytes=settings.max_ticket_bytes,
        delivery_failure=DynamoDeliveryFailures(clients.dynamodb, stack.table).get,
    )
    return made, dead_letters.depths().visible


def _routing_queues(stack: Stack, settings: Settings) -> tuple[str, str]:
    if not stack.routing_queue_url or not stack.routing_dead_letter_queue_url:
        raise SetupError(
            f"stack {settings.stack} has no queue for routing: run `ticketmill up` or `ticketmill deploy`, "
            "or set TICKETMILL_ROUTING_QUEUE_URL and TICKETMILL_ROUTING_DEAD_LETTER_QUEUE_URL"
        )
    return stack.routing_queue_url, stack.routing_dead_letter_queue_url


def _bodies(clients: Clients, stack: Stack) -> Callable[[str], str]:
    """Gives a ticket's body by the key of its enriched object."""
    from ticketmill.aws.s3 import S3EnrichedTickets
    from ticketmill.domain.enrichment import read_enriched

    enriched = S3EnrichedTickets(clients, stack.enriched_bucket)

    def body_of(key: str) -> str:
        try:
            return read_enriched(enriched.get(key)).body
        except ValueError:
            raise TransientFailure("the enriched object cannot be read", "unreadable_object") from None

    return body_of
