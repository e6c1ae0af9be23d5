"""Builds the intake: what makes a ticket of a dropped document."""

from __future__ import annotations

from ticketmill.domain.intake import Intake
from ticketmill.settings import Settings


def make_intake(settings: Settings) -> Intake:
    """The intake of the settings."""
    return Intake(priority_numbers=settings.priority_numbers)
