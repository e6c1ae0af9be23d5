"""Every setting of ticketmill, read from `TICKETMILL_*` variables and checked at start.

AWS is configured by the SDK's own variables (AWS_ENDPOINT_URL, AWS_PROFILE, AWS_DEFAULT_REGION, …).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ticketmill.domain.errors import SetupError
from ticketmill.domain.model_choice import CHOICES, HubTask, ModelChoice, parse_choice
from ticketmill.domain.ticket import MAX_TICKET_BYTES

SQS_MAX_WAIT_S = 20
SQS_MAX_VISIBILITY_TIMEOUT_S = 43_200


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _default_cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ticketmill"


def _log_format_for_stderr() -> Literal["text", "json"]:
    return "text" if sys.stderr.isatty() else "json"


class Settings(BaseSettings):
    """Settings with units in their names; immutable once read."""

    model_config = SettingsConfigDict(env_prefix="TICKETMILL_", env_ignore_empty=True, frozen=True)

    stack: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")] = "ticketmill"
    """Name of the CloudFormation stack; it begins the names of buckets, queues and table."""

    raw_bucket: str | None = None
    enriched_bucket: str | None = None
    queue_url: str | None = None
    dead_letter_queue_url: str | None = None
    table: Annotated[str | None, Field(validate_default=True)] = None
    """What the stack holds, all five or none. Without them the stack's outputs say it: CloudFormation is
    asked at every start."""

    cache_dir: Path = Field(default_factory=_default_cache_dir)
    """Where bundles live, and the record of an emulator that `ticketmill up` started."""

    bundle: Path | None = None
    """A bundle's directory; without it the one that `ticketmill models build` made last."""

    serve: Literal["auto", "explicit"] = "auto"
    """What a worker does with a bundle that never served: auto lets it serve; explicit waits for
    `ticketmill models serve`, and until then the bundle replaces nothing that another one made."""

    threads: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=_usable_cores)
    """Cores that the encoder may use: so many micro-batches run at once."""

    encode_cache_bytes: Annotated[int, Field(ge=0)] = 16 << 20
    """What the encoder may keep of texts that it has read, in case they come again; 0 keeps nothing."""

    urgency: Literal["onepass", "rules"] = "onepass"
    """What serves the urgency: the head over the encoder, or the keyword rules."""

    intent: str = "onepass"
    sentiment: str = "onepass"
    topics: str = "prototypes"
    summary: str = "extractive"
    embedding: str = "onepass"
    """What serves each task: the one pass of the encoder, or a named model (docs/models.md)."""

    sentiment_labels: str = ""
    intent_labels: str = ""
    """Our labels in the order of an hf: model's outputs, by commas, where its own names say nothing."""

    hub_precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """The numbers that named models are run in; auto is what the processor gains from (docs/models.md)."""

    hub_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60
    """What a named model may take for a batch; ten times that for one that must be loaded first."""

    hub_max_mb: Annotated[int, Field(ge=1)] | None = None
    """The most megabytes that all named models together may hold; a worker does not start beyond them."""

    nli_candidates: Annotated[int, Field(ge=0, le=500)] = 3
    """Labels, chosen by their prototypes, that an nli: model is asked about for each ticket; 0 is all."""

    summary_beams: Annotated[int, Field(ge=1, le=16)] = 1
    """Beams of a summarizer's search; 1 is greedy."""

    summary_min_tokens: Annotated[int, Field(ge=1, le=50)] = 10
    summary_max_tokens: Annotated[int, Field(ge=1, le=50)] = 50
    """How many tokens a summarizer writes."""

    batch_size: Annotated[int, Field(ge=1, le=1000)] = 16
    """Messages that are gathered for one pass."""

    worker_threads: Annotated[int, Field(ge=1, le=64)] = 8
    """Batches that are under way at once: while some wait for S3 or DynamoDB, the encoder has the others."""

    wait_s: Annotated[int, Field(ge=0, le=SQS_MAX_WAIT_S)] = 5
    """Seconds that one receive waits for messages; a worker that is told to stop lets it end."""

    visibility_timeout_s: Annotated[int, Field(ge=2, le=SQS_MAX_VISIBILITY_TIMEOUT_S)] = 60
    """For so long nobody else sees a message that a worker has in hand and keeps silent about."""

    heartbeat_s: Annotated[float, Field(gt=0)] = 20
    """Seconds between two extensions of that time; at least two must fit into it."""

    retry_base_s: Annotated[float, Field(ge=0, le=900)] = 20
    """Seconds until a message that failed is received again: times 0.75 to 1.5 by chance, doubled with each
    receive, 900 at the most."""

    outage_pause_s: Annotated[float, Field(gt=0, le=60)] = 5
    """Seconds that a worker pauses when S3, DynamoDB or SQS fails, before it probes; doubled with each probe
    that fails, 60 at the most."""

    stop_deadline_s: Annotated[float, Field(ge=0)] = 25
    """Seconds that a worker takes to stop at the most; ECS and Kubernetes kill after 30."""

    io_threads: Annotated[int, Field(ge=1, le=256)] = 32
    """Requests to S3 and DynamoDB that may be under way at once."""

    max_ticket_bytes: Annotated[int, Field(ge=1)] = MAX_TICKET_BYTES
    """The largest object that is read; larger ones are rejected as too_large."""

    log_format: Literal["text", "json"] = Field(default_factory=_log_format_for_stderr)
    """The form of the worker's log lines; without it text on a terminal, JSON elsewhere."""

    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """The port of /metrics, /healthz and /readyz; without it nothing listens."""

    metrics_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """The address that it listens on; whoever can reach it can read the metrics."""

    emf: bool = False
    """Whether the metrics are also written to stderr once a minute, for CloudWatch to collect."""

    @field_validator("table")
    @classmethod
    def _named_together(cls, table: str | None, known: ValidationInfo) -> str | None:
        others = ("raw_bucket", "enriched_bucket", "queue_url", "dead_letter_queue_url")
        named = {**{name: known.data.get(name) for name in others}, "table": table}
        missing = [f"TICKETMILL_{name.upper()}" for name, value in named.items() if value is None]
        if 0 < len(missing) < len(named):
            raise ValueError(f"set {', '.join(missing)} as well, or none of what names the stack's parts")
        return table

    @field_validator("heartbeat_s")
    @classmethod
    def _heartbeats_fit(cls, heartbeat_s: float, known: ValidationInfo) -> float:
        visibility_timeout_s = known.data.get("visibility_timeout_s")
        if visibility_timeout_s is not None and heartbeat_s * 2 > visibility_timeout_s:
            raise ValueError(
                f"{heartbeat_s:g} s must fit at least twice into TICKETMILL_VISIBILITY_TIMEOUT_S, "
                f"{visibility_timeout_s} s: one lost heartbeat must not lose a message"
            )
        return heartbeat_s

    @field_validator("summary_max_tokens")
    @classmethod
    def _summary_has_room(cls, most: int, known: ValidationInfo) -> int:
        least = known.data.get("summary_min_tokens")
        if least is not None and most < least:
            raise ValueError(f"{most} is less than TICKETMILL_SUMMARY_MIN_TOKENS, {least}")
        return most

    @field_validator(*CHOICES)
    @classmethod
    def _choice_is_one(cls, text: str, field: ValidationInfo) -> str:
        allowed = next(allowed for task, allowed in CHOICES.items() if task == field.field_name)
        return str(parse_choice(text, allowed))

    def choice(self, task: HubTask) -> ModelChoice:
        """What serves `task`."""
        return parse_choice(getattr(self, task), CHOICES[task])

    @property
    def bundle_dir(self) -> Path:
        """Where the bundle is looked for."""
        return self.bundle or self.cache_dir / "bundles" / "current"


def load_settings(**flags: Any) -> Settings:
    """The settings from the environment; `flags` that are not None win.

    Raises SetupError that names the variable and what it expects.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        faults = [
            f"TICKETMILL_{str(fault['loc'][0]).upper()}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise SetupError("; ".join(faults)) from None
