"""A job of learning: what is asked for, how far it is, and what became of it.

One function runs a job (`learning/jobs.py`), whoever delivers it: the command line, a queue of the stack, or
Celery. The row of a job is claimed with a lease, so that a second delivery finds it running.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, NonNegativeInt, PositiveInt, StringConstraints, model_validator

from ticketmill.domain.records import Frozen, Open, Record

JobId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
"""What names a job. The same id is the same job, however often it is submitted or delivered."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]

PartName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}(:[^\s\x00-\x1f]{1,200})?$")
]
"""A part, and after a colon where what it reads lies, as in `huggingface:org/name`."""


class JobKind(StrEnum):
    """What a job does."""

    INDEX = "index"
    """Keeps documents, and the features that the encoder gives of them."""
    TRAIN = "train"
    """Makes a version of a model."""
    PREDICT = "predict"
    """Says what a version says of documents."""
    EVALUATE = "evaluate"
    """Measures a version on labelled documents that it was not trained on."""
    EXTRACT = "extract"
    """Writes the features of documents as arrays."""


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


class JobErrorCode(StrEnum):
    """Why a job failed; stable for programs."""

    VALIDATION = "VALIDATION"
    """What was asked for cannot be."""
    STORAGE = "STORAGE"
    """A service or a disk failed, again and again."""
    MODEL = "MODEL"
    """A model cannot be made, found or loaded."""
    DOCUMENT = "DOCUMENT"
    """The documents are missing, unreadable, or too few."""
    INTERNAL = "INTERNAL"
    """A bug, or a worker that died as often as it tried."""


class Parts(Frozen):
    """What a model of parts is made of; see `learning/parts`."""

    tokenizer: PartName = "icu"
    """Splits texts into words."""
    features: PartName = "tfidf"
    """Makes numbers of them."""
    classifier: PartName = "logistic"
    """Learns labels from the numbers."""
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}([_-][A-Za-z]{2,4})?$")] = "en"
    """The language of the texts, as in `en` or `de-CH`."""


class Documents(Frozen):
    """Which documents a job reads: those of one kind of place."""

    dataset: str | None = None
    """A dataset of the task, by how its name begins; `newest` for the newest one."""
    project: Name | None = None
    """The documents that were indexed under this name."""
    uri: str | None = None
    """A file of JSON lines or CSV: `s3://bucket/key`, or a path of the machine that runs the job."""
    tickets: tuple[str, ...] | None = None
    """Tickets by id."""
    since: datetime | None = None
    """The tickets that came since then."""
    until: datetime | None = None
    """Together with `since`: those before then."""
    ids: tuple[str, ...] | None = None
    """Together with `project`: these alone."""

    @model_validator(mode="after")
    def _names_one_place(self) -> Self:
        places = ("dataset", "project", "uri", "tickets", "since")
        named = [place for place in places if getattr(self, place) is not None]
        if len(named) != 1:
            raise ValueError(f"name one of {', '.join(places)}; found {', '.join(named) or 'none'}")
        if self.ids is not None and self.project is None:
            raise ValueError("ids go with a project")
        if self.until is not None and self.since is None:
            raise ValueError("until goes with since")
        return self


class JobRequest(Frozen):
    """What is asked for."""

    kind: JobKind
    """What the job does."""
    task: str | None = None
    """The task that is trained, predicted or evaluated."""
    documents: Documents
    """What it reads."""
    project: Name | None = None
    """The project that documents are indexed under."""
    parts: Parts | None = None
    """Trains a model of these parts; without them a recipe by the size of the dataset. For a prediction or an
    evaluation they must be those of the version, which is refused otherwise."""
    curve: bool = False
    """Puts a learning curve on the card of the version."""
    fine_tune: bool = False
    """Fine-tunes an encoder without a GPU, too, where the dataset is large enough."""
    version: PositiveInt | None = None
    """The version that predicts or is evaluated; without it the newest that may serve."""
    who: str = "unknown"
    """Who asks."""
    correlation_id: str | None = None
    """Found again in the logs of everything that this job does; without it the job's id."""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        needs_task = self.kind in {JobKind.TRAIN, JobKind.PREDICT, JobKind.EVALUATE}
        if needs_task and self.task is None:
            raise ValueError(f"a job that is to {self.kind} names a task")
        if self.kind is JobKind.INDEX and self.project is None and self.documents.project is None:
            raise ValueError("a job that is to index names the project that its documents belong to")
        return self

    @model_validator(mode="after")
    def _asks_for_one_kind_of_training(self) -> Self:
        wanted = [each for each in ("curve", "fine_tune", "parts") if getattr(self, each)]
        if self.curve + self.fine_tune and (self.kind is not JobKind.TRAIN or len(wanted) > 1):
            raise ValueError(f"{' and '.join(wanted)}: a training has one of curve, fine_tune and parts")
        return self


class JobError(Record):
    """Why a job failed."""

    code: Open[JobErrorCode]
    """The kind of failure."""
    message: str
    """What to do next. It never quotes a document."""


class Job(Record):
    """The row of a job."""

    job_id: JobId
    """Its name."""
    request: JobRequest
    """What was asked for."""
    status: Open[JobStatus] = JobStatus.QUEUED
    """Where it stands."""
    done: NonNegativeInt = 0
    """Documents that are done."""
    total: NonNegativeInt | None = None
    """Documents there are; null before they are counted."""
    stage: str = ""
    """What it does now, in a word or two."""
    attempts: NonNegativeInt = 0
    """How often it was begun."""
    created_at: datetime
    """When it was submitted."""
    started_at: datetime | None = None
    """When the last attempt began."""
    ended_at: datetime | None = None
    """When it ended."""
    owner: str | None = None
    """The worker that has it in hand, as a lease."""
    lease_until: datetime | None = None
    """How long that worker has it without a heartbeat. Then another one takes it over."""
    cancel_asked: bool = False
    """Whether somebody asked to cancel it: it stops at the next batch."""
    error: JobError | None = None
    """Why it failed."""
    result: dict[str, Any] = Field(default_factory=dict)
    """What it gave: numbers, the name of a version, and `object`, where more of it lies."""

    def is_orphaned(self, now: datetime) -> bool:
        """Whether its worker died, and no other one has it yet."""
        is_running = self.status == JobStatus.RUNNING
        return is_running and self.lease_until is not None and self.lease_until <= now

    @property
    def correlation_id(self) -> str:
        """What the logs name it by."""
        return self.request.correlation_id or self.job_id
