"""Tickets that tell of the same thing: proposals, groups, and a person's word on a pair."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ticketmill.domain.duplicates import denied_of, reference_of
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.entrypoints.duplicate_answer import candidate_fields, group_fields
from ticketmill.entrypoints.web.caller import MAY_CORRECT, MAY_READ, Person
from ticketmill.entrypoints.web.changes import make_known
from ticketmill.entrypoints.web.parts import API, Parts
from ticketmill.entrypoints.web.rows import TicketId, row_of
from ticketmill.entrypoints.web.search import search_of
from ticketmill.operations.corrections import MAX_NOTE_CHARS, Speaker
from ticketmill.operations.duplicates import DuplicateVerdicts
from ticketmill.queries.duplicate_groups import DuplicateGroups

router = APIRouter(prefix=API, tags=["duplicates"])


class Member(BaseModel):
    """A ticket of a group."""

    ticket_id: str
    subject: str
    received_at: str


class SharedEntity(BaseModel):
    """What both tickets name."""

    kind: str
    value: str | None
    """Null where it is hidden."""


class Candidate(Member):
    """A ticket that may tell of the same thing, and what speaks for it."""

    duplicate_of: str | None
    """The reference of its group; null where it is no duplicate."""
    score: float
    """The higher the likelier; comparable within one answer alone."""
    cosine: float
    """Of the two embeddings."""
    shared_words: list[str]
    """Without endings, the strongest first."""
    shared_entities: list[SharedEntity]
    is_same_customer: bool
    hours_apart: float
    """Between the two uploads; negative where the candidate came later."""


class Group(BaseModel):
    """Tickets that people say tell of the same thing."""

    reference: Member
    duplicates: list[Member]
    """The newest upload first."""
    is_complete: bool
    """Whether all tickets since the reference were looked through."""


class Duplicates(BaseModel):
    """The duplicates of a ticket."""

    ticket_id: str
    group: Group
    """Without duplicates where people have not confirmed any."""
    is_indexed: bool
    """Whether the search index has the ticket. Without it there are no candidates."""
    candidates: list[Candidate]
    """The likeliest first. Those of its own group are left out, and those that a person denied."""


class VerdictRequest(BaseModel):
    """What a person says of two tickets."""

    model_config = ConfigDict(extra="forbid")

    is_duplicate: bool
    """Whether they tell of the same thing."""
    note: Annotated[str | None, Field(max_length=MAX_NOTE_CHARS)] = None
    """A remark, kept with the verdict."""


class Verdict(BaseModel):
    """The ticket that the verdict was recorded on, and what is said of it now."""

    ticket_id: str
    duplicate_of: str | None
    not_duplicate_of: list[str]

    @classmethod
    def of(cls, row: EffectiveRow) -> Verdict:
        return cls(
            ticket_id=row.ticket_id,
            duplicate_of=reference_of(row),
            not_duplicate_of=sorted(denied_of(row)),
        )


@router.get("/tickets/{ticket_id}/duplicates", dependencies=MAY_READ)
def get_duplicates(
    parts: Parts,
    ticket_id: TicketId,
    limit: Annotated[int, Query(ge=1, le=50, description="Candidates at most.")] = 10,
) -> Duplicates:
    """The group of a ticket, and the tickets that may tell of the same thing, with what speaks for each."""
    row = row_of(parts, ticket_id)
    found = search_of(parts).duplicates.of(row, limit)
    group = group_fields(DuplicateGroups(parts.queries).of(row), parts.mask)
    candidates = [Candidate.model_validate(candidate_fields(each, parts.mask)) for each in found or ()]
    return Duplicates(
        ticket_id=row.ticket_id,
        group=Group.model_validate(group),
        is_indexed=found is not None,
        candidates=candidates,
    )


@router.put("/tickets/{ticket_id}/duplicates/{other_id}", dependencies=MAY_CORRECT)
def put_duplicate(
    request: Request,
    parts: Parts,
    person: Person,
    ticket_id: TicketId,
    other_id: TicketId,
    said: VerdictRequest,
) -> Verdict:
    """Says that two tickets tell of the same thing, or that they do not.

    The verdict is recorded on the ticket that came later. Confirming joins the groups of the two.
    """
    pair = row_of(parts, ticket_id).ticket_id, row_of(parts, other_id).ticket_id
    verdicts = DuplicateVerdicts(parts.corrections)
    say = verdicts.confirm if said.is_duplicate else verdicts.deny
    row = say(*pair, Speaker(person, note=said.note))
    make_known(request, row)
    return Verdict.of(row)


@router.delete("/tickets/{ticket_id}/duplicates/{other_id}", dependencies=MAY_CORRECT)
def delete_duplicate(
    request: Request, parts: Parts, person: Person, ticket_id: TicketId, other_id: TicketId
) -> Verdict:
    """Takes back what was said of two tickets. Other verdicts of their groups stay."""
    pair = row_of(parts, ticket_id).ticket_id, row_of(parts, other_id).ticket_id
    row = DuplicateVerdicts(parts.corrections).take_back(*pair, Speaker(person))
    make_known(request, row)
    return Verdict.of(row)
