"""`ticketmill label`: what a person says of a ticket's labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.filters import with_options
from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, examples, nearest
from ticketmill.entrypoints.cli.since import EXPECTED
from ticketmill.tasks.table import TASKS

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.operations.corrections import CorrectableTask, Corrections, Speaker, Word
    from ticketmill.settings import Settings
    from ticketmill.tasks.task import Task

NEXT = "next"
NO_TOPIC = "none"

CORRECTABLE: Mapping[str, Task[Any]] = {
    task.option or task.name: task for task in TASKS if task.is_correctable
}
"""The tasks that people correct, by the option that names the right label."""

EPILOG = examples(
    "ticketmill label TKT-001 --urgency high --intent payment_issue",
    "ticketmill label TKT-001 --set product_line=router",
    "ticketmill label TKT-001 --confirm",
    "ticketmill label TKT-001 --undo urgency",
    "ticketmill label next",
)


OwnLabels = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TASK=LABEL",
        help="The right label of one of your own tasks. May be given more than once.",
    ),
]


def _options() -> dict[str, Any]:
    return {name: _option(name, task) for name, task in CORRECTABLE.items()}


def _option(name: str, task: Task[Any]) -> Any:
    if task.measured == "tags":
        option = typer.Option(f"--{name}", help=f"May be given more than once; {NO_TOPIC} where none fits.")
        return Annotated[list[str] | None, option]
    metavar = "|".join(task.vocabulary) if task.vocabulary else "TEXT"
    return Annotated[str | None, typer.Option(f"--{name}", metavar=metavar, help="The right label.")]


def _with_labels(command: Callable[..., None]) -> Callable[..., None]:
    return with_options(command, _options())


@_with_labels
def label(
    ticket_id: Annotated[
        str, typer.Argument(help=f"The ticket's id; `{NEXT}` goes through what needs review.")
    ],
    tasks: Annotated[
        list[str] | None, typer.Argument(metavar="[TASK]...", help="With --undo: these tasks alone.")
    ] = None,
    own: OwnLabels = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="All other labels that the ticket has are right.")
    ] = False,
    cannot_tell: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK", help="The text does not tell. May be given more than once."),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back what was said last, or of each TASK that is named.")
    ] = False,
    note: Annotated[str | None, typer.Option(help="A remark, at most 1,000 characters.")] = None,
    who: Annotated[
        str | None, typer.Option(help="Who says so; else TICKETMILL_PERSON, else the login name.")
    ] = None,
    since: Annotated[str, typer.Option(help=f"With {NEXT}: uploaded since then: {EXPECTED}.")] = "7d",
    as_json: AsJson = False,
    **labels: str | list[str] | None,
) -> None:
    """Say which labels are right. No model overwrites that, as long as the ticket's content stays.

    Exit code 5 where there is no such ticket, 2 for a label that does not exist.
    """
    says_something = any((*labels.values(), own, cannot_tell, confirm))
    if ticket_id == NEXT:
        if says_something or undo or tasks or as_json:
            raise typer.BadParameter(
                f"`label {NEXT}` asks for each label; it takes --since, --who and --note"
            )
        from ticketmill.entrypoints.cli.labelling import label_next

        with _opened(who, note) as (settings, adapters, corrections, speaker):
            label_next(settings, adapters, corrections, speaker, since)
        return
    if undo == says_something:
        options = ", ".join(f"--{name}" for name in (*CORRECTABLE, "set", "confirm", "cannot-tell", "undo"))
        raise typer.BadParameter(f"say what is right, or undo what was said; one of {options}")
    if tasks and not undo:
        raise typer.BadParameter("tasks are named after --undo; a label is given as in --urgency high")
    with _opened(who, note) as (_, adapters, corrections, speaker):
        words = _words(labels, own or [], cannot_tell or [], corrections.tasks)
        known_id = _id_of(adapters, ticket_id)
        if undo:
            named = [_task(name, corrections.tasks) for name in tasks or ()]
            row = corrections.undo(known_id, speaker, named)
        elif confirm:
            row = corrections.confirm(known_id, speaker, words)
        else:
            row = corrections.correct(known_id, words, speaker)
        _tell(row, as_json)


def _words(
    labels: Mapping[str, str | list[str] | None],
    own: list[str],
    cannot_tell: list[str],
    tasks: Mapping[str, CorrectableTask],
) -> dict[str, Word]:
    """What is said of each task. The labels themselves are checked where they are recorded."""
    from ticketmill.domain.label import CorrectionKind
    from ticketmill.operations.corrections import Word

    given = {
        CORRECTABLE[name].name: [said] if isinstance(said, str) else list(said)
        for name, said in labels.items()
        if said
    }
    for each in own:
        name, equals, said = each.partition("=")
        if not equals:
            raise typer.BadParameter("write as in product_line=router", param_hint="--set")
        given.setdefault(_task(name, tasks), []).append(said)
    words = {task: Word(CorrectionKind.LABEL, _chosen(said, tasks.get(task))) for task, said in given.items()}
    for name in cannot_tell:
        task = _task(name, tasks)
        if task in words:
            raise typer.BadParameter(f"a label of {task}, or --cannot-tell {task}: not both")
        words[task] = Word(CorrectionKind.CANNOT_TELL)
    return words


def _chosen(said: list[str], task: CorrectableTask | None) -> tuple[str, ...]:
    """The labels; of a task with several, `none` says that no label fits."""
    if task is None or not task.is_many or NO_TOPIC in task.labels:
        return tuple(said)
    return tuple(each for each in said if each != NO_TOPIC)


def _task(name: str, tasks: Mapping[str, CorrectableTask]) -> str:
    """The task that a person calls `name`: by its own name, or by that of its option."""
    options = {option: task.name for option, task in CORRECTABLE.items()}
    known = {**{each: each for each in tasks}, **options}
    if name not in known:
        there_are = ", ".join((*CORRECTABLE, *(each for each in tasks if each not in options.values())))
        raise typer.BadParameter(
            f'there is no task "{name}" to correct{nearest(name, known)}; there are: {there_are}'
        )
    return known[name]


@contextmanager
def _opened(who: str | None, note: str | None) -> Iterator[tuple[Settings, Adapters, Corrections, Speaker]]:
    from ticketmill import bootstrap
    from ticketmill.domain.label import FoundBy
    from ticketmill.entrypoints.cli.person import name_of_person
    from ticketmill.operations.corrections import Speaker
    from ticketmill.settings import load_settings

    settings = load_settings()
    adapters = bootstrap.connect(settings)
    corrections = bootstrap.make_corrections(settings, adapters)
    yield settings, adapters, corrections, Speaker(name_of_person(settings, who), FoundBy.FOUND, note)


def _id_of(adapters: Adapters, typed: str) -> str:
    """The id of a ticket by its id here, or by the one that its helpdesk gave it."""
    found = adapters.queries.find(typed)
    return typed if found is None else found.ticket_id


def _tell(row: EffectiveRow, as_json: bool) -> None:
    if as_json:
        answer_json(row.model_dump(mode="json", exclude_none=True))
        return
    from ticketmill.entrypoints.cli.person import person_lines

    lines = list(person_lines(row))
    for name, value in lines:
        answer(f"{row.ticket_id}: {name}: {value}")
    if not lines:
        answer(f"{row.ticket_id}: nobody has said anything of it that stands")
