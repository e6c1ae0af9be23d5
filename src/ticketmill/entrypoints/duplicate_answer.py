"""Proposed duplicates and groups of confirmed ones, as programs get them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.queries.duplicate_candidates import DuplicateCandidate
    from ticketmill.queries.duplicate_groups import DuplicateGroup
    from ticketmill.text.mask import Mask


def candidate_fields(candidate: DuplicateCandidate, mask: Mask) -> dict[str, Any]:
    """A candidate and what speaks for it. Values of hidden kinds are left out."""
    return {
        **member_fields(candidate.row, mask),
        "duplicate_of": candidate.reference,
        "score": round(candidate.score, 3),
        "cosine": round(candidate.cosine, 3),
        "shared_words": list(candidate.shared_words),
        "shared_entities": [
            {"kind": str(each.kind), "value": None if each.kind in mask.kinds else each.value}
            for each in candidate.shared_entities
        ],
        "is_same_customer": candidate.is_same_customer,
        "hours_apart": round(candidate.hours_apart, 1),
    }


def group_fields(group: DuplicateGroup, mask: Mask) -> dict[str, Any]:
    """A reference and its duplicates, the newest upload first."""
    return {
        "reference": member_fields(group.reference, mask),
        "duplicates": [member_fields(each, mask) for each in group.members],
        "is_complete": group.is_complete,
    }


def member_fields(row: EffectiveRow, mask: Mask) -> dict[str, Any]:
    """What tells a ticket from others."""
    return {
        "ticket_id": row.ticket_id,
        "subject": mask.row(row).subject,
        "received_at": row.received_at.isoformat(),
    }
