"""`ticketmill evaluate`: how the bundle does on labelled texts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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

    from ticketmill.domain.enrichment import Enrichment
    from ticketmill.learning.labelled import LabelledText
    from ticketmill.learning.measures import Classified, LabelMeasures
    from ticketmill.settings import Settings
    from ticketmill.tasks.task import Task

CHUNK = 64
EPILOG = examples(
    "ticketmill evaluate --data labelled.jsonl --label intent",
    "ticketmill evaluate --data labelled.jsonl --label urgency --with rules --plots plots",
)


class Method(StrEnum):
    ONEPASS = "onepass"
    RULES = "rules"


RULED = ("intent", "urgency")
"""Tasks that keyword rules may serve."""


def evaluate(
    data: Annotated[Path, typer.Option(help="Labelled texts as JSON lines.")],
    label: Annotated[str, typer.Option(metavar="TASK", help="Such as intent, urgency, topics or summary.")],
    text_field: Annotated[
        str | None, typer.Option(help="Field of the text; without it `text`, else `subject` and `body`.")
    ] = None,
    label_field: Annotated[
        str | None, typer.Option(help="Field of the label, or of the summaries; without it the task's name.")
    ] = None,
    method: Annotated[
        Method, typer.Option("--with", help="What serves intent or urgency: the bundle, or keyword rules.")
    ] = Method.ONEPASS,
    plots: Annotated[
        Path | None, typer.Option(help="Folder for a confusion matrix and a reliability plot (PNG).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the bundle over labelled texts and print how it does."""
    task = _measured(label)
    if method is Method.RULES and task.name not in RULED:
        raise typer.BadParameter(f"there are rules for {' and '.join(RULED)} alone")
    if plots and task.measured != "class":
        raise typer.BadParameter("there are plots for tasks of one label alone, such as intent")
    from ticketmill.learning.labelled import read_labelled
    from ticketmill.settings import load_settings

    rows = read_labelled(data, label_field or task.name, text_field, may_be_none=task.measured == "tags")
    settings = load_settings(**({task.name: method.value} if task.name in RULED else {}))
    if task.measured != "summary" and method is Method.ONEPASS:
        _warn_of_training_data(settings, data)
    if task.measured == "summary":
        _summaries(settings, rows, as_json)
    elif task.measured == "tags":
        _tags(settings, task, rows, data, as_json)
    else:
        _classes(settings, task, rows, data, plots, as_json)


def _measured(name: str) -> Task[Any]:
    from ticketmill.tasks.table import TASKS

    measured = {task.name: task for task in TASKS if task.measured}
    if name not in measured:
        expected = f"expected one of {', '.join(measured)}{nearest(name, measured)}"
        raise typer.BadParameter(expected, param_hint="--label")
    return measured[name]


def _warn_of_training_data(settings: Settings, data: Path) -> None:
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.learning.corpus import corpus_hash
    from ticketmill.models.heads import MANIFEST_FILE, HeadsManifest

    manifest = load_bundle(settings.bundle_dir).path(MANIFEST_FILE).read_bytes()
    if corpus_hash(data) in HeadsManifest.model_validate_json(manifest).trained_on:
        say("the heads were trained on this very file: see `ticketmill models train` for unseen businesses")


def _classes(
    settings: Settings,
    task: Task[Any],
    rows: list[LabelledText],
    data: Path,
    plots: Path | None,
    as_json: bool,
) -> None:
    import numpy as np

    from ticketmill.learning.labelled import check_vocabulary
    from ticketmill.learning.measures import measure_classes
    from ticketmill.learning.plots import check_plots, plot_confusion, plot_reliability

    vocabulary = _vocabulary(settings, task)
    check_vocabulary(rows, vocabulary, data)
    if plots:
        check_plots()
    predictions = [getattr(enrichment, task.name) for enrichment in _enrich(settings, rows)]
    truth, given = [row.labels[0] for row in rows], [str(each.label) for each in predictions]
    confidence = np.array([each.confidence for each in predictions])
    measures = measure_classes(vocabulary, truth, given, confidence)
    if plots:
        plots.mkdir(parents=True, exist_ok=True)
        right = np.array([one == other for one, other in zip(truth, given, strict=True)])
        plot_confusion(measures, f"{task.name}, {data.name}", plots / f"{task.name}-confusion.png")
        plot_reliability(
            confidence, right, f"{task.name}, {data.name}", plots / f"{task.name}-reliability.png"
        )
    if as_json:
        _as_json(measures)
    else:
        _print_classes(task.name, data, measures)


def _tags(settings: Settings, task: Task[Any], rows: list[LabelledText], data: Path, as_json: bool) -> None:
    from ticketmill.domain.labels import Source
    from ticketmill.learning.labelled import check_vocabulary
    from ticketmill.learning.measures import measure_tags

    vocabulary = _vocabulary(settings, task)
    check_vocabulary(rows, vocabulary, data)
    given = [
        [each.label for each in getattr(enrichment, task.name) or () if each.source is not Source.FALLBACK]
        for enrichment in _enrich(settings, rows)
    ]
    measures = measure_tags(vocabulary, [row.labels for row in rows], given)
    if as_json:
        _as_json(measures)
        return
    table(
        f"{task.name} on {data.name}, {measures.count} texts",
        ("micro-F1", "macro-F1", "first right"),
        [_three(measures.micro_f1, measures.macro_f1, measures.first_right)],
    )
    _print_labels(measures.labels)


def _summaries(settings: Settings, rows: list[LabelledText], as_json: bool) -> None:
    from ticketmill.learning.rouge import lex_rank_summarizer, score_summaries

    lex_rank_summarizer()  # absent packages are told before the work
    ours = [each.summary.text if each.summary else "" for each in _enrich(settings, rows)]
    scores = score_summaries(rows, ours)
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


def _enrich(settings: Settings, rows: Sequence[LabelledText]) -> Iterator[Enrichment]:
    from ticketmill import bootstrap
    from ticketmill.domain.ticket import Ticket

    enricher = bootstrap.load_enricher(settings)
    tickets = [
        Ticket(ticket_id=str(number), subject=row.subject, body=row.body)
        for number, row in enumerate(rows, start=1)
    ]
    with stopping_at_once(), progress("evaluated", total=len(tickets)) as advance:
        for start in range(0, len(tickets), CHUNK):
            chunk = tickets[start : start + CHUNK]
            yield from enricher.enrich(chunk)
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
