"""The state of models and queues, for operators: from rows, queues and the models of this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from statistics import fmean, quantiles
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.labels import Status
from ticketmill.entrypoints.web.caller import MAY_ADMINISTER
from ticketmill.entrypoints.web.parts import API, Parts, WebParts
from ticketmill.queries.filters import Filters
from ticketmill.tasks.table import TASKS

SAMPLE = 1000
"""Rows of the last 24 hours that statistics are taken of at the most: the newest."""
PAGE = 200
DAY = timedelta(hours=24)
PACKAGES = ("ticketmill", "onnxruntime", "numpy", "torch", "transformers")

router = APIRouter(prefix=f"{API}/admin", tags=["server"])


class StageStatistics(BaseModel):
    """What a task's stage did in the sample."""

    task: str
    model: str | None
    """What serves the task in this process; null while the models are not loaded."""
    predictions: int
    """Tickets with a prediction of it."""
    failed: int
    """Tickets that it failed for."""
    fallbacks: dict[str, int]
    """Tickets for which a fallback stood in, by reason."""
    sources: dict[str, int]
    """What made the predictions."""
    mean_confidence: float | None


class MlStatus(BaseModel):
    """The models of this process, and what the workers' models did in the last 24 hours."""

    enabled: bool
    """Always true: tickets are enriched by models."""
    loaded: bool
    """Whether this process has its models."""
    failure: str | None
    """Why it has none."""
    fingerprint: str | None
    """Bundle and settings of this process."""
    models: dict[str, str]
    """What serves each task in this process."""
    versions: dict[str, str]
    """The packages that models run on."""
    fingerprints: dict[str, int]
    """Rows of the sample by the bundle and settings that made them."""
    sampled: int
    """Rows of the last 24 hours that the statistics are of."""
    stages: list[StageStatistics]


class Milliseconds(BaseModel):
    """Times of a ticket in the sample; null without a ticket."""

    mean: float | None
    p95: float | None


class ClassificationMetrics(BaseModel):
    """Queues, times, fallbacks and failures of the last 24 hours."""

    queue: dict[str, int]
    """Messages that wait, are in flight or delayed, and dead letters."""
    tickets: dict[str, int]
    """Rows of the last 24 hours by status: all of them."""
    sampled: int
    """Rows that the rest is of: the newest 1,000 at the most."""
    processing_ms: Milliseconds
    """Encoding and predictions, a ticket's share of its batch."""
    waiting_ms: Milliseconds
    """From the upload to the receive."""
    fallbacks: dict[str, int]
    """By task."""
    failures: dict[str, int]
    """By code: last failures and rejections."""
    breakers: dict[str, str]
    """Circuit breakers of the named models of this process, by model."""


@router.get("/ml-status", dependencies=MAY_ADMINISTER)
def get_ml_status(parts: Parts) -> MlStatus:
    """Which models serve, and how each task did in the last 24 hours."""
    rows = _sample(parts)
    enricher = parts.enricher.enricher
    models: dict[str, str] = dict(getattr(enricher, "models", {}))
    return MlStatus(
        enabled=True,
        loaded=enricher is not None,
        failure=parts.enricher.failure,
        fingerprint=enricher.fingerprint if enricher else None,
        models=models,
        versions=_versions(),
        fingerprints=dict(Counter(row.fingerprint for row in rows if row.fingerprint)),
        sampled=len(rows),
        stages=[_stage(task.name, models.get(task.name), rows) for task in TASKS],
    )


@router.get("/classification-metrics", dependencies=MAY_ADMINISTER)
def get_classification_metrics(parts: Parts) -> ClassificationMetrics:
    """How the queue stands, and how long tickets took in the last 24 hours."""
    rows = _sample(parts)
    depths, dead = parts.queue.depths(), parts.dead_letters.depths()
    latencies = [row.latency_ms for row in rows if row.latency_ms]
    troubles = [each.code for row in rows for each in (row.rejection, row.failure) if each]
    return ClassificationMetrics(
        queue={
            "visible": depths.visible,
            "in_flight": depths.in_flight,
            "delayed": depths.delayed,
            "dead_letters": dead.total,
        },
        tickets={status.value: 0 for status in Status} | parts.queries.count_statuses(parts.now() - DAY),
        sampled=len(rows),
        processing_ms=_milliseconds(each.encode + each.heads for each in latencies),
        waiting_ms=_milliseconds(each.queue for each in latencies if each.queue is not None),
        fallbacks=dict(Counter(task for row in rows for task in row.fallbacks)),
        failures=dict(Counter(map(str, troubles))),
        breakers={
            health.model: str(health.breaker)
            for health in (runner.health() for runner in getattr(parts.enricher.enricher, "runners", ()))
        },
    )


def _sample(parts: WebParts) -> list[EffectiveRow]:
    """The newest rows of the last 24 hours."""
    since, rows, cursor = parts.now() - DAY, list[EffectiveRow](), None
    while len(rows) < SAMPLE:
        page = parts.queries.list(Filters(), since, cursor=cursor, limit=PAGE)
        rows += page.rows
        cursor = page.cursor
        if cursor is None:
            break
    return rows[:SAMPLE]


def _stage(task: str, model: str | None, rows: Sequence[EffectiveRow]) -> StageStatistics:
    """By what the models said: a person's word is none of theirs."""
    own = [row for row in rows if row.status in (Status.ENRICHED, Status.PARTIAL)]
    confidences = [_said(row, task, "confidence") for row in own]
    known = [each for each in confidences if isinstance(each, float)]
    sources = Counter(str(each) for row in own if (each := _said(row, task, "source")))
    failed = sum(task in row.failed_stages for row in own)
    return StageStatistics(
        task=task,
        model=model,
        predictions=len(own) - failed,
        failed=failed,
        fallbacks=dict(Counter(row.fallbacks[task] for row in own if task in row.fallbacks)),
        sources=dict(sources),
        mean_confidence=round(fmean(known), 4) if known else None,
    )


def _said(row: EffectiveRow, task: str, what: str) -> Any:
    if task in row.predicted:
        return getattr(row.predicted[task], what)
    return getattr(row, f"{task}_{what}", None)


def _milliseconds(values: Iterable[float]) -> Milliseconds:
    known = list(values)
    if not known:
        return Milliseconds(mean=None, p95=None)
    p95 = quantiles(known, n=20, method="inclusive")[-1] if len(known) > 1 else known[0]
    return Milliseconds(mean=round(fmean(known), 3), p95=round(p95, 3))


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an extra that is not installed
            continue
    return found
