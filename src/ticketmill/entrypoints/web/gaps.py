"""What the taxonomy lacks, as the last report has it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from ticketmill.domain.gap_report import GapReport
from ticketmill.entrypoints.web.caller import MAY_READ
from ticketmill.entrypoints.web.parts import API, Parts

router = APIRouter(prefix=API, tags=["models"])


class LastGaps(BaseModel):
    """The last report of gaps and overlaps."""

    report: GapReport | None
    """Null where nobody has looked yet: `ticketmill gaps` does."""


@router.get("/gaps", dependencies=MAY_READ)
def get_gaps(parts: Parts) -> LastGaps:
    """Groups of tickets that the model is unsure of, and labels that get each other's tickets."""
    return LastGaps(report=parts.gaps())
