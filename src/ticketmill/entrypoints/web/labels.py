"""A person's word on a ticket's labels."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import CorrectionCode, CorrectionRefused
from ticketmill.domain.label import CorrectionKind, FoundBy
from ticketmill.entrypoints.web.caller import MAY_CORRECT, MAY_READ, Person
from ticketmill.entrypoints.web.changes import make_known
from ticketmill.entrypoints.web.parts import API, Parts
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.rows import JSON, TicketId, revisions_in, row_etag, row_json, row_of
from ticketmill.learning.sampling import may_audit
from ticketmill.operations.corrections import MAX_NOTE_CHARS, Speaker, Word
from ticketmill.queries.columns import CORRECTABLE

MAX_LABELS = 20

router = APIRouter(prefix=API, tags=["corrections"])

Label = Annotated[str, Field(min_length=1, max_length=100)]
_ETAG = r'(W/)?"[0-9]+(-[0-9a-f]+)?"'
IfMatch = Annotated[
    str,
    Field(
        max_length=500,
        description="The ETag of the ticket as it was shown, or * for any.",
        json_schema_extra={"pattern": rf"^(\*|{_ETAG}(, ?{_ETAG})*)$"},
    ),
]


class SpokenWord(BaseModel):
    """What the person says of one task."""

    model_config = ConfigDict(extra="forbid")

    kind: CorrectionKind
    """`label` with `labels`; `confirm`, `cannot_tell` and `undo` without."""
    labels: Annotated[list[Label], Field(max_length=MAX_LABELS)] = []
    """The labels that are right."""

    def word(self) -> Word:
        return Word(self.kind, tuple(self.labels))


class LabelsRequest(BaseModel):
    """What a person says of a ticket, by task."""

    model_config = ConfigDict(extra="forbid")

    labels: Annotated[
        dict[
            Annotated[str, Field(max_length=48)],
            Label | Annotated[list[Label], Field(max_length=MAX_LABELS)] | SpokenWord,
        ],
        Field(min_length=1, max_length=20),
    ]
    """By task: the label that is right, several for topics, or what else is said of it."""
    note: Annotated[str | None, Field(max_length=MAX_NOTE_CHARS)] = None
    """A remark, kept with the correction."""
    found_by: FoundBy = FoundBy.FOUND
    """How the ticket came before the person."""

    def words(self) -> dict[str, Word]:
        """The words, in their full form."""
        return {task: _word(said) for task, said in self.labels.items()}


def _word(said: str | list[str] | SpokenWord) -> Word:
    if isinstance(said, SpokenWord):
        return said.word()
    return Word(CorrectionKind.LABEL, (said,) if isinstance(said, str) else tuple(said))


class TaskLabels(BaseModel):
    """A task that people label, and its labels."""

    name: str
    """The task, as in `urgency`."""
    is_own: bool
    """Whether it is one of your own tasks."""
    takes_several: bool
    """Whether a ticket may have several of the labels, or none."""
    labels: list[str]
    """The labels."""


class LabelledTasks(BaseModel):
    """The tasks that people label."""

    tasks: list[TaskLabels]
    """Ours, then yours."""


@router.get("/tasks", dependencies=MAY_READ)
def get_tasks(parts: Parts) -> LabelledTasks:
    """Lists the tasks that people label, with their labels: ours, and those that were added."""
    return LabelledTasks(
        tasks=[
            TaskLabels(
                name=task.name,
                is_own=task.name not in CORRECTABLE,
                takes_several=task.is_many,
                labels=list(task.labels),
            )
            for task in parts.corrections.tasks.values()
        ]
    )


@router.put("/tickets/{ticket_id}/labels", dependencies=MAY_CORRECT, responses={200: {"model": EffectiveRow}})
def put_labels(
    request: Request,
    parts: Parts,
    person: Person,
    ticket_id: TicketId,
    said: LabelsRequest,
    if_match: Annotated[IfMatch | None, Header()] = None,
) -> Response:
    """Corrects or confirms labels. No model overwrites them; `undo` takes the last word on a task back."""
    if if_match is None:
        raise Problem(
            428,
            "if_match_missing",
            "the request does not say which revision was shown",
            "send the ETag that GET gave as If-Match, or * for any revision",
        )
    revisions = revisions_in(if_match)
    row = row_of(parts, ticket_id)
    if revisions is not None and row.revision not in revisions:
        raise CorrectionRefused(
            CorrectionCode.STALE_REVISION, f"the ticket has changed since it was shown: {row_etag(row)}"
        )
    if said.found_by == FoundBy.AUDIT and not may_audit(row, parts.settings.audit_share):
        raise Problem(
            422,
            "no_audit",
            f"{row.ticket_id} is not among the random audits, which alone judge the models",
            "leave found_by out; `ticketmill label next` draws audits",
        )
    revision = None if revisions is None else row.revision
    speaker = Speaker(person, said.found_by, said.note)
    corrected = parts.corrections.correct(row.ticket_id, said.words(), speaker, revision=revision)
    make_known(request, corrected)
    return Response(row_json(corrected, parts.mask), headers={"ETag": row_etag(corrected)}, media_type=JSON)
