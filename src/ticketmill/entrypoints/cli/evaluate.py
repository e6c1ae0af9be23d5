"""`ticketmill evaluate`: how the bundle, or a learned version, does on labelled texts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.learned import StoreFolder, open_store
from ticketmill.entrypoints.cli.output import (
    AsJson,
    answer_json,
    examples,
    nearest,
    progress,
    say,
    stopping_at_once,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ticketmill.bootstrap.evaluation import Measurable
    from ticketmill.domain.ticket import Ticket
    from ticketmill.learning.labelled import LabelledText
    from ticketmill.learning.measures import Classified, LabelMeasures
    from ticketmill.settings import Settings
    from ticketmill.tasks.task import Task

CHUNK = 64
EPILOG = examples(
    "ticketmill evaluate --data labelled.jsonl --label intent",
    "ticketmill evaluate --data labelled.jsonl --label urgency --with rules --plots plots",
    "ticketmill evaluate --data labelled.jsonl --label product_line --version serving",
)


class Method(StrEnum):
    ONEPASS = "onepass"
    RULES = "rules"


RULED = ("intent", "urgency")
"""Tasks that keyword rules may serve."""


def evaluate(
    data: Annotated[Path, typer.Option(help="Labelled texts as JSON lines.")],
    label: Annotated[
        str, typer.Option(metavar="TASK", help="Such as intent, urgency, topics, summary, or your own.")
    ],
    text_field: Annotated[
        str | None, typer.Option(help="Field of the text; without it `text`, else `subject` and `body`.")
    ] = None,
    label_field: Annotated[
        str | None, typer.Option(help="Field of the label, or of the summaries; without it the task's name.")
    ] = None,
    method: Annotated[
        Method, typer.Option("--with", help="What serves intent or urgency: the bundle, or keyword rules.")
    ] = Method.ONEPASS,
    version: Annotated[
        str | None,
        typer.Option(help="A learned version, as in product_line/v3, or `serving`: the one that serves."),
    ] = None,
    store: StoreFolder = None,
    plots: Annotated[
        Path | None, typer.Option(help="Folder for a confusion matrix and a reliability plot (PNG).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the bundle, or a learned version, over labelled texts and print how it does.

    The bundle knows no task of your own: measure its versions by --version.
    """
    from ticketmill.learning.labelled import read_labelled
    from ticketmill.settings import load_settings

    field = label_field or label
    if version is not None:
        if method is Method.RULES:
            raise typer.BadParameter("--with rules and --version exclude each other")
        model = _of_version(load_settings(), label, version, store)
        _check_plots(plots, model.is_single)
        rows = read_labelled(data, field, text_field, may_be_none=not model.is_single)
    else:
        task = _measured(label)
        if method is Method.RULES and task.name not in RULED:
            raise typer.BadParameter(f"there are rules for {' and '.join(RULED)} alone")
        _check_plots(plots, task.measured == "class")
        settings = load_settings(**({task.name: method.value} if task.name in RULED else {}))
        rows = read_labelled(data, field, text_field, may_be_none=task.measured == "tags")
        if task.measured == "summary":
            _summaries(settings, rows, as_json)
            return
        model = _of_bundle(settings, task, None if method is Method.RULES else data)
    if model.is_single:
        _classes(model, rows, data, plots, as_json)
    else:
        _tags(model, rows, data, as_json)


def _measured(name: str) -> Task[Any]:
    from ticketmill.tasks.table import TASKS

    measured = {task.name: task for task in TASKS if task.measured}
    if name not in measured:
        expected = f"expected one of {', '.join(measured)}{nearest(name, measured)}"
        raise typer.BadParameter(
            f"{expected}; of a task of your own name a version by --version", param_hint="--label"
        )
    return measured[name]


def _check_plots(plots: Path | None, is_single: bool) -> None:
    if plots and not is_single:
        raise typer.BadParameter("there are plots for tasks of one label alone, such as intent")


def _of_version(settings: Settings, task: str, version: str, store: Path | None) -> Measurable:
    from ticketmill.bootstrap.evaluation import learned_model

    model = learned_model(settings, open_store(settings, store), task, version)
    say(f"{model.name} does better on texts that it was trained on: `ticketmill models show` has the others")
    return model


def _of_bundle(settings: Settings, task: Task[Any], data: Path | None) -> Measurable:
    """The bundle's model; a file `data` that the heads were trained on is told."""
    from ticketmill.bootstrap.evaluation import bundle_model

    if data is not None:
        _warn_of_training_data(settings, data)
    return bundle_model(settings, task)


def _warn_of_training_data(settings: Settings, data: Path) -> None:
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.learning.corpus import corpus_hash
    from ticketmill.models.heads import MANIFEST_FILE, HeadsManifest

    manifest = load_bundle(settings.bundle_dir).path(MANIFEST_FILE).read_bytes()
    if corpus_hash(data) in HeadsManifest.model_validate_json(manifest).trained_on:
        say("the heads were trained on this very file: see `ticketmill models train` for unseen businesses")


def _classes(
    model: Measurable, rows: list[LabelledText], data: Path, plots: Path | None, as_json: bool
) -> None:
    import numpy as np

    from ticketmill.learning.labelled import check_vocabulary
    from ticketmill.learning.measures import measure_classes
    from ticketmill.learning.plots import check_plots, plot_confusion, plot_reliability
    from ticketmill.tasks.learned import labels_of

    check_vocabulary(rows, model.vocabulary, data, model.name)
    if plots:
        check_plots()
    said = [labels_of(each) for each in _predictions(model, rows)]
    truth, given = [row.labels[0] for row in rows], [labels[0] for labels, _ in said]
    confidence = np.array([sure for _, sure in said], float)
    measures = measure_classes(model.vocabulary, truth, given, confidence)
    if plots:
        plots.mkdir(parents=True, exist_ok=True)
        right = np.array([one == other for one, other in zip(truth, given, strict=True)])
        title = f"{model.task}, {data.name}"
        plot_confusion(measures, title, plots / f"{model.task}-confusion.png")
        plot_reliability(confidence, right, title, plots / f"{model.task}-reliability.png")
    if as_json:
        _as_json(measures)
    else:
        _print_classes(model.task, data, measures)


def _tags(model: Measurable, rows: list[LabelledText], data: Path, as_json: bool) -> None:
    from ticketmill.learning.labelled import check_vocabulary
    from ticketmill.learning.measures import measure_tags
    from ticketmill.tasks.learned import labels_of

    check_vocabulary(rows, model.vocabulary, data, model.name)
    given = [labels_of(each)[0] for each in _predictions(model, rows)]
    measures = measure_tags(model.vocabulary, [row.labels for row in rows], given)
    if as_json:
        _as_json(measures)
        return
    table(
        f"{model.task} on {data.name}, {measures.count} texts",
        ("micro-F1", "macro-F1", "first right"),
        [_three(measures.micro_f1, measures.macro_f1, measures.first_right)],
    )
    _print_labels(measures.labels)


def _summaries(settings: Settings, rows: list[LabelledText], as_json: bool) -> None:
    from ticketmill import bootstrap
    from ticketmill.learning.rouge import lex_rank_summarizer, score_summaries

    lex_rank_summarizer()  # absent packages are told before the work
    enricher = bootstrap.load_enricher(settings)
    made = [each.summary for chunk in _chunks(rows) for each in enricher.enrich(chunk)]
    scores = score_summaries(rows, [each.text if each else "" for each in made])
    if as_json:
        from dataclasses import asdict

        answer_json([asdict(each) for each in scores])
        return
    table(
        f"summaries of {len(rows)} texts, ROUGE F1",
        ("method", "ROUGE-1", "ROUGE-2", "ROUGE-L", "words"),
        [
            (each.method, *_three(each.rouge1, each.rouge2, each.rouge_l), f"{each.words:.1f}")
            for each in scores
        ],
    )


def _predictions(model: Measurable, rows: Sequence[LabelledText]) -> Iterator[Any]:
    predict = model.load()
    for chunk in _chunks(rows):
        yield from predict(chunk)


def _chunks(rows: Sequence[LabelledText]) -> Iterator[list[Ticket]]:
    """The texts as tickets, some at a time, with their progress on stderr."""
    from ticketmill.domain.ticket import Ticket

    tickets = [
        Ticket(ticket_id=str(number), subject=row.subject, body=row.body)
        for number, row in enumerate(rows, start=1)
    ]
    with stopping_at_once(), progress("evaluated", total=len(tickets)) as advance:
        for start in range(0, len(tickets), CHUNK):
            chunk = tickets[start : start + CHUNK]
            yield chunk
            advance(len(chunk))


def _print_classes(task: str, data: Path, measures: Classified) -> None:
    table(
        f"{task} on {data.name}, {measures.count} texts",
        ("macro-F1", "accuracy", "calibration error", "mistakes at 0.9 and above"),
        [
            (
                *_three(measures.macro_f1, measures.accuracy, measures.calibration_error),
                f"{measures.sure_mistakes} of {measures.sure}",
            )
        ],
    )
    _print_labels(measures.labels)
    points = [(f"{each.coverage:.0%}", *_three(each.confidence, each.accuracy)) for each in measures.coverage]
    table("accuracy of the surest", ("share", "confidence from", "accuracy"), points)
    names = [each.label for each in measures.labels]
    rows = [(name, *counts) for name, counts in zip(names, measures.confusion, strict=True)]
    table("confusion: true label by row, given label by column", ("", *names), rows)


def _print_labels(labels: Sequence[LabelMeasures]) -> None:
    rows = [(each.label, *_three(each.precision, each.recall, each.f1), each.support) for each in labels]
    table("by label", ("label", "precision", "recall", "F1", "texts"), rows)


def _three(*values: float) -> list[str]:
    """With three digits."""
    return [f"{value:.3f}" for value in values]


def _as_json(measures: Any) -> None:
    from dataclasses import asdict

    answer_json(asdict(measures))
