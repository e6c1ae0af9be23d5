"""Some tickets as far as drift is concerned, made from their rows; the reference is a file of one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from ticketmill.arrays import Floats, npz_bytes
from ticketmill.domain.effective_row import effective, shown_of
from ticketmill.domain.errors import SetupError
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.labels import Source
from ticketmill.domain.row import TicketRow


@dataclass(frozen=True, slots=True)
class Sample:
    """Some tickets, as far as drift is concerned."""

    embeddings: Floats
    """(tickets, dimensions): of those whose full record could be read."""
    embedded_by: str
    """The model of the embeddings; embeddings of two models cannot be compared."""
    labels: Mapping[str, Sequence[str]]
    """What the models said, by task with one label."""
    models: Mapping[str, Sequence[str]]
    """The models that said it, by task."""
    tickets: int
    needs_review: int
    spoken: int
    """Tickets of which a person confirmed or gave a label."""
    overridden: int
    """Those of them where the person's label is another one."""
    first: str = ""
    """When the oldest of the tickets came in."""
    last: str = ""
    """When the newest of them came in."""
    label_sets: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    """What the models said, by task with several labels: those of each ticket, none included."""


def sample_of(
    rows: Iterable[TicketRow],
    embedding_of: Callable[[TicketRow], Sequence[float] | None],
    tasks: Sequence[str],
    many: Sequence[str] = (),
) -> Sample:
    """What drift is judged by of some tickets, from their stored rows.

    `embedding_of` gives None where a full record is gone. `tasks` have one label, those of `many` several.
    """
    kept = list(rows)
    vectors = [vector for row in kept if (vector := embedding_of(row))]
    corrected = [effective(row).corrected for row in kept if _is_spoken_of(row)]
    moments = sorted(f"{row.received_at:%Y-%m-%dT%H:%M:%SZ}" for row in kept)
    said = {task: [shown_of(row, task).labels for row in kept] for task in tasks}
    return Sample(
        embeddings=np.array(vectors, np.float32) if vectors else np.zeros((0, 0), np.float32),
        embedded_by=", ".join(sorted({row.models.get("embedding", "") for row in kept})),
        labels={task: [labels[0] for labels in each if labels] for task, each in said.items()},
        models={
            task: sorted({row.models[task] for row in kept if task in row.models}) for task in (*tasks, *many)
        },
        tickets=len(kept),
        needs_review=sum(bool(row.needs_review) for row in kept),
        spoken=len(corrected),
        overridden=sum(map(bool, corrected)),
        first=moments[0] if moments else "",
        last=moments[-1] if moments else "",
        label_sets={
            task: [_labels_of(row, task) for row in kept if _is_predicted(row, task)] for task in many
        },
    )


def _is_predicted(row: TicketRow, task: str) -> bool:
    return task in row.models and task not in row.failed_stages


def _labels_of(row: TicketRow, task: str) -> tuple[str, ...]:
    """What a model said; a ticket's own tags stand in for topics, and no model said them."""
    shown = shown_of(row, task)
    return () if shown.source == Source.FALLBACK else shown.labels


def _is_spoken_of(row: TicketRow) -> bool:
    """Whether a person confirmed or gave a label, of the content that the ticket has now."""
    return any(
        each.kind != CorrectionKind.CANNOT_TELL and each.content_hash == row.content_hash
        for each in row.person.values()
    )


def to_bytes(sample: Sample) -> bytes:
    """A sample as a file: a reference that is kept."""
    facts = {name: value for name, value in asdict(sample).items() if name != "embeddings"}
    document = np.frombuffer(json.dumps(facts, sort_keys=True).encode(), np.uint8)
    return npz_bytes({"embeddings": sample.embeddings.astype(np.float16), "facts": document})


def from_bytes(body: bytes) -> Sample:
    """The sample of a file. SetupError where it is none."""
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            return Sample(embeddings=arrays["embeddings"].astype(np.float32), **facts)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise SetupError(
            f"the reference of drift cannot be read ({type(error).__name__}): "
            "`ticketmill drift --keep-reference` keeps a new one"
        ) from error
