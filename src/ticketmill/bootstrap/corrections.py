"""Builds what records corrections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import Adapters
from ticketmill.bootstrap.intake import make_intake
from ticketmill.domain.errors import SetupError
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.operations.corrections import CorrectableTask, Corrections
    from ticketmill.operations.ticket_texts import TicketTexts

TAXONOMY_FILE = "taxonomy.json"


def make_corrections(settings: Settings, adapters: Adapters) -> Corrections:
    """The journal and the rows of one stack. SetupError where the stack has no journal yet."""
    from ticketmill.operations.corrections import Corrections
    from ticketmill.operations.own_tasks import CorrectableTasks

    if adapters.label_journal is None:
        raise SetupError(
            f"stack {settings.stack} has no table of corrections: run `ticketmill up` (on AWS `ticketmill "
            "deploy`), or set TICKETMILL_LEARNING_TABLE where TICKETMILL_TABLE names the other one"
        )
    tasks = CorrectableTasks(correctable_tasks(settings.bundle_dir), adapters.queries.own)
    return Corrections(adapters.rows, adapters.label_journal, tasks)


def make_ticket_texts(settings: Settings, adapters: Adapters) -> TicketTexts:
    """The raw objects of one stack, as tickets."""
    from ticketmill.operations.ticket_texts import TicketTexts

    return TicketTexts(adapters.raw_tickets, settings.max_ticket_bytes, make_intake(settings).parse)


def correctable_tasks(bundle_dir: Path) -> dict[str, CorrectableTask]:
    """The tasks that people correct. Labels that the task itself does not fix are the taxonomy's."""
    from ticketmill.operations.corrections import CorrectableTask
    from ticketmill.tasks.table import TASKS

    return {
        task.name: CorrectableTask(
            task.name,
            task.vocabulary or taxonomy_labels(bundle_dir, task.name),
            is_many=task.measured == "tags",
        )
        for task in TASKS
        if task.is_correctable
    }


def taxonomy_labels(bundle_dir: Path, task: str) -> tuple[str, ...]:
    """The labels of a task in a bundle's taxonomy; none without a bundle, for other tasks need none."""
    try:
        taxonomies = json.loads((bundle_dir / TAXONOMY_FILE).read_bytes())
        return tuple(each["label"] for each in taxonomies[task]["labels"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
