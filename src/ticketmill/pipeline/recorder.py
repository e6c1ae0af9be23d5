"""Writing rows so that the last upload wins, whoever comes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ticketmill.domain.errors import RejectionCode, TransientFailure
from ticketmill.domain.keys import id_of_key
from ticketmill.domain.labels import Status
from ticketmill.domain.message import RawObject
from ticketmill.domain.row import Failure, RawVersion, Rejection, TicketRow, failed_row, rejected_row
from ticketmill.domain.serving import Provenance
from ticketmill.pipeline.outcome import Result
from ticketmill.pipeline.ports import RawTickets, TicketRows
from ticketmill.pipeline.precedence import Verdict, decide, has_enrichment, is_newer

MAX_WRITE_ATTEMPTS = 8


@dataclass(frozen=True)
class Recorder:
    """The table, under the rules of `precedence`. Each write names the row that it replaces; a writer that
    finds another row there looks again and decides anew."""

    rows: TicketRows
    raw_tickets: RawTickets

    def resolve(
        self, current: TicketRow | None, raw: RawObject, provenance: Provenance, *, force: bool = False
    ) -> Result | None:
        """The result of an upload that the current row already answers; None where the model must run."""
        verdict = self._decide(current, raw, provenance, force=force)
        has_note = current is not None and current.failure is not None and verdict is Verdict.DUPLICATE
        if current is not None and (verdict is Verdict.TOUCH or has_note):
            touched = self._touched(current, raw, provenance)
            return Result.DUPLICATE if self.rows.put(touched, current) else None
        return _RESULTS.get(verdict)

    def record(
        self, row: TicketRow, current: TicketRow | None, raw: RawObject, *, force: bool = False
    ) -> Result:
        """Writes the row of an enrichment, unless a newer upload or better work has been recorded.

        Where it is not written, nothing points to its object, which stays behind.
        """
        provenance = Provenance(row.serving_serial, row.rollout_serial, row.fingerprint or "")

        def next_row(current: TicketRow | None) -> TicketRow | Result:
            verdict = self._decide(current, raw, provenance, force=force)
            if verdict in _RESULTS:
                return _RESULTS[verdict]
            if current is not None and verdict is Verdict.TOUCH:
                return self._touched(current, raw, provenance)
            return _next(
                row,
                current,
                rejection=self._later_rejection(current, row.raw),
                partial_attempts=_partial_attempts(row, current),
            )

        outcome = self._write(row.ticket_id, current, next_row)
        if isinstance(outcome, Result):
            return outcome
        if outcome.enriched_key != row.enriched_key:
            return Result.DUPLICATE
        return Result.PARTIAL if outcome.status is Status.PARTIAL else Result.ENRICHED

    def reject(self, ticket_id: str, rejection: Rejection, raw: RawObject) -> Result:
        """Records why an upload was turned down; a good enrichment of the same id is kept and annotated."""

        def next_row(current: TicketRow | None) -> TicketRow | Result:
            if current is not None and self._outdates(current, rejection):
                return Result.SUPERSEDED
            if current is not None and has_enrichment(current):
                return _next(current, current, rejection=rejection, failure=None)
            return _next(rejected_row(ticket_id, rejection, raw), current)

        outcome = self._write(ticket_id, self._look_up(ticket_id), next_row)
        return outcome if isinstance(outcome, Result) else Result.REJECTED

    def note_failure(
        self, ticket_id: str | None, failure: Failure, raw: RawObject, current: TicketRow | None
    ) -> None:
        """Notes on the row why an attempt failed, in one request, where nobody else writes meanwhile.

        The row keeps all that it tells of something better. Where no id is known, only a row that was made
        from the same key is noted on: a row under a guessed id would stay `failed` for ever.
        """
        if ticket_id is None:
            self.rows.note_failure(id_of_key(failure.key), failure, made_from=failure.key)
        elif current is None:
            self.rows.put(failed_row(ticket_id, failure, raw), None)
        else:
            self.rows.note_failure(ticket_id, failure)

    def _write(
        self,
        ticket_id: str,
        current: TicketRow | None,
        next_row: Callable[[TicketRow | None], TicketRow | Result],
    ) -> TicketRow | Result:
        for _ in range(MAX_WRITE_ATTEMPTS):
            row = next_row(current)
            if isinstance(row, Result) or self.rows.put(row, current):
                return row
            current = self._look_up(ticket_id)
        raise TransientFailure(f"the row of {ticket_id} changed {MAX_WRITE_ATTEMPTS} times under this write")

    def _look_up(self, ticket_id: str) -> TicketRow | None:
        return self.rows.get_many([ticket_id]).row_of(ticket_id)

    def _decide(
        self, current: TicketRow | None, raw: RawObject, provenance: Provenance, *, force: bool
    ) -> Verdict:
        return decide(current, raw, provenance, self.raw_tickets.is_current, force=force)

    def _touched(self, current: TicketRow, raw: RawObject, provenance: Provenance) -> TicketRow:
        """The current row, whose enrichment holds for `raw` and for the decisions of `provenance` too."""
        version = RawVersion.of(raw)
        serials = max((current.serving_serial, current.rollout_serial), provenance.serials)
        return _next(
            current,
            current,
            raw=current.raw if current.raw.is_same(version) else version,
            serving_serial=serials[0],
            rollout_serial=serials[1],
            rejection=self._later_rejection(current, version),
            failure=None,
        )

    def _later_rejection(self, current: TicketRow | None, version: RawVersion) -> Rejection | None:
        """The rejection of a later upload than `version`: it stays on record beside the enrichment."""
        rejected = None if current is None else _rejected_version(current)
        if current is None or rejected is None or rejected.is_same(version):
            return None
        later = is_newer(rejected, version, self.raw_tickets.is_current)
        return current.rejection if later else None

    def _outdates(self, current: TicketRow, rejection: Rejection) -> bool:
        """Whether the current row knows more of the same object than this rejection does."""
        if rejection.raw is None:
            # found before it was uploaded: no time orders that, but the object may be there by now
            known = current.raw.key == rejection.key and not _orders_nothing(current)
            return known and (has_enrichment(current) or self.raw_tickets.is_current(current.raw))
        known_versions = () if _orders_nothing(current) else (current.raw, _rejected_version(current))
        return any(
            version is not None
            and version.key == rejection.key
            and not version.is_same(rejection.raw)
            and is_newer(version, rejection.raw, self.raw_tickets.is_current)
            for version in known_versions
        )


_RESULTS = {Verdict.DUPLICATE: Result.DUPLICATE, Verdict.SUPERSEDED: Result.SUPERSEDED}


def _rejected_version(row: TicketRow) -> RawVersion | None:
    """Which upload the rejection on a row is of; None where it has none, or it is of no object."""
    return row.rejection.raw if row.rejection else None


def _orders_nothing(row: TicketRow) -> bool:
    """Whether a row says nothing of any object, but that there was none or that it could not be read: its
    time may be a clock's."""
    missing = row.rejection is not None and row.rejection.code is RejectionCode.OBJECT_MISSING
    return row.status is Status.FAILED or (missing and row.status is Status.REJECTED)


def _next(row: TicketRow, current: TicketRow | None, **changes: object) -> TicketRow:
    """`row`, changed, as what follows the current one. What people said stays."""
    revision = 1 if current is None else current.revision + 1
    person = {} if current is None else current.person
    return row.model_copy(update={"revision": revision, "person": person, **changes})


def _partial_attempts(row: TicketRow, current: TicketRow | None) -> int:
    """How many times in a row this upload stayed partial under this bundle."""
    if row.status is not Status.PARTIAL:
        return 0
    if current is None or current.status is not Status.PARTIAL:
        return 1
    same_work = current.raw.is_same(row.raw) and current.fingerprint == row.fingerprint
    return max(current.partial_attempts, 1) + 1 if same_work else 1
