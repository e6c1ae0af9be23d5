"""The labelled rows of a file as examples, without a dataset: to measure what a training would give."""

from __future__ import annotations

from pathlib import Path

from ticketmill.domain.dataset import Example, Origin
from ticketmill.domain.errors import SetupError
from ticketmill.learning.annotation_files import FileSpec, read_rows
from ticketmill.learning.annotations import hash_of
from ticketmill.learning.hold_out import Candidate, grouped
from ticketmill.learning.near_duplicates import near_duplicates


def read_examples(path: Path, spec: FileSpec) -> list[Example]:
    """All of them may be trained on; near-duplicates and rows of one `group` are in one group.

    Raises SetupError where no row has a label, or one has no text.
    """
    rows = list(read_rows(path, spec))
    for row in rows:
        if not row.has_text:
            raise SetupError(f"{row.where}: the row has no text: give it `text`, or `subject` and `body`")
    ids = [f"{row.example_id or 'row'}/{number}" for number, row in enumerate(rows)]
    pairs = near_duplicates([f"{row.subject}\n{row.body}" for row in rows])
    candidates = [Candidate(name, row.labels, row.links) for name, row in zip(ids, rows, strict=True)]
    groups, _ = grouped(candidates, [(ids[one], ids[other]) for one, other in pairs])
    return [
        Example(
            example_id=name,
            subject=row.subject,
            body=row.body,
            source=row.source,
            labels=row.labels,
            group=groups[name],
            origin=Origin.FILE,
            content_hash=hash_of(row.subject, row.body),
        )
        for name, row in zip(ids, rows, strict=True)
    ]
