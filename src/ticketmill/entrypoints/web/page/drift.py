"""The page of drift: whether the newest tickets are like those that the models were chosen for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from ticketmill.domain.errors import LearningRefused, SetupError, TransientFailure
from ticketmill.entrypoints.web.page.contents import Desk, Notice
from ticketmill.entrypoints.web.page.templating import render
from ticketmill.entrypoints.web.parts import Drift
from ticketmill.entrypoints.web.problems import problem_of
from ticketmill.learning.drift import ALPHA, NEWEST_TICKETS, DriftReport
from ticketmill.learning.drift_history import KeptReport, drawings_of, label_shares
from ticketmill.learning.drift_plot import draw_drift
from ticketmill.learning.svg import Drawing

LOOKS_BACK = timedelta(days=30)
KEPT_FOR = timedelta(minutes=10)
SHOWN_SHARES = 6
"""The page shows the shares of labels in so many of the last reports."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class DriftView:
    """What was found at a moment."""

    at: datetime
    report: DriftReport
    drawing: Drawing | None
    """The distance of the texts over time; None where there are too few tickets before the newest."""
    kept: Sequence[KeptReport]
    """The last reports that are kept, the oldest first."""

    @property
    def plots(self) -> list[tuple[Drawing, Markup]]:
        """The plots: of the newest tickets, then of the kept reports. Texts are escaped where they are
        drawn."""
        drawings = (*filter(None, [self.drawing]), *drawings_of(self.kept))
        return [(each, Markup(each.inline())) for each in drawings]  # noqa: S704

    @property
    def shares(self) -> dict[str, dict[str, tuple[float | None, ...]]]:
        """The shares of labels in the last reports."""
        return label_shares(self.kept[-SHOWN_SHARES:])

    @property
    def dates(self) -> list[str]:
        """When those reports were made."""
        return [f"{each.at:%b %d}" for each in self.kept[-SHOWN_SHARES:]]


@dataclass
class KeptDrift:
    """Drift, kept for some minutes: it reads thousands of records. One request measures, others wait."""

    drift: Callable[[], Drift]
    now: Callable[[], datetime]
    kept_for: timedelta = KEPT_FOR
    _kept: DriftView | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def get(self) -> DriftView:
        """What was found within the last minutes. LearningRefused where there are too few tickets."""
        with self._lock:
            now = self.now()
            if self._kept is None or now - self._kept.at >= self.kept_for:
                drift, since = self.drift(), now - LOOKS_BACK
                report = drift.report(since, NEWEST_TICKETS, ALPHA)
                points = drift.history(since, NEWEST_TICKETS, ALPHA)
                drawing = draw_drift("energy distance of texts", points)
                self._kept = DriftView(now, report, drawing, drift.kept())
            return self._kept


@router.get("/drift")
def drift(request: Request) -> Response:
    """The newest tickets against the reference."""
    values = {**Desk.of(request).frame("models"), "view": None, "reason": ""}
    try:
        return render("drift.html", {**values, "view": kept_drift_of(request).get()})
    except LearningRefused as refused:  # too few tickets: nothing is wrong
        return render("drift.html", {**values, "reason": refused.message})
    except (TransientFailure, SetupError) as error:
        problem = problem_of(error)
        notice = Notice("Drift cannot be measured.", str(error), again="/drift")
        return render("problem.html", {**values, "notice": notice}, problem.status_code if problem else 500)


def kept_drift_of(request: Request) -> KeptDrift:
    """What this server keeps."""
    state = request.app.state
    if not hasattr(state, "drift"):
        state.drift = KeptDrift(state.parts.drift, state.parts.now)
    kept: KeptDrift = state.drift
    return kept
