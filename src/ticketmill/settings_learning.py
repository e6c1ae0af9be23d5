"""The settings of learning: a part of `ticketmill.settings`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ticketmill.domain.job import JobKind

MAX_PERCENT = 100
MAX_LABELS = 1_000_000


class LearningSettings(BaseSettings):
    """What learns, and its jobs."""

    model_config = SettingsConfigDict(env_prefix="TICKETMILL_", env_ignore_empty=True, frozen=True)

    audit_share: Annotated[float, Field(ge=0, le=0.2)] = 0.02
    """Share of the tickets that are random audits: people label them without seeing what the models say."""

    training_queue_url: str | None = None
    """The queue of jobs that train, an output of infra/learning-service.yaml. Without it the outputs of the
    stack NAME-learning are asked where jobs are submitted, and `ticketmill learn` trains what is due, and
    ends."""
    prediction_queue_url: str | None = None
    """The queue of all other jobs, likewise."""

    job_lease_s: Annotated[float, Field(gt=0, le=80)] = 60
    """Seconds that a worker has a job without a heartbeat. Then another one takes it over. At most 80: the
    message of a dead worker's job comes again after 90 to 120 s, and must find the lease ended."""

    job_heartbeat_s: Annotated[float, Field(gt=0)] = 15
    """Seconds between two heartbeats of a job. At least two must fit into the lease."""

    job_limit_s: Annotated[float, Field(gt=0, le=39_600)] = 3600
    """Seconds that a job may take. One that takes longer has failed, and is not tried again. A message of
    Celery's queues is received again after 3,900 s: a longer limit needs longer queues."""

    celery_broker: str | None = None
    """Where Celery's messages go: `redis://…`, `amqp://…`, or `filesystem:///FOLDER` on one machine. Without
    it the SQS queues of the stack NAME-celery."""

    celery_results: str | None = None
    """Where Celery keeps results beside the rows of jobs, such as `redis://…` and
    `db+postgresql+psycopg://…`. Without it nowhere."""

    celery_rates: str = "index=100/m,train=10/m,predict=1000/m,evaluate=100/m"
    """How many jobs of a kind a Celery worker begins, in a second (s), a minute (m) or an hour (h)."""

    celery_prefix: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*(,[A-Za-z_][\w.]*)*$")] | None = None
    """Modules, separated by commas, that Celery clients put before the names of tasks, as in
    `theirs.tasks.train_field_model_task`. The bare names are always known."""

    feature_cache_mb: Annotated[int, Field(ge=1)] = 1000
    """Size of the cache of what the encoder says of labelled texts, for the next training. A text takes 6 kB;
    what was used longest ago goes first."""

    canary_steps: Annotated[str, Field(pattern=r"^\d{1,3}(,\d{1,3})*$")] = "5,25,50,100"
    """Shares of the tickets, in percent, that a canary goes through, separated by commas."""

    promotion_margin: Annotated[float, Field(ge=0, le=1)] = 0.01
    """How much worse than the serving model a version may be on held-out examples, at the lower end of the
    95% interval, as a share."""

    promotion_audits: Annotated[int, Field(ge=0)] = 200
    """The fewest audits that a promotion needs."""

    learning_tiers: Annotated[str, Field(pattern=r"^\d{1,7}(,\d{1,7}){2}$")] = "400,800,1500"
    """Labels from which the tiers balanced, enhanced and maximum begin, see docs/learning.md."""

    training_limit_s: Annotated[float, Field(gt=0)] = 3600
    """Seconds that a training has its task for itself. Afterwards another one may begin."""

    training_pause_s: Annotated[float, Field(ge=0)] = 3600
    """Seconds from the end of a training to the next one of the same task that a trigger begins."""

    @field_validator("job_heartbeat_s")
    @classmethod
    def _job_heartbeats_fit(cls, heartbeat_s: float, known: ValidationInfo) -> float:
        lease_s = known.data.get("job_lease_s")
        if lease_s is not None and heartbeat_s * 2 > lease_s:
            raise ValueError(
                f"{heartbeat_s:g} s must fit at least twice into TICKETMILL_JOB_LEASE_S, {lease_s:g} s: one "
                "lost heartbeat must not lose a job"
            )
        return heartbeat_s

    @field_validator("celery_rates")
    @classmethod
    def _rates_are_of_kinds(cls, text: str) -> str:
        for each in text.split(","):
            kind, _, rate = each.partition("=")
            if kind not in set(JobKind) or not re.fullmatch(r"\d+/[smh]", rate):
                raise ValueError(f"expected rates as in train=10/m, of {', '.join(JobKind)}; found {text}")
        return text

    @field_validator("canary_steps", "learning_tiers")
    @classmethod
    def _numbers_rise(cls, text: str, field: ValidationInfo) -> str:
        numbers = [int(number) for number in text.split(",")]
        most = MAX_PERCENT if field.field_name == "canary_steps" else MAX_LABELS
        if numbers != sorted(set(numbers)) or not 1 <= numbers[0] <= numbers[-1] <= most:
            raise ValueError(f"expected rising numbers from 1 to {most:,}, found {text}")
        return ",".join(map(str, numbers))

    @property
    def worker_dead_after_s(self) -> float:
        """Seconds after the last heartbeat of a worker of Celery, after which the leases of its jobs have
        ended."""
        return self.job_lease_s + self.job_heartbeat_s

    @property
    def canary_percents(self) -> tuple[int, ...]:
        """The steps of `canary_steps`."""
        return tuple(map(int, self.canary_steps.split(",")))
