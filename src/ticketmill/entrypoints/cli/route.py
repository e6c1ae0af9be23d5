"""`ticketmill route`: sends changes of tickets to where the rules say."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, counted, examples, say
from ticketmill.entrypoints.signals import stop_on_signal

STREAM_KEEPS = timedelta(hours=24)
EPILOG = examples(
    "ticketmill rules check rules.yaml",
    "TICKETMILL_RULES=rules.yaml ticketmill route",
)

log = logging.getLogger(__name__)

RulesFile = Annotated[
    str | None, typer.Option("--rules", metavar="FILE", help="Instead of TICKETMILL_RULES.")
]


def route(
    rules: RulesFile = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="At the first start take the last 24 hours too.")
    ] = False,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="Stop when all changes so far are delivered.")
    ] = False,
    as_json: AsJson = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every delivery.")] = False,
) -> None:
    """Send changes of tickets to where the rules say, until Ctrl-C or SIGTERM.

    Several may run: one reads the changes, all deliver.
    """
    from ticketmill import bootstrap
    from ticketmill.operations.route import RoutingProcess
    from ticketmill.settings import load_settings
    from ticketmill.telemetry import logs

    settings = load_settings(rules=rules)
    logs.configure(settings.log_format, verbose)
    routing = bootstrap.connect_routing(settings)
    owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    since = datetime.now(UTC) - STREAM_KEEPS if from_start else None
    process = RoutingProcess(
        routing.feed(owner, since), routing.deliverer, routing.deliverer.queue, wait_s=settings.wait_s
    )
    with stop_on_signal(process.stop):
        if until_empty:
            process.run_until_empty()
        else:
            say(f"routing by {counted(len(routing.rules.rules), 'rule')}; Ctrl-C stops")
            process.run()
    counts = {name: process.counts[name] for name in ("records", "delivered", "failed", "postponed")}
    if as_json:
        answer_json(counts)
    else:
        answer(
            f"read {counted(counts['records'], 'record')} of the stream, delivered {counts['delivered']}, "
            f"failed attempts {counts['failed']}, postponed {counts['postponed']}"
        )
