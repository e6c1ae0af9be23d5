"""What `evaluate` measures: the bundle's model of a task, or a learned version of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ticketmill.bootstrap.enricher import load_enricher
from ticketmill.bootstrap.learned import make_version_loader
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.ticket import Ticket
    from ticketmill.learning.store import LearningStore
    from ticketmill.tasks.task import Task

SERVING = "serving"
"""In the place of a version's name: the one that serves."""


@dataclass(frozen=True)
class Measurable:
    """A model of a task that can be measured on labelled texts."""

    name: str
    """As in `the bundle` and `product_line/v3`."""
    task: str
    is_single: bool
    """Whether exactly one label is right."""
    vocabulary: tuple[str, ...]
    load: Callable[[], Callable[[Sequence[Ticket]], Sequence[Any]]]
    """Loads the model: it gives each ticket a prediction of the task."""


def bundle_model(settings: Settings, task: Task[Any]) -> Measurable:
    """What this machine's bundle and its settings say of a task."""

    def load() -> Callable[[Sequence[Ticket]], Sequence[Any]]:
        enricher = load_enricher(settings)
        return lambda tickets: [getattr(each, task.name) or () for each in enricher.enrich(tickets)]

    return Measurable("the bundle", task.name, task.measured == "class", _vocabulary(settings, task), load)


def learned_model(settings: Settings, store: LearningStore, task: str, version: str) -> Measurable:
    """What a version says of a task, or the one that serves it. LearningRefused where there is none.

    The labels that the task has now count beside those of the version: it has one wrong that it lacks.
    """
    from ticketmill.tasks.custom import of_learned
    from ticketmill.tasks.table import BY_NAME

    model = make_version_loader(settings, store)(task, _number_of(store, task, version))
    defined = [
        label for each in store.datasets.task_definitions() if each.name == task for label in each.labels
    ]
    shipped = BY_NAME.get(task)
    stage = model.stage(of_learned if shipped is None or shipped.of_learned is None else shipped.of_learned)

    def load() -> Callable[[Sequence[Ticket]], Sequence[Any]]:
        enricher = load_enricher(settings)
        return lambda tickets: stage(enricher.encode(tickets))

    vocabulary = tuple(dict.fromkeys([*model.overlay.spec.labels, *defined]))
    return Measurable(model.name, task, model.is_single, vocabulary, load)


def _number_of(store: LearningStore, task: str, version: str) -> int:
    from ticketmill.domain.errors import LearningCode, LearningRefused
    from ticketmill.learning.registry import find_version

    if version != SERVING:
        found = find_version(store, version)
        if found.task != task:
            raise LearningRefused(
                LearningCode.UNKNOWN_VERSION, f"{version} is a version of {found.task}, and not of {task}"
            )
        return found.number
    decision = store.rollouts.current().tasks.get(task)
    if decision is None or decision.serving is None:
        raise LearningRefused(
            LearningCode.UNKNOWN_VERSION,
            f"no version of {task} serves: name one by --version, as in {task}/v1; "
            "`ticketmill models list` has them",
        )
    return decision.serving


def _vocabulary(settings: Settings, task: Task[Any]) -> tuple[str, ...]:
    from ticketmill.domain.labels import Intent
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.models.prototypes import read_taxonomies_of

    if task.vocabulary is not None:
        return task.vocabulary
    if task.name == "intent" and settings.intent == "rules":
        return tuple(Intent)
    taxonomies = read_taxonomies_of(load_bundle(settings.bundle_dir))
    names: tuple[str, ...] = getattr(taxonomies, task.name).names
    return names
