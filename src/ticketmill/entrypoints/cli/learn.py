"""`ticketmill learn`: trains what is due, or what the training queue asks for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, counted, examples, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ticketmill.bootstrap.retraining import Trainer
    from ticketmill.settings import Settings

EPILOG = examples(
    "ticketmill learn --check    which tasks are due, and why",
    "ticketmill learn            train them; with TICKETMILL_TRAINING_QUEUE_URL go on with the queue",
)


def learn(
    check: Annotated[
        bool, typer.Option("--check", help="Train nothing; say which tasks are due, and why.")
    ] = False,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="Stop as soon as no message waits on the queue.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train every task that is due. No new version serves before somebody promotes it.

    Due is a task with 200 new labels or 20% more, a new label, drift, or audits that fell short, and after a
    week with any new label. With a training queue, each message asks for trainings, until Ctrl-C.
    """
    from ticketmill import bootstrap
    from ticketmill.bootstrap.retraining import make_trainer, make_triggers
    from ticketmill.domain.training_request import TrainingMessage
    from ticketmill.settings import load_settings

    settings = load_settings()
    adapters = bootstrap.connect(settings)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if check:
        triggers, tasks = make_triggers(settings, adapters), bootstrap.make_corrections(settings, adapters).tasks
        found = {task: triggers.due(task) for task in tasks}
        _tell({task: due and due.reason for task, due in found.items()}, as_json)
        return
    with make_trainer(settings, adapters) as trainer:
        if settings.training_queue_url is None:
            trainer(TrainingMessage(who="learn"), _job())
        else:
            _work(settings, trainer, settings.training_queue_url, until_empty)
