"""How Celery is set up: the broker, the queues, and what a message may be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ticketmill.bootstrap.celery_queues import OUTPUTS, celery_queue_urls
from ticketmill.domain.errors import SetupError
from ticketmill.domain.job import JobKind
from ticketmill.settings import Settings

QUEUES = tuple(OUTPUTS)
DEFAULT_QUEUE = "celery"
"""Where clients without routes send: taken from by every broker but SQS, where each queue costs requests."""
QUEUE_OF: Mapping[JobKind, str] = {
    JobKind.INDEX: "indexing",
    JobKind.EXTRACT: "indexing",
    JobKind.TRAIN: "training",
    JobKind.PREDICT: "prediction",
    JobKind.EVALUATE: "evaluation",
}

VISIBILITY_S = 3900
"""How long the message of a dead worker stays hidden: longer than a job may take, because Celery never
extends it. infra/celery-service.yaml gives its queues the same."""
KILL_AFTER_S = 60
"""From the time limit of a job, at which its heartbeat ends it, to the end of a process that goes on."""
WAIT_S = 20
POLL_S = 0.2
PUBLISH_TRIES = 100
"""A message that tells of a retry is sent again for some minutes while the broker is away."""


def configuration(settings: Settings) -> dict[str, Any]:
    """The settings of the Celery app. SetupError where the broker is unknown, or the stack has no queues."""
    broker = _broker(settings)
    is_sqs = broker["broker_url"] == "sqs://"
    queues = QUEUES if is_sqs else (*QUEUES, DEFAULT_QUEUE)
    return {
        **broker,
        "task_queues": {name: {"exchange": name, "routing_key": name} for name in queues},
        "task_default_queue": QUEUE_OF[JobKind.PREDICT] if is_sqs else DEFAULT_QUEUE,
        "task_create_missing_queues": False,
        # texts and numbers only: a message can run nothing
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        # what a dead worker had in hand comes again
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure_or_timeout": True,
        "worker_prefetch_multiplier": 1,
        "task_time_limit": settings.job_limit_s + KILL_AFTER_S,
        "task_track_started": True,
        "task_publish_retry_policy": {
            "max_retries": PUBLISH_TRIES,
            "interval_start": 0.5,
            "interval_step": 0.5,
            "interval_max": 5,
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "result_backend": settings.celery_results or "disabled",
        "result_backend_always_retry": True,
        "result_backend_max_retries": PUBLISH_TRIES,
        "result_extended": True,
        "enable_utc": True,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _broker(settings: Settings) -> dict[str, Any]:
    url = settings.celery_broker or "sqs://"
    scheme = urlsplit(url).scheme.partition("+")[0]
    if scheme == "sqs":
        return _sqs(settings)
    if scheme == "filesystem":
        return _folder(Path(urlsplit(url).path))
    if scheme in ("redis", "rediss"):
        # a connection that died is noticed, and what its worker had comes again
        options = {"visibility_timeout": VISIBILITY_S, "socket_keepalive": True, "health_check_interval": 30}
        return {"broker_url": url, "broker_transport_options": options}
    if scheme in ("amqp", "amqps", "pyamqp", "memory"):
        return {"broker_url": url}
    raise SetupError(
        f"TICKETMILL_CELERY_BROKER begins with {scheme or 'nothing'}: expected redis://, amqp://, "
        "filesystem:///FOLDER or sqs://"
    )


def _sqs(settings: Settings) -> dict[str, Any]:
    """The queues of the stack. The endpoint is that of the SDK's variables, the region that of the queues'
    client."""
    from ticketmill.aws.clients import connect

    return {
        "broker_url": "sqs://",
        "broker_transport_options": {
            "region": connect().sqs.meta.region_name,
            "predefined_queues": {name: {"url": url} for name, url in celery_queue_urls(settings).items()},
            "visibility_timeout": VISIBILITY_S,
            "wait_time_seconds": WAIT_S,
            "polling_interval": 0,
        },
        # control messages need a queue of each worker, and events a topic
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
    }


def _folder(path: Path) -> dict[str, Any]:
    """Messages as files of a folder."""
    if not path.is_absolute():
        raise SetupError("TICKETMILL_CELERY_BROKER names no folder: expected filesystem:///FOLDER")
    messages, control = path / "messages", path / "control"
    for each in (messages, control):
        each.mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://localhost",
        "broker_transport_options": {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
            "polling_interval": POLL_S,
        },
        "worker_enable_remote_control": False,
    }
