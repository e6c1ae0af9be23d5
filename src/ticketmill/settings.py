"""Every setting of ticketmill, read from `TICKETMILL_*` variables and checked at start.

AWS is configured by the SDK's own variables (AWS_ENDPOINT_URL, AWS_PROFILE, AWS_DEFAULT_REGION, …).
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from ticketmill.domain.entities import MASKABLE
from ticketmill.domain.errors import SetupError
from ticketmill.domain.json_document import MAX_TICKET_BYTES
from ticketmill.domain.model_choice import CHOICES, HubTask, ModelChoice, parse_choice
from ticketmill.domain.priority import PriorityNumbers
from ticketmill.settings_learning import LearningSettings
from ticketmill.settings_search import SearchSettings

OTHER_VARIABLES = frozenset(
    {
        "TICKETMILL_LOCALSTACK_DIR",
        "TICKETMILL_STACK_PARAMETERS",
        "TICKETMILL_TEMPLATE",
        "TICKETMILL_TEST_ENDPOINT_URL",
        "TICKETMILL_TEST_HUB",
    }
)
"""Variables of `localstack/` and of the tests: no settings, and no mistakes either."""

# Kubernetes describes a service named ticketmill to every container beside it
_OF_KUBERNETES = re.compile(r"TICKETMILL_(.+_)?(SERVICE_(HOST|PORT)(_.*)?|PORT_\d+_(TCP|UDP|SCTP)(_.*)?)")

SQS_MAX_WAIT_S = 20
SQS_MAX_VISIBILITY_TIMEOUT_S = 43_200


def usable_cores() -> int:
    """the processor's cores that this process may use"""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _default_cache_dir() -> Path:
    """`ticketmill` in `~/.cache`, or in `XDG_CACHE_HOME`"""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ticketmill"
    except RuntimeError:
        raise SetupError("this user has no home folder: set TICKETMILL_CACHE_DIR") from None


def _log_format_for_stderr() -> Literal["text", "json"]:
    """`text` on a terminal, else `json`"""
    return "text" if sys.stderr.isatty() else "json"


class Settings(LearningSettings, SearchSettings):
    """Settings with units in their names; immutable once read."""

    stack: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")] = "ticketmill"
    """The CloudFormation stack. The names of buckets, queues and table begin with it."""

    raw_bucket: str | None = None
    """The bucket of raw tickets. Set all five of these, or none: then CloudFormation is asked at start."""
    enriched_bucket: str | None = None
    """The bucket of enriched tickets."""
    queue_url: str | None = None
    """The queue of uploads."""
    dead_letter_queue_url: str | None = None
    """The dead-letter queue."""
    table: Annotated[str | None, Field(validate_default=True)] = None
    """The DynamoDB table of rows."""
    learning_table: str | None = None
    """The DynamoDB table of corrections. Where the five above name the stack, corrections need it too."""

    person: Annotated[str | None, Field(min_length=1, max_length=256)] = None
    """Who corrects labels, where `--who` does not say it. Without it the login name."""

    routing_queue_url: str | None = None
    """The queue of deliveries. Without it CloudFormation is asked, where the five above are not set."""
    routing_dead_letter_queue_url: str | None = None
    """The dead-letter queue of deliveries."""
    rules: str | None = None
    """The file of routing rules: a path, or `s3://BUCKET/KEY`. See docs/routing.md."""
    routing_secret_arn: str | None = None
    """A Secrets Manager secret with a JSON object of the variables that rules name. Without it, the
    environment has them."""

    cache_dir: Path = Field(default_factory=_default_cache_dir)
    """Directory of bundles, and of the record of an emulator that `ticketmill up` started."""

    bundle: Path | None = None
    """A bundle's directory. The default is the latest one of `ticketmill models build`."""

    serve: Literal["auto", "explicit"] = "auto"
    """What a worker does with a bundle that never served. `auto` lets it serve. `explicit` waits for
    `ticketmill models serve`; until then the bundle replaces no records of another one."""

    threads: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=usable_cores)
    """Micro-batches that the encoder runs at the same time, one a core."""

    encode_cache_bytes: Annotated[int, Field(ge=0)] = 16 << 20
    """Size of the cache of encoder outputs, for texts that come again. 0 turns it off."""

    urgency: Literal["onepass", "rules"] = "onepass"
    """What predicts the urgency: the trained head, or keyword rules."""

    intent: str = "onepass"
    """What predicts the intent: `onepass`, `rules`, or a named model, see docs/models.md."""
    sentiment: str = "onepass"
    """What predicts the sentiment: `onepass`, or a named model."""
    topics: str = "prototypes"
    """What predicts the topics: `prototypes`, or a named model."""
    summary: str = "extractive"
    """What writes the summary: `extractive`, or a named model."""
    embedding: str = "onepass"
    """What makes the embedding: `onepass`, or a named model."""

    sentiment_labels: str = ""
    """Our labels in the order of an `hf:` model's outputs, separated by commas."""
    intent_labels: str = ""
    """The same for an `hf:` model of intents."""

    hub_precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """Precision of named models. `auto` is the fastest that the processor supports, see docs/models.md."""

    hub_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60
    """Seconds that a named model may take for a batch; ten times that while it is loaded."""

    hub_max_mb: Annotated[int, Field(ge=1)] | None = None
    """Limit of all named models together, in megabytes. A worker does not start above it."""

    nli_candidates: Annotated[int, Field(ge=0, le=500)] = 3
    """Labels a ticket that an `nli:` model is asked about; prototypes choose them. 0 is all."""

    summary_beams: Annotated[int, Field(ge=1, le=16)] = 1
    """Beams of a summarizer. 1 is greedy."""

    summary_min_tokens: Annotated[int, Field(ge=1, le=50)] = 10
    """The fewest tokens that a summarizer writes."""
    summary_max_tokens: Annotated[int, Field(ge=1, le=50)] = 50
    """The most tokens that a summarizer writes."""

    batch_size: Annotated[int, Field(ge=1, le=1000)] = 16
    """Messages that a worker thread handles together."""

    worker_threads: Annotated[int, Field(ge=1, le=64)] = 8
    """Batches at the same time: while some wait for S3 or DynamoDB, the encoder has the others."""

    wait_s: Annotated[int, Field(ge=0, le=SQS_MAX_WAIT_S)] = 5
    """Seconds that one receive waits for messages (long polling). A worker that stops lets it end."""

    visibility_timeout_s: Annotated[int, Field(ge=2, le=SQS_MAX_VISIBILITY_TIMEOUT_S)] = 60
    """SQS visibility timeout, in seconds, for received messages."""

    heartbeat_s: Annotated[float, Field(gt=0)] = 20
    """Seconds between two extensions of the visibility timeout. At least two must fit into it."""

    retry_base_s: Annotated[float, Field(ge=0, le=900)] = 20
    """Seconds until a failed message is received again. Doubled with each receive, up to 900, with a random
    factor of 0.75 to 1.5."""

    outage_pause_s: Annotated[float, Field(gt=0, le=60)] = 5
    """Seconds from a failure of S3, DynamoDB or SQS to the first probe. Doubled with each failed probe, up to
    60. The worker receives nothing meanwhile."""

    rollout_refresh_s: Annotated[float, Field(gt=0, le=30)] = 15
    """Seconds between two looks at the rollout decisions. Loading what they name comes on top; a rollback
    reaches the next batch of every worker within 30."""

    stop_deadline_s: Annotated[float, Field(ge=0)] = 25
    """Seconds that running batches may take when a worker stops. ECS and Kubernetes kill after 30."""

    io_threads: Annotated[int, Field(ge=1, le=256)] = 32
    """Requests to S3 and DynamoDB at the same time."""

    max_ticket_bytes: Annotated[int, Field(ge=1)] = MAX_TICKET_BYTES
    """Limit of a raw ticket, in bytes. Larger ones are rejected as `too_large`."""

    priority_numbers: PriorityNumbers | None = None
    """Which way a priority that is a bare number counts. `1-is-highest` fits ServiceNow and Jira's ids,
    `1-is-lowest` Freshdesk and Zammad. Without it such a priority is left empty, with a warning."""

    products: Path | None = None
    """A YAML or JSON list of products, to be found in tickets. See docs/reading.md."""

    phone_region: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    """Country of phone numbers without a country code, as in `DE`. Needs the extra `phone`."""

    mask: str = ""
    """Kinds of entities to hide from people and other systems: `email`, `phone`, `card`, `iban`, separated by
    commas. See docs/security.md."""

    log_format: Literal["text", "json"] = Field(default_factory=_log_format_for_stderr)
    """Format of the worker's log lines."""

    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Port of /metrics, /healthz and /readyz. Without it nothing listens."""

    metrics_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address of the metrics port. Everybody who can reach it can read the metrics."""

    emf: bool = False
    """Whether to write the metrics to stderr once a minute, in CloudWatch's embedded metric format."""

    web_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address that `ticketmill serve` listens on. Any but loopback needs keys, or an ALB that signs in."""

    web_port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """Port that `ticketmill serve` listens on; 0 is any free one."""

    web_allowed_hosts: str = ""
    """Names that requests may call the server by, separated by commas, beside those of loopback. `*` allows
    any name."""

    web_max_body_bytes: Annotated[int, Field(ge=1024)] = 4 << 20
    """Limit of a request's body, in bytes."""

    web_list_kept_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """Seconds that the answer to a list is given to whoever asks the same. A correction through the same
    server ends them."""

    web_requests_per_minute: Annotated[int, Field(ge=1)] = 1200
    """Requests that one key, or one address without a key, may make in a minute."""

    api_keys_file: Path | None = None
    """File of the API keys, as `ticketmill keys new` writes it."""

    alb_arn: (
        Annotated[
            str, Field(pattern=r"^arn:[a-z0-9-]+:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/app/.+$")
        ]
        | None
    ) = None
    """ARN of the load balancer that signs people in: its `x-amzn-oidc-data` is verified and believed."""

    alb_scopes: Annotated[
        str, Field(pattern=r"^(read|write|correct|admin)(,(read|write|correct|admin))*$")
    ] = "read,correct"
    """What people may do whom the load balancer has signed in: `read`, `write`, `correct` and `admin`."""

    webhook_secrets_file: Path | None = None
    """File of the webhooks' secrets: a JSON object of sources and secrets, see docs/http-api.md."""

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

    @field_validator("mask")
    @classmethod
    def _kinds_can_be_masked(cls, text: str) -> str:
        kinds = [kind.strip() for kind in text.split(",") if kind.strip()]
        if unknown := [kind for kind in kinds if kind not in MASKABLE]:
            raise ValueError(
                f"expected {', '.join(MASKABLE)}, separated by commas; found {', '.join(unknown)}"
            )
        return ",".join(dict.fromkeys(kinds))

    @field_validator(*CHOICES)
    @classmethod
    def _choice_is_one(cls, text: str, field: ValidationInfo) -> str:
        allowed = next(allowed for task, allowed in CHOICES.items() if task == field.field_name)
        return str(parse_choice(text, allowed))

    def choice(self, task: HubTask) -> ModelChoice:
        """What serves `task`."""
        return parse_choice(getattr(self, task), CHOICES[task])

    @property
    def masked_kinds(self) -> tuple[str, ...]:
        """The kinds of `mask`."""
        return tuple(self.mask.split(",")) if self.mask else ()

    @property
    def bundle_dir(self) -> Path:
        """Where the bundle is looked for."""
        return self.bundle or self.cache_dir / "bundles" / "current"


def load_settings(**flags: Any) -> Settings:
    """The settings of the environment. `flags` that are not None win.

    Raises SetupError that names the variable and what it expects, or the nearest name of an unknown one.
    """
    faults = _unknown_variables()
    try:
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        faults += [
            f"TICKETMILL_{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
    if faults:
        raise SetupError("; ".join(faults))
    return settings


def _unknown_variables() -> list[str]:
    """What is wrong with each `TICKETMILL_` variable that is no setting: a typo would change nothing."""
    faults = []
    for variable in sorted(os.environ):
        prefix, _, name = variable.upper().partition("_")
        is_known = variable.upper() in OTHER_VARIABLES or name.lower() in Settings.model_fields
        if prefix != "TICKETMILL" or is_known or _is_of_kubernetes(variable):
            continue
        near = difflib.get_close_matches(name.lower(), Settings.model_fields, n=1)
        what_to_do = (
            f"did you mean TICKETMILL_{near[0].upper()}?" if near else "unset it, see docs/settings.md"
        )
        faults.append(f"{variable}: there is no such setting; {what_to_do}")
    return faults


def _is_of_kubernetes(name: str) -> bool:
    is_address = name.endswith("_PORT") and "://" in os.environ.get(name, "")
    return is_address or _OF_KUBERNETES.fullmatch(name) is not None
