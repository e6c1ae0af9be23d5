"""Facets: the labels that a row is found and counted by, each as `name=value`.

A row's facets are one attribute of the table, a set of texts, and the only one that an index repeats. A new
kind of label is a new name in that set: it needs no new index.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

MAX_VALUE_CHARS = 64
"""A longer value, as a tag may have, is cut."""

FALLBACK_SUFFIX = "_fallback"
"""Ends the name of labels that stand in for predictions, as `topics_fallback=vip` for a ticket's own tag."""

FACET = "facet"
"""Marks a field of the row: its labels are facets, called as the field."""


FACETS_BY_TASK = "facets_by_task"
"""Marks a field of the row with predictions by task: their labels are facets, called as the task."""


def facet_names(row_type: type[BaseModel]) -> list[str]:
    """The fields of a row whose labels are facets."""
    return _marked(row_type, FACET)


def facet(name: str, value: object) -> str:
    """A label as it stands in the set, as in `urgency=high`."""
    return f"{name}={str(value)[:MAX_VALUE_CHARS]}"


def facets_of(row: BaseModel) -> frozenset[str]:
    """The facets of a row, from its marked fields."""
    named = chain(
        ((name, getattr(row, name)) for name in facet_names(type(row))),
        (
            (task, prediction.labels)
            for name in _marked(type(row), FACETS_BY_TASK)
            for task, prediction in getattr(row, name).items()
        ),
    )
    return frozenset(facet(name, label) for task, value in named for name, label in _labels(task, value))


def _marked(row_type: type[BaseModel], mark: str) -> list[str]:
    return [name for name, field in row_type.model_fields.items() if mark in field.metadata]


def _labels(name: str, value: Any) -> Iterator[tuple[str, object]]:
    """A label, several, or a yes; predictions among several tell whether they are fallbacks."""
    match value:
        case None | False | "":
            return
        case True:
            yield name, "yes"
        case tuple():
            for each in value:
                label = getattr(each, "label", each)
                is_fallback = getattr(each, "source", None) == "fallback"
                yield (f"{name}{FALLBACK_SUFFIX}" if is_fallback else name), label
        case _:
            yield name, value
