"""Documents that come within a message, kept before the job that reads them is submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.domain.job import Documents
from ticketmill.learning.document_files import document_of_row
from ticketmill.learning.documents import ProjectDocuments, readable
from ticketmill.learning.job_work import utc_now
from ticketmill.learning.store import LearningStore

MAX_IDS_CHARS = 200_000
"""What the row of a job has room for."""


def keep_inline(
    store: LearningStore, job_id: str, project: str, rows: Sequence[Mapping[str, Any]], task: str
) -> Documents:
    """Keeps rows as documents of a project; where they are from then on. `label` is the label of `task`.

    The same job again, which has a row by then, keeps nothing more: later documents of the same ids stay.
    LearningRefused where a row is no document.
    """
    labelled = [{**row, "labels": {task: row["label"]}} if "label" in row else row for row in rows]
    try:
        documents = [document_of_row(row, (), f"document {number}") for number, row in enumerate(labelled, 1)]
    except SetupError as error:
        raise LearningRefused(LearningCode.UNREADABLE_DOCUMENTS, str(error)) from None
    kept = readable(documents)
    if store.jobs.get(job_id) is None:
        ProjectDocuments(store.objects).keep(project, kept, utc_now())
    ids = tuple(each.document_id for each in kept)
    # too many for the row of the job: it goes through the whole project, where the others are known already
    return Documents(project=project, ids=ids if sum(map(len, ids)) <= MAX_IDS_CHARS else None)
