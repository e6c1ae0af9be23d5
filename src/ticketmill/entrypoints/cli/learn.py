"""`ticketmill learn`: trains what is due, or what the training queue asks for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import AsJson, answer_json, counted, examples, say, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ticketmill.bootstrap.retraining import Retrainer
    from ticketmill.learning.triggers import Due
    from ticketmill.settings import Settings

EPILOG = examples(
    "ticketmill learn --check    which tasks are due, and why",
    "ticketmill learn            train them; with TICKETMILL_TRAINING_QUEUE_URL what its messages ask for",
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
    """Train every task that is due. A new version serves nothing before somebody promotes it.

    A task is due with 200 new labels or 20% more, a new label, drift, or audits that fell short, and after a
    week with any new label. With a training queue each message asks for that, until Ctrl-C.
    """
    from ticketmill import bootstrap
    from ticketmill.bootstrap.retraining import open_retrainer
    from ticketmill.settings import load_settings

    settings = load_settings()
    adapters = bootstrap.connect(settings)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with open_retrainer(settings, adapters) as trainer:
        if check:
            triggers = trainer.triggers()
            _tell({task: triggers.due(task) for task in trainer.tasks}, as_json)
        elif settings.training_queue_url is None:
            _train_once(trainer)
        else:
            _work(settings, trainer, settings.training_queue_url, until_empty)


def _train_once(trainer: Retrainer) -> None:
    from uuid import uuid4

    from ticketmill.domain.job_message import TrainingMessage

    trainer(TrainingMessage(who="learn"), uuid4().hex)


def _work(settings: Settings, trainer: Retrainer, queue_url: str, until_empty: bool) -> None:
    from ticketmill.entrypoints.cli.job_worker import work_off

    seen = work_off([queue_url], trainer.run, lambda: trainer, until_empty)
    say(f"{counted(seen, 'message')} of {settings.stack}'s training queue")


def _tell(found: Mapping[str, Due | None], as_json: bool) -> None:
    if as_json:
        answer_json(
            {
                task: None if due is None else {"trigger": due.trigger, "reason": due.reason}
                for task, due in found.items()
            }
        )
        return
    rows = [(task, "no" if due is None else "yes", due.reason if due else "") for task, due in found.items()]
    table("Trainings that are due", ("task", "due", "because"), rows)
