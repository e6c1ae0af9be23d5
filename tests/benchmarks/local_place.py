"""A place of a benchmark's own: an emulator on an unused port, a stack for each measurement, real texts."""

from __future__ import annotations

import json
import os
import random
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ticketmill import bootstrap
from ticketmill.aws import clients as aws_clients
from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy import emulator
from ticketmill.deploy.stack import deploy
from ticketmill.learning.corpus import PLAIN_TICKETS, LabelledTicket, read_corpus
from ticketmill.settings import load_settings

UPLOADS_AT_ONCE = 8
ARRIVAL_TIMEOUT_S = 60

_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def local_emulator() -> Iterator[Clients]:
    """Starts an emulator that nobody else uses, points the AWS_… variables at it, and stops it again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint_url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # a profile, or the endpoint of one service, would lead elsewhere
    os.environ.update(_CREDENTIALS, AWS_ENDPOINT_URL=endpoint_url)
    with tempfile.TemporaryDirectory() as state_dir:
        emulator.start(endpoint_url, Path(state_dir))
        try:
            yield aws_clients.connect()
        finally:
            emulator.stop(endpoint_url, Path(state_dir))


def fresh_place(clients: Clients) -> tuple[str, Adapters]:
    """A new stack and the adapters to it: no measurement meets the rows of another."""
    name = f"bench-{uuid.uuid4().hex[:12]}"
    deploy(clients, name)
    return name, bootstrap.connect(load_settings(stack=name))


def rounds_of(tickets: int, rounds: int, seed: int = 1) -> list[list[LabelledTicket]]:
    """So many rounds of the shipped tickets, shuffled, so that each is as hard as the others.

    Rounds that need more than there are begin anew with the first.
    """
    corpus = read_corpus(PLAIN_TICKETS)
    random.Random(seed).shuffle(corpus)
    endless = [corpus[adapters % len(corpus)] for adapters in range(tickets * rounds)]
    return [endless[start : start + tickets] for start in range(0, len(endless), tickets)]


def raw(ticket: LabelledTicket, ticket_id: str) -> bytes:
    """The ticket as people drop it."""
    return json.dumps({"ticket_id": ticket_id, "subject": ticket.subject, "body": ticket.body}).encode()


def upload(adapters: Adapters, tickets: Sequence[LabelledTicket]) -> None:
    """Drops the tickets and waits until the queue has announced every one of them."""
    before = adapters.queue.depths().total
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        names = [f"B{number:06d}" for number in range(len(tickets))]
        list(pool.map(lambda name, each: drop(adapters, name, each), names, tickets))
    deadline = time.monotonic() + ARRIVAL_TIMEOUT_S
    while (arrived := adapters.queue.depths().total - before) < len(tickets):
        if time.monotonic() > deadline:
            raise SystemExit(f"{arrived} of {len(tickets)} uploads were announced in {ARRIVAL_TIMEOUT_S} s")
        time.sleep(0.1)


def drop(adapters: Adapters, ticket_id: str, ticket: LabelledTicket) -> None:
    """Uploads one ticket."""
    adapters.raw_tickets.put(f"tickets/{ticket_id}.json", raw(ticket, ticket_id))
