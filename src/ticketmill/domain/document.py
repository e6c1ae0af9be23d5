"""Documents that jobs read, and what a version says of one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from ticketmill.domain.records import Record

DocumentId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""Names a document within its project: a ticket's id, or the name of a row in a file."""


class Document(Record):
    """A text to be learned from or predicted for; of one id the later one wins."""

    document_id: DocumentId
    """Names it."""
    subject: str = ""
    """The subject."""
    body: str = ""
    """The body."""
    source: str | None = None
    """The channel that it came by, as in `email`."""
    labels: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What is right, by task."""
    is_training_data: bool = True
    """Whether models may be trained on it. What is not trained on judges."""
    group: str | None = None
    """Documents of one group are never on both sides of a split: a thread, a customer."""
    content_hash: str
    """Identifies its subject and body."""


class DocumentPrediction(Record):
    """What a version says of a document: a line of a job's predictions."""

    document_id: DocumentId
    """The document."""
    labels: tuple[str, ...]
    """The label; of a task with several, those from its threshold on, most probable first."""
    confidence: float | None
    """The probability of the label; null for several, and for none."""
    scores: dict[str, float] = Field(default_factory=dict)
    """The probability of each label of the task. The latest prediction is kept without them."""
    model: str
    """The version, as in `intent/v3`."""
    job_id: str
    """The job that predicted it."""
