"""The stack of the search index beside that of the tickets: the queue of new enrichments."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.aws.clients import Clients, at_setup
from ticketmill.deploy.stack import REACH_HINT, apply, describe, template_body

TEMPLATE = "search-service.yaml"


@dataclass(frozen=True, slots=True)
class IndexQueues:
    """The queue of new enrichments, and its dead letters."""

    queue_url: str
    dead_letter_queue_url: str | None = None


def search_stack_name(stack_name: str) -> str:
    """The name of the stack beside the stack of the tickets."""
    return f"{stack_name}-search"


def deploy_search(clients: Clients, stack_name: str) -> bool:
    """Creates or updates it beside the stack of the tickets; whether anything changed.

    SetupError where it cannot be deployed.
    """
    return apply(
        clients, search_stack_name(stack_name), template_body(TEMPLATE), {"TicketsStack": stack_name}
    )


def find_index_queues(clients: Clients, stack_name: str) -> IndexQueues | None:
    """The queues of the stack beside that of the tickets; None where there is none."""
    with at_setup("looking for the index queue", f"set TICKETMILL_INDEX_QUEUE_URL, or {REACH_HINT}"):
        found = describe(clients, search_stack_name(stack_name))
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])} if found else {}
    queue_url = outputs.get("IndexQueueUrl")
    return IndexQueues(queue_url, outputs.get("IndexDeadLetterQueueUrl")) if queue_url else None
