"""The page: views, tickets and trends for people, drawn on the server."""

from __future__ import annotations

from fastapi import APIRouter

from ticketmill.entrypoints.web.page import (
    correcting,
    drift,
    duplicates,
    gaps,
    jobs,
    looking,
    models,
    similar,
    surges,
    ticket_map,
)

router = APIRouter(include_in_schema=False)
router.include_router(looking.router)
router.include_router(correcting.router)
router.include_router(similar.router)
router.include_router(duplicates.router)
router.include_router(models.router)
router.include_router(drift.router)
router.include_router(gaps.router)
router.include_router(ticket_map.router)
router.include_router(jobs.router)
router.include_router(surges.router)
