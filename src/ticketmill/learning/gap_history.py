"""The last report of gaps is kept: the API and the page show it, and labels are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.domain.gap_report import GapReport, without_ticket
from ticketmill.domain.keys import GAP_REPORT_FILE
from ticketmill.learning.forgetting import TicketTraces
from ticketmill.learning.ports import LearningObjects


def keep_gaps(objects: LearningObjects, report: GapReport) -> None:
    """Keeps a report in the place of the last one."""
    objects.put(GAP_REPORT_FILE, report.model_dump_json().encode())


def kept_gaps(objects: LearningObjects) -> GapReport | None:
    """The report that was kept last. SetupError where it cannot be read."""
    body = objects.get(GAP_REPORT_FILE)
    try:
        return None if body is None else GapReport.model_validate_json(body)
    except ValidationError as error:
        raise SetupError(
            "the report of gaps cannot be read by this version: `ticketmill gaps` makes a new one"
        ) from error


@dataclass(frozen=True, slots=True)
class GapsOfTicket:
    """A ticket among those of the last report. It has no text of them but words that several have."""

    objects: LearningObjects

    @property
    def name(self) -> str:
        return "gaps"

    def remove(self, traces: TicketTraces) -> int:
        report = kept_gaps(self.objects)
        if report is None or (found := _mentions(report, traces.ticket_id)) == 0:
            return 0
        self.objects.delete([GAP_REPORT_FILE])  # with its older versions
        keep_gaps(self.objects, without_ticket(report, traces.ticket_id))
        return found

    def left(self, traces: TicketTraces) -> list[str]:
        report = kept_gaps(self.objects)
        return [GAP_REPORT_FILE] if report is not None and _mentions(report, traces.ticket_id) else []


def _mentions(report: GapReport, ticket_id: str) -> int:
    return sum(ticket_id in each.tickets for each in report.gaps) + sum(
        ticket_id in each.examples for each in report.overlaps
    )
