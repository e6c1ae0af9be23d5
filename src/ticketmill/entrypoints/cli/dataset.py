"""`ticketmill dataset`: what people say, as frozen examples that models are trained and judged on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.learned import StoreFolder
from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, counted, examples, say, table

if TYPE_CHECKING:
    from ticketmill.domain.dataset import Dataset
    from ticketmill.learning.snapshots import Snapshots

app = typer.Typer(no_args_is_help=True)

SHOWN_LABELS = 20
SHOWN_CONFLICTS = 10
SHOWN_IDS = 10

TaskName = Annotated[str, typer.Option("--task", help="Such as intent, or a task of your own.")]


@app.command(
    epilog=examples(
        "ticketmill dataset build --task intent",
        "ticketmill dataset build --task sentiment --data posts.jsonl --no-corpus --store learning",
    )
)
def build(
    task: TaskName,
    data: Annotated[
        list[Path] | None, typer.Option(help="A file of labels, JSON lines or CSV; may be repeated.")
    ] = None,
    label_field: Annotated[
        str | None, typer.Option(help="Field of the label in the files; without it the task's name.")
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="Only rows of the files whose `part` or `split` says so.")
    ] = None,
    corpus: Annotated[
        bool, typer.Option("--corpus/--no-corpus", help="With the tickets that ticketmill comes with.")
    ] = True,
    journal: Annotated[
        bool | None,
        typer.Option(
            "--journal/--no-journal", help="With what people said on the stack; with --store without."
        ),
    ] = None,
    multi: Annotated[
        bool, typer.Option("--multi", help="Several labels may be right; for a task that is not defined.")
    ] = False,
    new_labels: Annotated[
        bool, typer.Option("--new-labels", help="Take labels that the task does not have.")
    ] = False,
    leave_out_rare: Annotated[
        bool, typer.Option("--leave-out-rare", help="Leave out labels with too few examples to train on.")
    ] = False,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a dataset of what people said, of files of labels, and of the shipped corpus.

    It is named by its content. What the dataset before it held out stays held out. Labels of earlier content,
    and those that people do not agree on, are left out and listed.
    """
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    settings = load_settings()
    wanted = bootstrap.WantedDataset(
        task, data or (), label_field, part, corpus, multi, new_labels, leave_out_rare
    )
    with_journal = journal if journal is not None else store is None
    with bootstrap.open_sources(settings, store, with_journal) as (learning, sources):
        built = bootstrap.build_dataset(settings, wanted, learning, sources, say)
    _show(built.manifest, as_json)


@app.command("list")
def list_datasets(task: TaskName, store: StoreFolder = None, as_json: AsJson = False) -> None:
    """List the datasets of a task, the newest first."""
    found = _snapshots(store).datasets.datasets(task)
    if as_json:
        for each in found:
            answer_json(_summary(each))
        return
    rows = (
        (_short(each.name), each.built_at, each.examples, each.held_out, each.groups, len(each.labels))
        for each in found
    )
    columns = ("dataset", "built", "examples", "held out", "groups", "labels")
    table(f"{counted(len(found), 'dataset')} of {task}", columns, rows)


@app.command()
def show(
    task: TaskName,
    name: Annotated[str | None, typer.Argument(help="How its name begins; without it the newest.")] = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in a dataset: labels, hold-out, what was left out, and what people did not agree on."""
    _show(_snapshots(store).find(task, name), as_json)


@app.command()
def diff(
    task: TaskName,
    before: Annotated[str, typer.Argument(help="How the name of the first one begins.")],
    after: Annotated[
        str | None, typer.Argument(help="How the name of the second one begins; without it the newest.")
    ] = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what the second dataset has and the first has not, and the other way round."""
    from dataclasses import asdict

    from ticketmill.learning.dataset_diff import diff as difference

    snapshots = _snapshots(store)
    one, other = (snapshots.load(snapshots.find(task, name)) for name in (before, after))
    found = difference(one, other)
    if as_json:
        answer_json(asdict(found))
        return
    table(
        f"From {_short(found.before)} to {_short(found.after)}",
        ("what", "examples", "which"),
        [
            ("added", len(found.added), _first(found.added)),
            ("removed", len(found.removed), _first(found.removed)),
            (
                "relabelled",
                len(found.relabelled),
                _first(
                    [
                        f"{each.example_id}: {_said(each.before)} → {_said(each.after)}"
                        for each in found.relabelled
                    ]
                ),
            ),
            ("other content", len(found.rewritten), _first(found.rewritten)),
            ("held out", f"{found.held_out:+d}", ""),
        ],
    )
    if found.labels:
        table("Labels", ("label", "examples"), [(label, f"{by:+d}") for label, by in found.labels.items()])


def _snapshots(store: Path | None) -> Snapshots:
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    return bootstrap.make_snapshots(bootstrap.open_learning_store(load_settings(), store))


def _show(manifest: Dataset, as_json: bool) -> None:
    if as_json:
        answer_json(manifest.model_dump(mode="json"))
        return
    facts = [
        ("name", manifest.name),
        ("task", f"{manifest.task}, {'several labels' if manifest.kind == 'multi' else 'one label'}"),
        ("built", manifest.built_at),
        ("examples", manifest.examples),
        ("held out", manifest.held_out),
        ("groups", manifest.groups),
        *((f"from {origin}", count) for origin, count in manifest.origins.items()),
        *((f"left out: {reason.replace('_', ' ')}", count) for reason, count in manifest.left_out.items()),
        ("people did not agree", manifest.conflicting),
        *([("before it", _short(manifest.parent))] if manifest.parent else []),
    ]
    table(f"Dataset {_short(manifest.name)}", ("field", "value"), facts)
    labels = list(manifest.labels.items())
    more = f", the first {SHOWN_LABELS}" if len(labels) > SHOWN_LABELS else ""
    table(f"{counted(len(labels), 'label')}{more}", ("label", "examples"), labels[:SHOWN_LABELS])
    if manifest.conflicts:
        rows = [
            (
                each.example_id,
                "; ".join(f"{who}: {_said(labels)}" for who, labels in each.said.items()),
                "left out" if each.resolved is None else _said(each.resolved),
                each.rule,
            )
            for each in manifest.conflicts[:SHOWN_CONFLICTS]
        ]
        table("What people did not agree on", ("example", "said", "stands", "by"), rows)
        if manifest.conflicting > SHOWN_CONFLICTS:
            answer(f"{manifest.conflicting - SHOWN_CONFLICTS} more; --json has the first 100")


def _summary(manifest: Dataset) -> dict[str, Any]:
    return manifest.model_dump(mode="json", exclude={"conflicts"})


def _short(name: str) -> str:
    from ticketmill.learning.snapshots import SHOWN_DIGITS

    return name[:SHOWN_DIGITS]


def _said(labels: tuple[str, ...]) -> str:
    return ", ".join(labels) or "none"


def _first(items: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(items) - SHOWN_IDS} more" if len(items) > SHOWN_IDS else ""
    return ", ".join(items[:SHOWN_IDS]) + more
