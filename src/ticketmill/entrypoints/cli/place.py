"""`ticketmill up`, `down` and `status`: the place that tickets live in."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from ticketmill.entrypoints.cli.named_models import of_worker, show
from ticketmill.entrypoints.cli.output import answer, answer_json, say, table

LOCAL_ENDPOINT_URL = "http://127.0.0.1:4566"
LOCAL_ENVIRONMENT = {
    "AWS_ENDPOINT_URL": LOCAL_ENDPOINT_URL,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
PROBE_TIMEOUT_S = 30.0
COUNTED_DAYS = 7


def up() -> None:
    """Bring the local place up: emulator if nothing answers, stack, and proof that an upload is announced.

    Prints the variables that the other commands need and the shell does not have yet:
    eval "$(ticketmill up)".
    """
    from ticketmill.aws import clients as aws_clients
    from ticketmill.deploy import emulator, stack
    from ticketmill.settings import load_settings

    settings = load_settings()
    missing = {name: value for name, value in _local_environment().items() if not os.environ.get(name)}
    os.environ.update(missing)
    endpoint_url = os.environ["AWS_ENDPOINT_URL"]
    started = emulator.start(endpoint_url, settings.cache_dir)
    say(f"{'started the emulator' if started.started else 'something answers'} at {endpoint_url}")
    clients = aws_clients.connect()
    deployed = stack.deploy(clients, settings.stack)
    say(f"stack {settings.stack} is {'deployed' if deployed.changed else 'up to date'}")
    if deployed.changed:
        stack.wait_for_events(clients, deployed, PROBE_TIMEOUT_S)
        say("an upload was announced on the queue")
    for name, value in missing.items():
        answer(f"export {name}={value}")


def down() -> None:
    """Stop the emulator that `up` started, and nothing else. What it held in memory is gone."""
    from ticketmill.deploy import emulator
    from ticketmill.settings import load_settings

    endpoint_url = os.environ.get("AWS_ENDPOINT_URL") or LOCAL_ENDPOINT_URL
    stopped = emulator.stop(endpoint_url, load_settings().cache_dir)
    say(
        f"stopped the emulator at {endpoint_url}"
        if stopped
        else f"nothing to stop: `ticketmill up` did not start what is at {endpoint_url}"
    )


def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Queue depths, rows by status of the last seven days, the bundle, and a worker's named models."""
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    settings = load_settings()
    place = bootstrap.connect(settings)
    found: dict[str, Any] = {
        "stack": settings.stack,
        "queue": _depths(place.queue),
        "dead_letter_queue": _depths(place.dead_letters),
        "rows": place.queries.count_statuses(datetime.now(UTC) - timedelta(days=COUNTED_DAYS)),
        "bundle": _bundle(settings.bundle_dir),
        "models": of_worker(settings),
    }
    if as_json:
        answer_json(found)
        return
    queue_rows = [(name, *found[name].values()) for name in ("queue", "dead_letter_queue")]
    table("Queues", ("queue", "visible", "in flight", "delayed"), queue_rows)
    table(f"Rows of the last {COUNTED_DAYS} days", ("status", "rows"), found["rows"].items())
    if found["models"]:
        show(found["models"])
    answer(f"bundle: {found['bundle']['fingerprint'] or found['bundle']['problem']}")


def _local_environment() -> dict[str, str]:
    """The variables that a local place needs; the SDK takes its region from either of two."""
    if os.environ.get("AWS_REGION"):
        return {name: value for name, value in LOCAL_ENVIRONMENT.items() if name != "AWS_DEFAULT_REGION"}
    return LOCAL_ENVIRONMENT


def _depths(queue: Any) -> dict[str, int]:
    depths = queue.depths()
    return {"visible": depths.visible, "in_flight": depths.in_flight, "delayed": depths.delayed}


def _bundle(directory: Any) -> dict[str, str | None]:
    from ticketmill.domain.errors import SetupError
    from ticketmill.encoder.bundle import read_manifest

    try:
        manifest = read_manifest(directory)
    except SetupError as error:
        return {"fingerprint": None, "problem": str(error)}
    return {"fingerprint": manifest.fingerprint, "problem": None}
