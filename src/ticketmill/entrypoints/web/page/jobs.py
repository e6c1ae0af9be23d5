"""The page of the jobs: which there are, how far they are, and a form that submits a training."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ticketmill.bootstrap.job_queues import JobDesk
from ticketmill.domain.errors import LearningRefused, SetupError, TransientFailure
from ticketmill.domain.job import Documents, JobKind, JobRequest
from ticketmill.entrypoints.web.caller import MAY_ADMINISTER, Caller, Scope
from ticketmill.entrypoints.web.page.contents import Desk, Notice
from ticketmill.entrypoints.web.page.form import Form, text_of
from ticketmill.entrypoints.web.page.looking import SEE_OTHER
from ticketmill.entrypoints.web.page.templating import render
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.entrypoints.web.problems import problem_of
from ticketmill.learning.job_documents import NEWEST
from ticketmill.learning.job_records import is_final

REFUSED = (LearningRefused, TransientFailure, SetupError)
SHOWN = 50

router = APIRouter()


@router.get("/jobs")
def overview(request: Request) -> Response:
    """The newest jobs."""
    return _page(request)


@router.get("/jobs/rows")
def rows(request: Request) -> Response:
    """The table alone: it is asked for again while a job is under way."""
    try:
        return render("job_rows.html", _listed(request))
    except REFUSED as error:
        return Response(status_code=_status(error))


@router.post("/jobs", dependencies=MAY_ADMINISTER)
def submit(request: Request, form: Form) -> Response:
    """Submits a training on the newest dataset of a task."""
    task, who = text_of(form, "task"), Desk.of(request).person
    try:
        desk = _desk(request)
        if task not in _parts(request).models().catalogue.tasks:
            return _page(request, Notice("Nothing was submitted.", "choose one of the tasks"), 422)
        if not desk.has_queue(JobKind.TRAIN):
            return _page(request, Notice("Nothing was submitted.", NO_QUEUE), 409)
        asked = JobRequest(kind=JobKind.TRAIN, task=task, documents=Documents(dataset=NEWEST), who=who)
        desk.submit(f"train-{task}-{uuid4().hex[:12]}", asked)
    except REFUSED as error:
        return _page(request, Notice("Nothing was submitted.", str(error)), _status(error))
    return RedirectResponse("/jobs", SEE_OTHER)


@router.post("/jobs/{job_id}/cancel", dependencies=MAY_ADMINISTER)
def cancel(request: Request, job_id: str) -> Response:
    """Cancels a job."""
    try:
        _desk(request).records.cancel(job_id, _parts(request).now())
    except REFUSED as error:
        return _page(request, Notice("Nothing was cancelled.", str(error)), _status(error))
    return RedirectResponse("/jobs", SEE_OTHER)


NO_QUEUE = "there is no queue of trainings: deploy infra/learning-service.yaml"


def _page(request: Request, notice: Notice | None = None, status: int = 200) -> Response:
    values: dict[str, Any] = {**Desk.of(request).frame("jobs"), "notice": notice}
    try:
        tasks = _parts(request).models().catalogue.tasks
        return render("jobs.html", {**values, **_listed(request), "tasks": tasks}, status)
    except REFUSED as error:
        told = Notice("The jobs cannot be shown.", str(error), again="/jobs")
        return render("problem.html", {**values, "notice": told}, _status(error))


def _listed(request: Request) -> dict[str, Any]:
    """What the table shows."""
    caller: Caller = request.state.caller
    found = _desk(request).records.newest(limit=SHOWN)
    return {
        "jobs": found,
        "is_live": any(not is_final(each) for each in found),
        "is_final": is_final,
        "may_decide": Scope.ADMIN in caller.scopes,
        "now": _parts(request).now(),
    }


def _desk(request: Request) -> JobDesk:
    """The jobs. SetupError where the stack keeps none."""
    return _parts(request).jobs()


def _parts(request: Request) -> WebParts:
    parts: WebParts = request.app.state.parts
    return parts


def _status(error: Exception) -> int:
    problem = problem_of(error)
    return problem.status_code if problem else 500
