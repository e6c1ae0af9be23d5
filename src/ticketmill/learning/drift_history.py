"""Reports of drift that are kept: one a day, the last one of it, for a year.

A day has the same object every year, so there are never more than 366, and nothing has to be deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.domain.keys import DRIFT_REPORTS_PREFIX, drift_report_file
from ticketmill.learning.drift import LABELS, OVERRIDES, REVIEW, TEXTS, Check, DriftReport
from ticketmill.learning.drift_plot import DriftPoint, draw_drift
from ticketmill.learning.ports import LearningObjects
from ticketmill.learning.svg import Drawing


@dataclass(frozen=True, slots=True)
class KeptReport:
    """What was found, and when."""

    at: datetime
    report: DriftReport

    def check(self, name: str) -> Check | None:
        """The check of that name; None where the report has none."""
        return next((each for each in self.report.checks if each.name == name), None)

    def as_json(self) -> dict[str, object]:
        return {"at": f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", **self.report.as_json()}


_FORM = TypeAdapter(KeptReport)


def keep_report(objects: LearningObjects, report: DriftReport, at: datetime) -> None:
    """Keeps a report in the place of an earlier one of the same day."""
    objects.put(drift_report_file(at), _FORM.dump_json(KeptReport(at, report)))


def kept_reports(objects: LearningObjects, executor: Executor) -> list[KeptReport]:
    """All that are kept, the oldest first. SetupError where one is no report."""
    bodies = executor.map(objects.get, sorted(objects.keys(DRIFT_REPORTS_PREFIX)))
    try:
        found = [_FORM.validate_json(body) for body in bodies if body is not None]
    except ValidationError as error:
        raise SetupError(
            f"a report below {DRIFT_REPORTS_PREFIX} cannot be read by this version: delete it, or upgrade"
        ) from error
    return sorted(found, key=lambda each: each.at)


def value_of(check: Check | None) -> float | None:
    """What is followed over time: the distance of texts, the newest share of anything else."""
    if check is None:
        return None
    return check.statistic if check.name == TEXTS else check.newest


def drawings_of(reports: Sequence[KeptReport]) -> tuple[Drawing, ...]:
    """How the distance of the texts, and the shares of review and overrides, went from report to report."""
    named = {TEXTS: "distance in each report", REVIEW: "share to review", OVERRIDES: "share overridden"}
    drawn = (draw_drift(told, _points(reports, name)) for name, told in named.items())
    return tuple(each for each in drawn if each is not None)


def label_shares(reports: Sequence[KeptReport]) -> dict[str, dict[str, tuple[float | None, ...]]]:
    """By check of labels and by label of the last report, its share in each report; None where a report does
    not have it."""
    if not reports:
        return {}
    checks = {each.name: each.shares for each in reports[-1].report.checks if each.name.startswith(LABELS)}
    return {
        name: {label: tuple(_share(each.check(name), label) for each in reports) for label in shares}
        for name, shares in checks.items()
        if shares
    }


def _points(reports: Sequence[KeptReport], name: str) -> list[DriftPoint]:
    found = ((each.at, check) for each in reports if (check := each.check(name)) is not None)
    return [
        DriftPoint(at, value, drifted=check.drifted)
        for at, check in found
        if (value := value_of(check)) is not None
    ]


def _share(check: Check | None, label: str) -> float | None:
    return None if check is None else check.shares.get(label)
