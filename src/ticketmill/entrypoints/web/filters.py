"""The filters of a list as query parameters, made from the table of the tasks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from ticketmill.entrypoints.web.problems import Problem
from ticketmill.queries.columns import (
    CLOSED_VOCABULARIES,
    CONFIDENCES,
    CORRECTABLE,
    FILTERS,
    FLAGS,
    NAMES_OF_TASKS,
)
from ticketmill.queries.filters import Filters
from ticketmill.queries.own_tasks import Definitions, UnknownOwnLabel, check_task_names, labels_by_task

MAX_PAGE_ROWS = 200
MAX_LABELS = 20
MAX_FOUND = 100
MAX_QUESTION_CHARS = 1000
SINCE_DEFAULT = "7d"
SINCE_EXPECTED = "30m, 24h, 7d, 2w, or an ISO 8601 time"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6})([mhdw])")
_TIME = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": r"^[0-9]{1,6}[mhdw]$"},
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
        ]
    }
)
Since = Annotated[str, _TIME, Field(max_length=40, description=f"Uploaded since then: {SINCE_EXPECTED}.")]
Until = Annotated[str, _TIME, Field(max_length=40, description="Uploaded before then.")]

OwnLabel = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,31}=.{1,64}$", examples=["product_line=router"])]


class Period(BaseModel):
    """From when to when tickets were uploaded."""

    model_config = ConfigDict(extra="forbid")

    since: Since = SINCE_DEFAULT
    until: Until | None = None

    def start(self, now: datetime) -> datetime:
        """The first moment, in UTC."""
        return moment("since", self.since, now)

    def end(self, now: datetime) -> datetime | None:
        """The moment after the last, in UTC."""
        return moment("until", self.until, now) if self.until is not None else None


class Filtered(BaseModel):
    """What tickets must be like."""

    model_config = ConfigDict(extra="forbid")

    min_confidence: Annotated[
        float | None, Field(ge=0, le=1, description="Of each label that is asked for.")
    ] = None
    where: Annotated[
        list[OwnLabel],
        Field(max_length=MAX_LABELS, description="A label of one of your own tasks; given twice, either."),
    ] = []

    def filters(self, own: Definitions) -> Filters:
        """What the tickets must be like. Raises the problem 422 where nothing has a confidence, and where
        there is no such label among your `own` tasks."""
        named = {facet: tuple(getattr(self, name)) for name, facet in FILTERS.items()}
        flagged = {facet: ("yes",) for name, facet in FLAGS.items() if getattr(self, name)}
        labels = {name: wanted for name, wanted in {**named, **flagged}.items() if wanted}
        try:
            labels |= labels_by_task(self.where, own)
            for facet in NAMES_OF_TASKS:
                check_task_names(labels.get(facet, ()), CORRECTABLE, own)
        except UnknownOwnLabel as error:
            raise Problem(422, "invalid_request", str(error), "GET /tasks lists tasks and labels") from None
        if self.min_confidence is not None and not self.where and not labels.keys() & CONFIDENCES.keys():
            raise Problem(
                422,
                "invalid_request",
                "min_confidence needs a label that a model is more or less sure of",
                f"ask for one of {', '.join((*CONFIDENCES, 'where'))} too, or leave min_confidence out",
            )
        return Filters(labels, self.min_confidence)


class ListedBase(Period, Filtered):
    """How a list is cut."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE_ROWS, description="Rows at the most.")] = 50
    cursor: Annotated[str | None, Field(max_length=500, description="Goes on where a page ended.")] = None


class AnyTime(BaseModel):
    """From when to when tickets were received; else they are of any time."""

    model_config = ConfigDict(extra="forbid")

    since: Since | None = None
    until: Until | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_FOUND, description="Tickets at the most.")] = 20

    def start(self, now: datetime) -> datetime | None:
        """The first moment, in UTC."""
        return moment("since", self.since, now) if self.since is not None else None

    def end(self, now: datetime) -> datetime | None:
        """The moment after the last, in UTC."""
        return moment("until", self.until, now) if self.until is not None else None


class SearchedBase(AnyTime, Filtered):
    """What is looked for."""

    q: Annotated[
        str, Field(pattern=r"\S", max_length=MAX_QUESTION_CHARS, description="A question, words, or a code.")
    ]


def _labels(facet: str) -> Any:
    vocabulary = CLOSED_VOCABULARIES.get(facet)
    word: Any = Literal[vocabulary] if vocabulary else Annotated[str, Field(min_length=1, max_length=256)]
    return list[word]


_FIELDS: dict[str, Any] = {
    **{
        name: (
            _labels(facet),
            Field([], max_length=MAX_LABELS, description=f"The {name}; given twice, either."),
        )
        for name, facet in FILTERS.items()
    },
    "review": (bool, Field(False, description="Only what a person should see.")),
    "conflict": (bool, Field(False, description="Only where text and stated priority contradict.")),
}
_Listed: Any = create_model("Listed", __base__=ListedBase, **_FIELDS)
Listed = Annotated[_Listed, Query()]
"""All query parameters of a list, as an argument of a route."""
_Searched: Any = create_model("Searched", __base__=SearchedBase, **_FIELDS)
Searched = Annotated[_Searched, Query()]
"""All query parameters of a search, as an argument of a route."""


def moment(name: str, text: str, now: datetime) -> datetime:
    """The moment that a text means, in UTC. Raises the problem 422 where it means none."""
    if ago := _AGO.fullmatch(text):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        errors = [{"field": f"query.{name}", "expected": SINCE_EXPECTED}]
        raise Problem(
            422, "invalid_request", "the request is not as the API expects it", errors=errors
        ) from None
