"""`ticketmill tasks`: your own tasks, such as the product line that a ticket is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, counted, examples, say, table

if TYPE_CHECKING:
    from ticketmill.operations.own_tasks import TaskDefinitions

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="As in product_line: lower-case letters, digits and underscores.")]


@app.command("list")
def list_tasks(as_json: AsJson = False) -> None:
    """List your own tasks with their labels."""
    with _opened() as definitions:
        found = list(definitions.named().values())
    if as_json:
        for each in found:
            answer_json(each.model_dump(mode="json"))
        return
    rows = [(each.name, each.kind, ", ".join(each.labels)) for each in found]
    table(counted(len(found), "task") + " of your own", ("task", "takes", "labels"), rows)


@app.command(
    epilog=examples(
        "ticketmill tasks add product_line --labels router,modem,tv",
        "ticketmill tasks add features --labels wifi,voice,mesh --multi",
        "ticketmill label TKT-001 --set product_line=router",
    )
)
def add(
    name: Name,
    labels: Annotated[str, typer.Option(metavar="LABEL,LABEL,…", help="All its labels, between commas.")],
    multi: Annotated[bool, typer.Option("--multi", help="A ticket may have several, or none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a task, or give one that is there other labels.

    People can label tickets with it at once, and lists are filtered by it. A server knows it within 30
    seconds. Labels that are left out cannot be given any more; tickets keep them.
    """
    from pydantic import ValidationError

    from ticketmill.domain.dataset import TaskDefinition

    chosen = tuple(each.strip() for each in labels.split(",") if each.strip())
    try:
        task = TaskDefinition(name=name, kind="multi" if multi else "single", labels=chosen)
    except ValidationError as error:
        raise typer.BadParameter(_told(error)) from None
    with _opened() as definitions:
        earlier = definitions.add(task)
    if as_json:
        answer_json(task.model_dump(mode="json"))
        return
    takes = "any number" if multi else "one"
    answer(f"{'added' if earlier is None else 'changed'} {name}: {takes} of {', '.join(chosen)}")
    left_out = [] if earlier is None else [each for each in earlier.labels if each not in chosen]
    if left_out:
        say(f"cannot be given any more: {', '.join(left_out)}")


@app.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Remove a task: nobody is asked for it any more. What people said of it stays."""
    with _opened() as definitions:
        removed = definitions.remove(name)
    if as_json:
        answer_json(removed.model_dump(mode="json"))
    else:
        answer(f"removed {name}; what people said of it stays in the journal and on the tickets")


@contextmanager
def _opened() -> Iterator[TaskDefinitions]:
    from ticketmill import bootstrap
    from ticketmill.operations.own_tasks import TaskDefinitions
    from ticketmill.settings import load_settings

    settings = load_settings()
    store = bootstrap.learning_store_of(settings, bootstrap.connect(settings))
    yield TaskDefinitions(store.datasets)


def _told(error: object) -> str:
    """What is wrong with a definition, in words."""
    expected = {
        "name": "a task is called as in product_line: 2 to 32 lower-case letters, digits and underscores",
        "labels": "expected 1 to 200 labels that differ, each of at most 64 characters on one line",
    }
    (fault, *_) = error.errors(include_url=False, include_input=False)  # type: ignore[attr-defined]
    return expected[str(fault["loc"][0])]
