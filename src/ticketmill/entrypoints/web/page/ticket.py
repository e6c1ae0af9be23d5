"""One ticket, as the page shows it beside the list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ticketmill.domain.duplicates import reference_of
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.label import CorrectionKind, PersonLabel, Shown
from ticketmill.entrypoints.web.page.labels import CORRECTABLE, Chip, chips, own_chips, words
from ticketmill.entrypoints.web.page.passages import Mark, Passage, Run, passages, phrase_marks, runs
from ticketmill.entrypoints.web.page.record import FullRecord
from ticketmill.operations.corrections import CorrectableTask
from ticketmill.tasks import custom
from ticketmill.tasks.table import BY_NAME, TASKS
from ticketmill.tasks.task import Lines

MAX_SHOWN_CHARS = 100_000
KEYS_A_PAGE = 9
TAKEN_KEYS = frozenset("jkozxgdn")
"""Letters that mean something else than a task."""


@dataclass(frozen=True, slots=True)
class Option:
    """A label that a person may say. `key` is its digit, of the given page of the labels."""

    label: str
    is_said: bool
    score: float | None
    key: int
    page: int

    @property
    def words(self) -> str:
        return words(self.label)

    @property
    def percent(self) -> int | None:
        return None if self.score is None else round(100 * self.score)


@dataclass(frozen=True, slots=True)
class TaskPanel:
    """A task that people may correct: what it says, why, and what else it could say."""

    name: str
    key: str
    is_many: bool
    chips: tuple[Chip, ...]
    options: tuple[Option, ...]
    why: tuple[tuple[str, float], ...]
    person: PersonLabel | None
    predicted: Shown | None
    is_stale: bool

    @property
    def cannot_tell(self) -> bool:
        return self.person is not None and self.person.kind == CorrectionKind.CANNOT_TELL

    @property
    def pages(self) -> int:
        return 1 + max((option.page for option in self.options), default=0)


@dataclass(frozen=True, slots=True)
class TicketView:
    """Everything that the page shows of a ticket."""

    row: EffectiveRow
    tasks: tuple[TaskPanel, ...]
    subject: tuple[Run, ...]
    body: tuple[Passage, ...]
    is_cut: bool
    missing: str
    entities: tuple[tuple[str, str], ...]
    lines: Lines
    is_blind: bool = False
    """Whether what the models say is left out."""

    @property
    def reference(self) -> str | None:
        """The ticket that it is a duplicate of, as a person says."""
        return reference_of(self.row)

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(map(words, self.row.review_reasons))


def ticket_view(
    row: EffectiveRow,
    record: FullRecord,
    correctable: Mapping[str, CorrectableTask],
    is_blind: bool = False,
) -> TicketView:
    """What the page shows of a row and its full enrichment."""
    enriched = record.enriched
    made = None if is_blind else enriched
    text = enriched.text if enriched else row.subject
    subject_end = len(enriched.subject if enriched else row.subject)
    body_start = subject_end + 1 if subject_end else 0
    own = enriched.enrichment.own_text if enriched else ()
    marks = _marks(made, text)
    shown = text[: body_start + MAX_SHOWN_CHARS]
    return TicketView(
        row=row,
        tasks=tuple(_panels(row, made, correctable)),
        subject=tuple(runs(text, 0, subject_end, marks)),
        body=tuple(passages(shown, body_start, own, marks)) if len(shown) > body_start else (),
        is_cut=len(shown) < len(text),
        missing=record.missing,
        entities=_entities(enriched),
        lines=[] if is_blind else _lines(row, made),
        is_blind=is_blind,
    )


def task_keys(names: Iterable[str]) -> dict[str, str]:
    """The letter that chooses each task: the first of its name that means nothing else."""
    keys: dict[str, str] = {}
    for name in names:
        free = (letter for letter in name if letter not in TAKEN_KEYS and letter not in keys.values())
        keys[name] = next(free, "")
    return keys


def _panels(
    row: EffectiveRow, enriched: EnrichedTicket | None, correctable: Mapping[str, CorrectableTask]
) -> Iterable[TaskPanel]:
    shown = {task.name: chips(row, task) for task in CORRECTABLE if task.name in correctable}
    shown |= {name: own_chips(row, name) for name in correctable if name not in BY_NAME}
    keys = task_keys(shown)
    for name, said in shown.items():
        known = correctable[name]
        made = _prediction(enriched, name)
        yield TaskPanel(
            name=name,
            key=keys[name],
            is_many=known.is_many,
            chips=said,
            options=_options(known, said, _scores(made)),
            why=tuple((each.text, each.weight) for each in getattr(made, "evidence", ())),
            person=row.person.get(name),
            predicted=row.predicted.get(name),
            is_stale=name in row.stale_labels,
        )


def _prediction(enriched: EnrichedTicket | None, task: str) -> Any:
    """What a model says of a task of ours or of yours; None where it says nothing."""
    if enriched is None:
        return None
    return (
        getattr(enriched.enrichment, task, None) if task in BY_NAME else enriched.enrichment.custom.get(task)
    )


def _scores(made: Any) -> Mapping[str, float]:
    """The probability of each label, as far as it was kept."""
    if isinstance(made, tuple):
        return {each.label: each.confidence for each in made}
    return getattr(made, "scores", {})


def _options(task: CorrectableTask, said: Sequence[Chip], scores: Mapping[str, float]) -> tuple[Option, ...]:
    """The labels, each with its digit. Ten labels have 1 to 9 and 0; of more, 0 shows the next nine."""
    a_page = 10 if len(task.labels) == 10 else KEYS_A_PAGE
    labels = {chip.label for chip in said}
    return tuple(
        Option(label, label in labels, scores.get(label), (number % a_page + 1) % 10, number // a_page)
        for number, label in enumerate(task.labels)
    )


def _marks(enriched: EnrichedTicket | None, text: str) -> list[Mark]:
    """The words that spoke for labels, and the entities."""
    if enriched is None:
        return []
    marks: list[Mark] = []
    own = enriched.enrichment.own_text
    for task in TASKS:
        made = getattr(enriched.enrichment, task.name, None)
        for each in getattr(made, "evidence", ()):
            title = f"speaks for {task.name} {words(getattr(made, 'label', ''))} ({each.weight:.2f})"
            marks += phrase_marks(text, each.text, own, "evidence", title)
    for each in getattr(enriched.enrichment, "entities", None) or ():
        marks.append(Mark(each.start, each.end, "entity", words(each.kind)))
    return marks


def _entities(enriched: EnrichedTicket | None) -> tuple[tuple[str, str], ...]:
    found = getattr(enriched.enrichment, "entities", None) or () if enriched else ()
    return tuple(dict.fromkeys((words(each.kind), str(each.value)) for each in found))


def _lines(row: EffectiveRow, enriched: EnrichedTicket | None) -> Lines:
    """What else is known: every task, and how it was made."""
    lines: Lines = [*(line for task in TASKS for line in task.row_lines(row)), *custom.row_lines(row)]
    if enriched:
        for task in TASKS:
            made = getattr(enriched.enrichment, task.name, None)
            lines += task.detail_lines(made) if made else []
        lines.append(("models", ", ".join(f"{task}: {name}" for task, name in row.models.items())))
    lines += [
        ("failed stages", ", ".join(row.failed_stages)),
        ("stand-ins", ", ".join(f"{stage}: {why}" for stage, why in row.fallbacks.items())),
        ("customer", row.customer_id),
        ("channel", row.source),
        ("tags", ", ".join(row.tags)),
        ("stated priority", row.stated_priority),
        ("machine mail", row.automatic_kind),
        ("warnings", ", ".join(f"{each.code} {each.field or ''}".strip() for each in row.warnings)),
        ("bundle", row.fingerprint),
        ("raw", f"s3://{row.raw.bucket}/{row.raw.key}"),
        ("revision", row.revision),
    ]
    return [(name, value) for name, value in lines if value not in (None, "")]
