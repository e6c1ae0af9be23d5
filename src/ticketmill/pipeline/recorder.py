"""Writing rows so that the last upload wins, whoever comes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ticketmill.domain.errors import RejectionCode, TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.message import RawObject
from ticketmill.domain.row import Failure, RawVersion, Rejection, TicketRow, failed_row, rejected_row
from ticketmill.pipeline.outcome import Result
from ticketmill.pipeline.ports import RawTickets, TicketRows
from ticketmill.pipeline.precedence import Verdict, decide, is_newer

MAX_WRITE_ATTEMPTS = 8


@dataclass(frozen=True)
class Recorder:
    """The table, under the rules of `precedence`. Each write names the row it replaces; whoever finds
    another row there looks again and decides anew."""

    rows: TicketRows
    raw_tickets: RawTickets

    def settle_known(self, standing: TicketRow | None, raw: RawObject, fingerprint: str) -> Result | None:
        """The result of an upload that the standing row already answers; None where the model must run."""
        verdict = self._decide(standing, raw, fingerprint)
        healed = standing is not None and standing.failure is not None and verdict is Verdict.DUPLICATE
        if standing is not None and (verdict is Verdict.TOUCH or healed):
            version = RawVersion.of(raw)
            rejection = self._later_rejection(standing, version)
            newer = _successor(standing, standing, raw=version, rejection=rejection, failure=None)
            return Result.DUPLICATE if self.rows.put(newer, standing) else None
        return _SETTLED.get(verdict)

    def record(self, row: TicketRow, standing: TicketRow | None, raw: RawObject) -> Result:
        """Writes the row of an enrichment, unless a newer upload or the same work has been recorded."""

        def successor(standing: TicketRow | None) -> TicketRow | Result:
            verdict = self._decide(standing, raw, row.fingerprint)
            if verdict in _SETTLED:
                return _SETTLED[verdict]
            return _successor(row, standing, rejection=self._later_rejection(standing, row.raw))

        outcome = self._write(row.ticket_id, standing, successor)
        if isinstance(outcome, Result):
            return outcome
        return Result.PARTIAL if outcome.status is Status.PARTIAL else Result.ENRICHED

    def reject(self, ticket_id: str, rejection: Rejection, raw: RawObject) -> Result:
        """Records why an upload was turned down; a good enrichment of the same id is kept and annotated."""

        def successor(standing: TicketRow | None) -> TicketRow | Result:
            if standing is not None and self._outdates(standing, rejection):
                return Result.SUPERSEDED
            if standing is not None and standing.status in (Status.ENRICHED, Status.PARTIAL):
                return _successor(standing, standing, rejection=rejection, failure=None)
            return _successor(rejected_row(ticket_id, rejection, raw), standing)

        outcome = self._write(ticket_id, self._look_up(ticket_id), successor)
        return outcome if isinstance(outcome, Result) else Result.REJECTED

    def fail(self, ticket_id: str, failure: Failure, raw: RawObject, *, id_is_known: bool) -> None:
        """Notes on the row why an attempt failed. A row that tells of something better keeps its status.

        Where the id is only guessed from the key, no row is made, and only a row of that key is noted on: it
        would never heal if the ticket turned out to have another id.
        """

        def successor(standing: TicketRow | None) -> TicketRow | Result:
            if not id_is_known and (standing is None or standing.raw.key != failure.key):
                return Result.FAILED
            if standing is None or standing.status is Status.FAILED:
                return _successor(failed_row(ticket_id, failure, raw), standing)
            return _successor(standing, standing, failure=failure)

        self._write(ticket_id, self._look_up(ticket_id), successor)

    def _write(
        self,
        ticket_id: str,
        standing: TicketRow | None,
        successor: Callable[[TicketRow | None], TicketRow | Result],
    ) -> TicketRow | Result:
        for _ in range(MAX_WRITE_ATTEMPTS):
            row = successor(standing)
            if isinstance(row, Result) or self.rows.put(row, standing):
                return row
            standing = self._look_up(ticket_id)
        raise TransientFailure(f"the row of {ticket_id} changed {MAX_WRITE_ATTEMPTS} times under this write")

    def _look_up(self, ticket_id: str) -> TicketRow | None:
        return self.rows.get_many([ticket_id]).get(ticket_id)

    def _decide(self, standing: TicketRow | None, raw: RawObject, fingerprint: str | None) -> Verdict:
        return decide(standing, raw, fingerprint, self.raw_tickets.is_current)

    def _later_rejection(self, standing: TicketRow | None, version: RawVersion) -> Rejection | None:
        """The rejection of a later upload than `version`: it stays on record beside the enrichment."""
        rejected = None if standing is None else _rejected_version(standing)
        if standing is None or rejected is None or rejected == version:
            return None
        later = is_newer(rejected, version, self.raw_tickets.is_current)
        return standing.rejection if later else None

    def _outdates(self, standing: TicketRow, rejection: Rejection) -> bool:
        """Whether the standing row knows more of the same object than this rejection does."""
        enriched = standing.status in (Status.ENRICHED, Status.PARTIAL)
        if rejection.raw is None:
            # found before it was uploaded: no time orders that, but the object may be there by now
            known = standing.raw.key == rejection.key and not _orders_nothing(standing)
            return known and (enriched or self.raw_tickets.is_current(standing.raw))
        known_versions = () if _orders_nothing(standing) else (standing.raw, _rejected_version(standing))
        return any(
            version is not None
            and version.key == rejection.key
            and version != rejection.raw
            and is_newer(version, rejection.raw, self.raw_tickets.is_current)
            for version in known_versions
        )


_SETTLED = {Verdict.DUPLICATE: Result.DUPLICATE, Verdict.SUPERSEDED: Result.SUPERSEDED}


def _rejected_version(row: TicketRow) -> RawVersion | None:
    """Which upload the rejection on a row is of; None where it has none, or it is of no object."""
    return row.rejection.raw if row.rejection else None


def _orders_nothing(row: TicketRow) -> bool:
    """Whether a row says nothing of any object, but that there was none or that it could not be read: its
    time may be a clock's."""
    missing = row.rejection is not None and row.rejection.code is RejectionCode.OBJECT_MISSING
    return row.status is Status.FAILED or (missing and row.status is Status.REJECTED)


def _successor(row: TicketRow, standing: TicketRow | None, **changes: object) -> TicketRow:
    """`row`, changed, as what follows `standing`."""
    revision = 1 if standing is None else standing.revision + 1
    return row.model_copy(update={"revision": revision, **changes})
