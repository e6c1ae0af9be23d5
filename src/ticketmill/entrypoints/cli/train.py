"""`ticketmill train`: a model of a task from what people said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.learned import StoreFolder, Who, open_store, told_interval
from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, examples, progress, say, table

if TYPE_CHECKING:
    from ticketmill.bootstrap import Trainer
    from ticketmill.domain.job import Job
    from ticketmill.domain.model_card import TaskKind
    from ticketmill.learning.annotation_files import FileSpec
    from ticketmill.learning.fit import FittedTask
    from ticketmill.learning.judge import Measures
    from ticketmill.learning.store import LearningStore
    from ticketmill.settings import Settings

EPILOG = examples(
    "ticketmill train --task intent",
    "ticketmill train --task intent --if-due    for a schedule of your own",
    "ticketmill train --task intent --data labelled.jsonl --train-part train --test-part test",
)

WithCurve = Annotated[
    bool,
    typer.Option(
        "--curve", help="Train on shares of the dataset, too: `models show --plot` draws the accuracy."
    ),
]
WithFineTuning = Annotated[
    bool,
    typer.Option(
        "--fine-tune",
        help="From 1,500 texts on a fine-tuned encoder competes, too: takes long without a GPU.",
    ),
]
IfDue = Annotated[
    bool,
    typer.Option(
        "--if-due", help="Build a dataset of all labels and train on it, where `learn --check` says yes."
    ),
]


def train(
    task: Annotated[str, typer.Option(help="Such as intent, or a task of your own.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Labelled texts, JSON lines or CSV: train on them and measure; nothing is kept."),
    ] = None,
    train_part: Annotated[
        str | None, typer.Option(help="Train on the rows whose `part` or `split` says so; without it on all.")
    ] = None,
    test_part: Annotated[
        str | None, typer.Option(help="Measure on the rows of this part; without it by cross-validation.")
    ] = None,
    label_field: Annotated[
        str | None, typer.Option(help="Field of the label in the file; without it the task's name.")
    ] = None,
    multi: Annotated[bool, typer.Option("--multi", help="Several labels may be right.")] = False,
    dataset: Annotated[
        str | None,
        typer.Option(help="How the name of the dataset begins; without it the newest of the task."),
    ] = None,
    curve: WithCurve = False,
    fine_tune: WithFineTuning = False,
    if_due: IfDue = False,
    who: Who = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Train a model of a task: a version of the newest dataset, or a measurement on a file of labels.

    A version serves nothing yet: see `ticketmill models`. The last line of --json has the figures.
    """
    from ticketmill.settings import load_settings

    if curve and fine_tune:
        raise typer.BadParameter("--curve trains several times: leave --fine-tune out")
    settings = load_settings()
    if if_due:
        if data is not None or dataset is not None or store is not None or curve:
            raise typer.BadParameter("--if-due goes without --data, --dataset, --store and --curve")
        _train_if_due(settings, task, who, as_json)
    elif data is not None:
        from ticketmill.learning.annotation_files import FileSpec

        kind: TaskKind = "multi" if multi else "single"
        specs = [FileSpec(task, kind, label_field, part) for part in (train_part, test_part)]
        _measure_file(settings, data, specs[0], specs[1] if test_part else None, store, as_json, fine_tune)
    else:
        _register(settings, task, dataset, store, who, as_json, curve, fine_tune)


def _measure_file(
    settings: Settings,
    data: Path,
    trained: FileSpec,
    tested: FileSpec | None,
    store: Path | None,
    as_json: bool,
    fine_tune: bool,
) -> None:
    import time

    from ticketmill.aws.learning_memory import MemoryLearningObjects
    from ticketmill.learning.file_examples import read_examples
    from ticketmill.learning.judge import Judged, measure

    started = time.perf_counter()
    own = read_examples(data, trained)
    others = read_examples(data, tested) if tested else []
    objects = MemoryLearningObjects() if store is None else open_store(settings, store).objects
    trainer = _trainer(settings, objects, fine_tune)
    fitted = trainer.fit(own, trained.task, trained.kind)
    if others:
        judged = trainer.judge(fitted, others)
    else:
        judged = Judged([own[at] for at in fitted.held_out.rows], fitted.held_out.probabilities)
    measures = measure(judged, fitted.spec)
    if not as_json:
        _show(fitted, measures)
        return
    answer_json(
        {
            "task": trained.task,
            "trained": len(own),
            "tested": len(judged.examples),
            "measured_on": "test part" if others else "cross-validation",
            "labels": len(fitted.spec.labels),
            "tier": fitted.tier,
            "recipe": fitted.recipe.name,
            "accuracy": measures.accuracy.value,
            "accuracy_low": measures.accuracy.low,
            "accuracy_high": measures.accuracy.high,
            "macro_f1": measures.macro_f1,
            "calibration_error": measures.calibration_error,
            "seconds": round(time.perf_counter() - started, 1),
        }
    )


def _register(
    settings: Settings,
    task: str,
    dataset: str | None,
    folder: Path | None,
    who: str | None,
    as_json: bool,
    with_curve: bool,
    fine_tune: bool,
) -> None:
    """Trains as a job: what was killed goes on, and `jobs list` has it."""
    from ticketmill import bootstrap
    from ticketmill.domain.job import Documents, JobKind, JobRequest
    from ticketmill.entrypoints.cli.job_here import run_here
    from ticketmill.entrypoints.cli.person import name_of_person

    store = open_store(settings, folder)
    name = bootstrap.make_snapshots(store).find(task, dataset).name
    request = JobRequest(
        kind=JobKind.TRAIN,
        task=task,
        documents=Documents(dataset=name),
        curve=with_curve,
        fine_tune=fine_tune,
        who=name_of_person(settings, who),
    )
    job_id = bootstrap.training_job_id(settings, store.jobs, request)
    _tell_registered(store, run_here(settings, folder, job_id, request), as_json)


def _train_if_due(settings: Settings, task: str, who: str | None, as_json: bool) -> None:
    import logging
    from uuid import uuid4

    from ticketmill import bootstrap
    from ticketmill.bootstrap.retraining import open_retrainer
    from ticketmill.entrypoints.cli.person import name_of_person

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    person = name_of_person(settings, who)
    with open_retrainer(settings, bootstrap.connect(settings)) as retrainer:
        job_id = f"train-{task}-{uuid4().hex}"
        job = retrainer.train_task(task, person, retrainer.triggers(), job_id)
        if job is not None:
            _tell_registered(retrainer.store, job, as_json)
        elif as_json:
            answer_json({"version": None, "task": task, "due": False})
        else:
            answer(f"{task} is not due")


def _tell_registered(store: LearningStore, job: Job, as_json: bool) -> None:
    """What a training gave. JobFailed where it was not completed."""
    from ticketmill.learning.jobs import completed
    from ticketmill.learning.registry import find_version, load_card

    version = find_version(store, completed(job).result["model"])
    card = load_card(store, version)
    if as_json:
        answer_json({"version": version.name, **card.model_dump(mode="json")})
        return
    answer(f"{version.name}: accuracy {card.accuracy.value:.3f} on {card.measured_on}; {card.why}")
    say(f"see `ticketmill models show {version.name}`; it serves nothing yet")


def _trainer(settings: Settings, objects: Any, fine_tune: bool) -> Trainer:
    from ticketmill import bootstrap

    return bootstrap.make_trainer(settings, objects, say, progress, fine_tune)


def _show(fitted: FittedTask, measures: Measures) -> None:
    table(
        f"{fitted.spec.task}: the recipes of the tier {fitted.tier} on held-out texts",
        ("recipe", "families", "right", "standard error"),
        (
            (
                each.recipe.name,
                ", ".join(each.recipe.families),
                f"{each.mean:.3f}",
                f"{each.standard_error:.3f}",
            )
            for each in fitted.competed
        ),
    )
    answer(fitted.why)
    table(
        f"{fitted.spec.task}: {fitted.recipe.name}",
        ("accuracy", "macro-F1", "calibration error"),
        [
            (
                told_interval(measures.accuracy),
                f"{measures.macro_f1:.3f}",
                f"{measures.calibration_error:.3f}",
            )
        ],
    )
