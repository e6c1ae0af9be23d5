"""`ticketmill up`, `down` and `status`: the emulator and the stack of this machine."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ticketmill.entrypoints.cli.named_models import of_worker, show
from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, say, table
from ticketmill.entrypoints.cli.streams import keep_loopback_off_proxies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ticketmill.bootstrap import Adapters
    from ticketmill.settings import Settings

LOCAL_ENDPOINT_URL = "http://127.0.0.1:4566"
LOCAL_REGION = "us-east-1"
REGION_VARIABLES = ("AWS_DEFAULT_REGION", "AWS_REGION")
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
PROBE_TIMEOUT_S = 30.0
COUNTED_DAYS = 7


def up() -> None:
    """Start an emulator of AWS here, and deploy the stacks of tickets and search on it.

    Starts nothing where something answers already. Waits until an upload is announced on the queue. Prints
    the variables that the other commands need and the shell lacks, as `export` lines.
    """
    from ticketmill.aws import clients as aws_clients
    from ticketmill.deploy import emulator, notification, search_stack, stack
    from ticketmill.settings import load_settings

    settings = load_settings()
    exports = keep_loopback_off_proxies() | missing_variables(os.environ)
    os.environ.update(exports)
    endpoint_url = os.environ["AWS_ENDPOINT_URL"]
    started = emulator.start(endpoint_url, settings.cache_dir)
    say(f"{'started the emulator' if started.started else 'something answers'} at {endpoint_url}")
    clients = aws_clients.connect()
    stack.check_region(clients, settings.stack)
    deployed = stack.deploy(clients, settings.stack)
    say(f"stack {settings.stack} is {'deployed' if deployed.changed else 'up to date'}")
    if deployed.changed:
        notification.wait_for_events(clients, deployed, PROBE_TIMEOUT_S)
        say("an upload was announced on the queue")
    search_stack.deploy_search(clients, settings.stack)
    for name, value in exports.items():
        answer(f"export {name}={shlex.quote(value)}")
    if exports and sys.stdout.isatty():
        say('run these lines in your shell, or: eval "$(ticketmill up)"')
    say('to stop it and unset the variables: eval "$(ticketmill down)"')


def down() -> None:
    """Stop the emulator that `up` started, and nothing else.

    What it held in memory is gone. Prints an `unset` line for the variables of `up` that the shell has.
    """
    from ticketmill.deploy import emulator
    from ticketmill.settings import load_settings

    endpoint_url = os.environ.get("AWS_ENDPOINT_URL") or LOCAL_ENDPOINT_URL
    stopped = emulator.stop(endpoint_url, load_settings().cache_dir)
    say(
        f"stopped the emulator at {endpoint_url}"
        if stopped
        else f"nothing to stop: `ticketmill up` did not start what is at {endpoint_url}"
    )
    local = {"AWS_ENDPOINT_URL": endpoint_url, **_CREDENTIALS}
    names = [name for name, value in local.items() if os.environ.get(name) == value]
    if stopped and len(names) == len(local):
        answer(f"unset {' '.join([*names, *filter(os.environ.get, REGION_VARIABLES)])}")


def missing_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """What a local emulator needs and the environment lacks.

    The SDKs read their region from either of two variables: both get the one that is set.
    """
    region = next(filter(None, map(environment.get, REGION_VARIABLES)), LOCAL_REGION)
    wanted = {
        "AWS_ENDPOINT_URL": LOCAL_ENDPOINT_URL,
        **_CREDENTIALS,
        **dict.fromkeys(REGION_VARIABLES, region),
    }
    return {name: value for name, value in wanted.items() if not environment.get(name)}


def status(as_json: AsJson = False) -> None:
    """Queue depths, rows by status of the last seven days, the bundle, and a worker's named models.

    Also counts objects of the raw bucket that no rule announces, among the first 10,000 keys.
    """
    from ticketmill import bootstrap
    from ticketmill.entrypoints.cli.backfill_answer import told_unannounced, unannounced_json
    from ticketmill.operations.unannounced import unannounced
    from ticketmill.settings import load_settings

    settings = load_settings()
    adapters = bootstrap.connect(settings)
    found: dict[str, Any] = {
        "stack": settings.stack,
        "queue": _depths(adapters.queue),
        "dead_letter_queue": _depths(adapters.dead_letters),
        "rows": adapters.queries.count_statuses(datetime.now(UTC) - timedelta(days=COUNTED_DAYS)),
        "bundle": _bundle(settings.bundle_dir),
        "models": of_worker(settings),
        "rollout": _rollout(adapters),
        "feature_cache": _feature_cache(settings, adapters),
    }
    missed = unannounced(adapters.raw_tickets)
    if as_json:
        answer_json({**found, "unannounced": unannounced_json(missed)})
        return
    queue_rows = [(name, *found[name].values()) for name in ("queue", "dead_letter_queue")]
    table("Queues", ("queue", "visible", "in flight", "delayed"), queue_rows)
    table(f"Rows of the last {COUNTED_DAYS} days", ("status", "rows"), found["rows"].items())
    if missed.kinds:
        answer(told_unannounced(missed))
    if found["models"]:
        show(found["models"])
    if found["rollout"]["serial"]:
        table(
            f"Learned versions, decision {found['rollout']['serial']}",
            ("task", "serving", "canary", "shadow"),
            [tuple(each.values()) for each in found["rollout"]["tasks"]],
        )
    if (cached := found["feature_cache"])["entries"]:
        rate = "never used" if cached["hit_rate"] is None else f"hit rate {cached['hit_rate']:.0%}"
        answer(f"feature cache: {cached['entries']:,} texts, {cached['megabytes']:.1f} MB, {rate}")
    answer(f"bundle: {found['bundle']['fingerprint'] or found['bundle']['problem']}")


def _depths(queue: Any) -> dict[str, int]:
    depths = queue.depths()
    return {"visible": depths.visible, "in_flight": depths.in_flight, "delayed": depths.delayed}


def _rollout(adapters: Adapters) -> dict[str, Any]:
    """Which learned versions serve, run as a canary, or shadow."""
    from ticketmill import bootstrap
    from ticketmill.aws.clients import at_setup

    with at_setup("the rollout cannot be read", "check the stack's learning table: run `ticketmill up`"):
        rollout = bootstrap.current_rollout(adapters)
    return {
        "serial": rollout.serial,
        "tasks": [
            {
                "task": each.task,
                "serving": each.serving and f"v{each.serving}",
                "canary": each.canary and f"v{each.canary} for {each.canary_percent} %",
                "shadow": each.shadow and f"v{each.shadow}",
            }
            for _, each in sorted(rollout.tasks.items())
        ],
    }


def _feature_cache(settings: Settings, adapters: Adapters) -> dict[str, Any]:
    """What the encoder said of labelled texts, as far as it is kept for the next training."""
    from ticketmill import bootstrap
    from ticketmill.aws.clients import at_setup

    with at_setup("the feature cache cannot be read", "check your rights on the enriched bucket"):
        status = bootstrap.feature_cache_status(settings, adapters)
    return {**status.model_dump(), "hit_rate": status.hit_rate}


def _bundle(directory: Any) -> dict[str, str | None]:
    from ticketmill.domain.errors import SetupError
    from ticketmill.encoder.bundle import read_manifest

    try:
        manifest = read_manifest(directory)
    except SetupError as error:
        return {"fingerprint": None, "problem": str(error)}
    return {"fingerprint": manifest.fingerprint, "problem": None}
