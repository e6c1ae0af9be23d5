"""The options that `list` filters by: one for each kind of label, made from the table of the tasks."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import nearest
from ticketmill.queries.columns import FILTERS, TAXONOMIES, VOCABULARIES

TAXONOMY = "taxonomy.json"

Labels = Mapping[str, Sequence[str]]


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each filter in the place of its `**labels`."""
    signature = inspect.signature(command)
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[list[str] | None, _option(name)],
        )
        for name in FILTERS
    ]
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    setattr(command, "__signature__", signature.replace(parameters=[*options, *own]))  # noqa: B010
    return command


def _option(name: str) -> Any:
    vocabulary = VOCABULARIES.get(name)
    return typer.Option(
        f"--{name}",
        metavar="|".join(vocabulary) if vocabulary else "TEXT",
        help="May be given more than once.",
    )


def check_labels(wanted: Labels) -> None:
    """Refuses a label of a closed vocabulary that does not exist."""
    for name, labels in wanted.items():
        _refuse(name, labels, VOCABULARIES.get(name, ()))


def refuse_unknown_labels(
    wanted: Labels, bundle_dir: Path, labels_of_tickets: Callable[[str], set[str]]
) -> None:
    """After a search without result: refuses labels that neither the bundle nor a ticket knows."""
    for name, labels in wanted.items():
        if name in TAXONOMIES:
            of_bundle = _labels_of_bundle(TAXONOMIES[name], bundle_dir)
            _refuse(name, labels, sorted({*of_bundle, *labels_of_tickets(name)}))


def _refuse(name: str, labels: Sequence[str], known: Sequence[str]) -> None:
    for label in labels:
        if known and label not in known:
            raise typer.BadParameter(
                f'there is no {name} "{label}"{nearest(label, known)}; there are: {", ".join(known)}',
                param_hint=f"--{name}",
            )


def _labels_of_bundle(task: str, bundle_dir: Path) -> list[str]:
    """The labels that a bundle's taxonomy names; none without a bundle: a list needs none."""
    try:
        taxonomies = json.loads((bundle_dir / TAXONOMY).read_bytes())
        return [each["label"] for each in taxonomies[task]["labels"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
