"""What a task is: how one thing is called, kept on the row, shown, counted, filtered, corrected, measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from ticketmill.domain.row import TicketRow
    from ticketmill.tasks.learned import Chosen
    from ticketmill.tasks.stage import EncodedTicket

Prediction = TypeVar("Prediction")
Lines = list[tuple[str, object]]
"""What `show` prints: the name of a field and its value."""
Measured = Literal["class", "tags", "summary"]


@dataclass(frozen=True, slots=True)
class Column(Generic[Prediction]):
    """One attribute of the row, and how a prediction fills it; None leaves it off the row."""

    name: str
    value: Callable[[Prediction], Any]
    in_csv: bool = False


def _no_lines(_subject: Any) -> Lines:
    return []


def _no_reason(_prediction: Any, _review_below: float) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Task(Generic[Prediction]):
    """One thing that is read off a ticket. Everything else derives from the table of these."""

    name: str
    """Also the field of the enrichment that holds the prediction."""
    columns: tuple[Column[Prediction], ...] = ()
    label: str | None = None
    """The column of its label or labels: what `list` filters by and `stats` counts."""
    option: str | None = None
    """What `list` calls its filter, where that is not the name of the label's column."""
    confidence: str | None = None
    """The column of the confidence that `list --min-confidence` asks for."""
    is_listed: bool = False
    """Whether `list` has a column of it."""
    is_correctable: bool = False
    """Whether a person may say that it is wrong."""
    vocabulary: tuple[str, ...] | None = None
    """Its labels, where no taxonomy and no model chooses them."""
    measured: Measured | None = None
    """How `evaluate` compares it with what people say."""
    of_machine: Callable[[EncodedTicket], Prediction] | None = None
    """What mail gets that a machine wrote, instead of a model's prediction."""
    of_learned: Callable[[EncodedTicket, Chosen], Prediction] | None = None
    """What makes a prediction of what a learned version says; None where none can be learned."""
    review_reason: Callable[[Prediction, float], str | None] = _no_reason
    """Why a person should look at a prediction, given the confidence that is asked for."""
    row_lines: Callable[[TicketRow], Lines] = _no_lines
    """What `show` prints of the row."""
    detail_lines: Callable[[Prediction], Lines] = _no_lines
    """What `show` prints of the full enrichment beside that."""

    def attributes(self, prediction: Prediction) -> dict[str, Any]:
        """The attributes of the row that keep `prediction`."""
        return {column.name: column.value(prediction) for column in self.columns}


def low_confidence(name: str) -> Callable[[Any, float], str | None]:
    """The reason `<name>_confidence` for a prediction that is less sure than it must be."""

    def reason(prediction: Any, review_below: float) -> str | None:
        return f"{name}_confidence" if prediction.confidence < review_below else None

    return reason


def labelled(name: str, *more: Column[Any]) -> tuple[Column[Any], ...]:
    """The columns of a prediction with label, confidence and source, as in `intent`, `intent_confidence`."""
    return (
        Column(name, lambda prediction: prediction.label, in_csv=True),
        Column(f"{name}_confidence", lambda prediction: prediction.confidence, in_csv=True),
        Column(f"{name}_source", lambda prediction: prediction.source, in_csv=True),
        *more,
    )


def with_confidence(label: object, confidence: float | None) -> str:
    """As in `login_issue (0.93)`; empty where there is no label."""
    if label is None:
        return ""
    return str(label) if confidence is None else f"{label} ({confidence:.2f})"


def label_line(name: str) -> Callable[[TicketRow], Lines]:
    """The line of a label with its confidence."""

    def lines(row: TicketRow) -> Lines:
        label = getattr(row, name)
        return [(name, with_confidence(label, getattr(row, f"{name}_confidence")))] if label else []

    return lines


def evidence_line(name: str) -> Callable[[Any], Lines]:
    """The line of the words that spoke most for a label."""

    def lines(prediction: Any) -> Lines:
        phrases: Sequence[Any] = prediction.evidence
        told = ", ".join(f"{each.text!r} ({each.weight:.2f})" for each in phrases)
        return [(f"{name} because of", told)] if told else []

    return lines
