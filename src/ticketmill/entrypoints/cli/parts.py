"""`ticketmill parts`: what models can be made of, and how combinations do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import AsJson, answer_json, examples, progress, say, table

if TYPE_CHECKING:
    from ticketmill.domain.model_card import TaskKind
    from ticketmill.learning.parts.bench import Benched, Split
    from ticketmill.learning.parts.ports import Part

app = typer.Typer(no_args_is_help=True)

BENCH_EPILOG = examples(
    "ticketmill parts bench",
    "ticketmill parts bench --only icu --only tfidf",
    "ticketmill parts bench --data labelled.jsonl --task intent --train-part train --test-part test",
)


@app.command("list", epilog=examples("ticketmill parts list"))
def list_parts(as_json: AsJson = False) -> None:
    """List the parts that a model can be made of, and what installs those that are missing.

    The megabytes are those of a part's packages on this disk; what a model of it costs says `parts bench`.
    The last lines name entry points that announce a part and cannot be loaded.
    """
    from ticketmill.learning.parts.catalogue import catalogue

    found = catalogue()
    rows = [_told(part) for part in found.parts.values()]
    if as_json:
        for each in rows:
            answer_json(each)
        for name, why in found.broken.items():
            answer_json({"name": name, "broken": why})
        return
    table(
        "parts of models",
        ("role", "name", "what", "packages", "MB"),
        [(each["role"], each["name"], each["what"], _packages(each), _size(each)) for each in rows],
    )
    for name, why in found.broken.items():
        say(f"the part {name} is left out: {why}")


def _told(part: Part) -> dict[str, Any]:
    from ticketmill.learning.parts.catalogue import installed_mb, missing_modules

    missing = missing_modules(part)
    to_fit = [each for each in missing_modules(part, to_fit=True) if each not in missing]
    return {
        "role": part.role,
        "name": part.name,
        "what": part.what,
        "options": dict(part.options),
        "missing": missing,
        "extra": part.extra if missing else None,
        "missing_to_train": to_fit,
        "extra_to_train": part.extra_to_fit if to_fit else None,
        "installed_mb": installed_mb(part),
    }


def _packages(told: dict[str, Any]) -> str:
    if told["missing"]:
        return f"pip install 'ticketmill[{told['extra']}]'"
    if told["missing_to_train"]:
        return f"to train: pip install 'ticketmill[{told['extra_to_train']}]'"
    return "installed"


def _size(told: dict[str, Any]) -> str:
    size = told["installed_mb"]
    return "" if size is None else f"{size:.0f}"


@app.command(epilog=BENCH_EPILOG)
def bench(
    data: Annotated[
        Path | None, typer.Option(help="Labelled texts, JSON lines or CSV; without it the shipped corpus.")
    ] = None,
    task: Annotated[str, typer.Option(help="The field of the label.")] = "intent",
    train_part: Annotated[
        str | None, typer.Option(help="Train on the rows whose `part` or `split` says so.")
    ] = None,
    test_part: Annotated[
        str | None, typer.Option(help="Measure on the rows of this part; without it on a fifth of the rows.")
    ] = None,
    multi: Annotated[bool, typer.Option("--multi", help="Several labels may be right.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Of the role of this part, this one alone. May be repeated.")
    ] = None,
    locale: Annotated[str, typer.Option(help="The language of the texts.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Measure combinations of parts on labelled texts; nothing is kept.

    Each is fitted once, and what it says of other texts is counted. Times are CPU seconds without the
    encoder's pass, which the worker makes anyway. A part that a combination does not use is a dash.
    """
    from ticketmill import bootstrap
    from ticketmill.aws.learning_memory import MemoryLearningObjects
    from ticketmill.bootstrap.parts import make_part_resources
    from ticketmill.learning.parts import bench as benches
    from ticketmill.learning.parts.catalogue import catalogue
    from ticketmill.settings import load_settings

    settings = load_settings()
    kind: TaskKind = "multi" if multi else "single"
    split = _split(data, task, kind, train_part, test_part)
    trainer = bootstrap.make_trainer(settings, MemoryLearningObjects(), say, progress)
    found = []
    asked = benches.combinations(catalogue(), only or [], locale)
    resources = make_part_resources(settings, trainer)
    for each in benches.bench(split, task, kind, asked, catalogue(), resources, say):
        found.append(each)
        if as_json:
            answer_json(_figures(each))
    if not as_json:
        title = f"{task}: trained on {len(split.trained):,} texts, measured on {len(split.tested):,} others"
        table(title, COLUMNS, [_row(each) for each in sorted(found, key=lambda one: -(one.accuracy or 0))])


ROLES = ("tokenizer", "features", "classifier")
COLUMNS = (*ROLES, "right", "macro-F1", "fit, CPU s", "documents/CPU s", "MB")


def _split(
    data: Path | None, task: str, kind: TaskKind, train_part: str | None, test_part: str | None
) -> Split:
    from ticketmill.learning.annotation_files import FileSpec
    from ticketmill.learning.corpus_annotations import corpus_examples
    from ticketmill.learning.file_examples import read_examples
    from ticketmill.learning.parts.bench import Split, split_of

    if data is None:
        return split_of(corpus_examples(task))
    trained = read_examples(data, FileSpec(task, kind, None, train_part))
    if test_part is None:
        return split_of(trained)
    return Split(trained, read_examples(data, FileSpec(task, kind, None, test_part)))


def _figures(each: Benched) -> dict[str, Any]:
    from dataclasses import asdict

    figures = asdict(each)
    return {**dict(zip(ROLES, figures.pop("used"), strict=True)), **figures}


def _row(each: Benched) -> tuple[str, ...]:
    names = tuple(name or "-" for name in each.used)
    if each.accuracy is None:
        return (*names, each.refused, "", "", "", "")
    return (
        *names,
        f"{each.accuracy:.3f}",
        f"{each.macro_f1:.3f}",
        f"{each.fit_cpu_s:.1f}",
        f"{each.documents_per_cpu_s:,.0f}",
        f"{each.megabytes:.2f}",
    )
