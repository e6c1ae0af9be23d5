"""What can go wrong, and what follows from it.

TicketmillError
├── TicketRejected     this ticket can never succeed: recorded, acknowledged, never retried
├── TransientFailure   anything else that stops a ticket: left to SQS to redeliver, then to dead-letter
│   └── RetryLater     a service says when to come again
├── CorrectionRefused  what a person says cannot be recorded: told to them, nothing is written
├── LearningRefused    data, training or a rollout that cannot be: told, nothing is written
├── JobFailed          a job that ended without what was asked for: told to who waits for it
└── SetupError         the place is not ready (bundle, stack, settings): ends the command beforehand
"""

from __future__ import annotations

from enum import StrEnum


class RejectionCode(StrEnum):
    """Why a ticket can never succeed; stored on its row, stable for programs."""

    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    DUPLICATE_KEY = "duplicate_key"
    SCHEMA = "schema"
    TOO_LARGE = "too_large"
    EMPTY_TEXT = "empty_text"
    TEXT_NOT_FOUND = "text_not_found"
    SEVERAL_TICKETS = "several_tickets"
    ID_UNUSABLE = "id_unusable"
    OBJECT_MISSING = "object_missing"


UNREADABLE_ROW = "unreadable_row"
"""The code of a TransientFailure where this version cannot read a row."""


class TicketmillError(Exception):
    """The root of every error that ticketmill raises on purpose."""


class TicketRejected(TicketmillError):
    """A ticket that can never succeed as it stands.

    `field` names the offending field where there is one, `ticket_id` the ticket where its id could be read
    all the same. The message says what was expected and never quotes the ticket's text.
    """

    def __init__(
        self, code: RejectionCode, message: str, field: str | None = None, ticket_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.ticket_id = ticket_id


class TransientFailure(TicketmillError):
    """Something outside the ticket failed; another attempt may succeed.

    `code` is a word for programs, such as the code that a service gave. `dependency` names the service where
    the service itself failed: it throttles, cannot be reached, answers with a server error or refuses the
    credentials. It is None where only this request failed, as for one object that may not be read.
    """

    def __init__(self, message: str, code: str = "transient", dependency: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.dependency = dependency


class RetryLater(TransientFailure):
    """A service that asks to be left alone for `after_s` seconds."""

    def __init__(self, message: str, after_s: float, code: str = "rate_limited") -> None:
        super().__init__(message, code)
        self.after_s = after_s


class CorrectionCode(StrEnum):
    """Why a correction is refused; stable for programs."""

    UNKNOWN_TICKET = "unknown_ticket"
    UNKNOWN_TASK = "unknown_task"
    UNKNOWN_LABEL = "unknown_label"
    NOTHING_SHOWN = "nothing_shown"
    NOTHING_TO_UNDO = "nothing_to_undo"
    STALE_REVISION = "stale_revision"
    STALE_CONTENT = "stale_content"
    SAME_GROUP = "same_group"


class CorrectionRefused(TicketmillError):
    """A correction that cannot be recorded. The message says what to do next."""

    def __init__(self, code: CorrectionCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class LearningCode(StrEnum):
    """Why learning refuses something; stable for programs."""

    UNKNOWN_TICKET = "unknown_ticket"
    UNKNOWN_TASK = "unknown_task"
    UNKNOWN_LABEL = "unknown_label"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_DATASET = "unknown_dataset"
    STALE_CONTENT = "stale_content"
    CONFLICTING_LABELS = "conflicting_labels"
    TOO_FEW_LABELS = "too_few_labels"
    TOO_FEW_TICKETS = "too_few_tickets"
    ONE_CLASS = "one_class"
    NO_HOLD_OUT = "no_hold_out"
    ENCODER_CHANGED = "encoder_changed"
    MODEL_MISMATCH = "model_mismatch"
    JOB_RUNNING = "job_running"
    COOLING_DOWN = "cooling_down"
    GATE_FAILED = "gate_failed"
    DECISION_CHANGED = "decision_changed"
    ALREADY_SERVING = "already_serving"
    NOTHING_TO_ROLL_BACK = "nothing_to_roll_back"
    RETIRED = "retired"
    IN_USE = "in_use"
    NAME_TAKEN = "name_taken"
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_SURGE = "unknown_surge"
    JOB_MISMATCH = "job_mismatch"
    UNREADABLE_DOCUMENTS = "unreadable_documents"
    NO_DOCUMENTS = "no_documents"
    UNKNOWN_PART = "unknown_part"
    MISSING_PART = "missing_part"
    PARTS_DIFFER = "parts_differ"


class LearningRefused(TicketmillError):
    """Data, a training or a rollout that cannot be as it stands. The message says what to do next."""

    def __init__(self, code: LearningCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class JobFailed(TicketmillError):
    """A job that failed or was cancelled. `code` is that of its error; None where it has none."""

    def __init__(self, code: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code


class SetupError(TicketmillError):
    """What a command needs is not ready. The message says which command or variable fixes it."""
