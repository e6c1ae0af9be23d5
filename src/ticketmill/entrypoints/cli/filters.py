"""The options that `list` filters by: one for each kind of label, made from the table of the tasks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from ticketmill.entrypoints.cli.output import nearest
from ticketmill.queries.columns import (
    CLOSED_VOCABULARIES,
    CONFIDENCES,
    CORRECTABLE,
    FILTERS,
    NAMES_OF_TASKS,
    OPEN_VOCABULARIES,
    VOCABULARIES,
)

if TYPE_CHECKING:
    from ticketmill.queries.own_tasks import Definitions

Labels = Mapping[str, Sequence[str]]


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each filter in the place of its `**labels`."""
    return with_options(
        command,
        {name: Annotated[list[str] | None, _option(name, facet)] for name, facet in FILTERS.items()},
    )


def with_options(command: Callable[..., None], annotations: Mapping[str, Any]) -> Callable[..., None]:
    """The command with these options, None where they are not given, in the place of its `**labels`."""
    signature, hints = inspect.signature(command), get_type_hints(command, include_extras=True)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in annotations.items()
    ]
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    setattr(command, "__signature__", signature.replace(parameters=[*options, *own]))  # noqa: B010
    return command


def _option(name: str, facet: str) -> Any:
    vocabulary = VOCABULARIES.get(facet)
    return typer.Option(
        f"--{name}",
        metavar="|".join(vocabulary) if vocabulary else "TEXT",
        help="May be given more than once.",
    )


def check_labels(given: Mapping[str, Sequence[str] | None]) -> dict[str, tuple[str, ...]]:
    """The labels that the options ask for, by facet; refuses one that a closed vocabulary does not have."""
    wanted = {FILTERS[name]: tuple(labels) for name, labels in given.items() if labels}
    for facet, labels in wanted.items():
        _refuse(facet, labels, CLOSED_VOCABULARIES.get(facet, ()))
    return wanted


def check_filters(
    given: Mapping[str, Sequence[str] | None],
    where: Sequence[str] | None,
    min_confidence: float | None,
    needs_review: bool,
) -> dict[str, tuple[str, ...]]:
    """The labels that all options together ask for; refuses a confidence that is one of nothing."""
    wanted = check_labels(given)
    if min_confidence is not None and not where and not wanted.keys() & CONFIDENCES.keys():
        options = ", ".join(f"--{name}" for name in (*CONFIDENCES, "where"))
        raise typer.BadParameter(f"--min-confidence needs one of {options}")
    return {**wanted, "needs_review": ("yes",)} if needs_review else wanted


def with_own_tasks(wanted: Labels, where: Sequence[str], own: Definitions) -> dict[str, tuple[str, ...]]:
    """`wanted`, and what `--where` asks for; refuses tasks and labels that are neither ours nor in `own`."""
    from ticketmill.queries.own_tasks import UnknownOwnLabel, check_task_names, labels_by_task

    param = "--where"
    try:
        found = {**{facet: tuple(labels) for facet, labels in wanted.items()}, **labels_by_task(where, own)}
        for facet in NAMES_OF_TASKS:
            param = f"--{_option_of(facet)}"
            check_task_names(wanted.get(facet, ()), CORRECTABLE, own)
    except UnknownOwnLabel as error:
        raise typer.BadParameter(str(error), param_hint=param) from None
    return found


def refuse_unknown_labels(
    wanted: Labels, bundle_dir: Path, labels_of_tickets: Callable[[str], set[str]]
) -> None:
    """After a search without result: refuses labels that neither the bundle nor a ticket knows."""
    from ticketmill.bootstrap.corrections import taxonomy_labels

    for name, labels in wanted.items():
        if name in OPEN_VOCABULARIES:
            of_bundle = taxonomy_labels(bundle_dir, OPEN_VOCABULARIES[name])
            _refuse(name, labels, sorted({*of_bundle, *labels_of_tickets(name)}))


def _refuse(facet: str, labels: Sequence[str], known: Sequence[str]) -> None:
    name = _option_of(facet)
    for label in labels:
        if known and label not in known:
            raise typer.BadParameter(
                f'there is no {name} "{label}"{nearest(label, known)}; there are: {", ".join(known)}',
                param_hint=f"--{name}",
            )


def _option_of(facet: str) -> str:
    return next(name for name, filtered in FILTERS.items() if filtered == facet)
