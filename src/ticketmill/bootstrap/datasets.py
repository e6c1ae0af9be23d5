"""Builds datasets: which labels a task has, and where its labelled examples come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import connect
from ticketmill.bootstrap.corrections import correctable_tasks, make_ticket_texts
from ticketmill.bootstrap.learning import learning_store_of, open_learning_store
from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.learning.annotation_files import FileSpec
    from ticketmill.learning.dataset_build import DatasetSpec
    from ticketmill.learning.ports import CurrentTickets, Journal
    from ticketmill.learning.snapshots import Snapshot, Snapshots
    from ticketmill.learning.store import LearningStore

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LabelSources:
    """Where labels come from. Without a stack there is no journal, and no ticket but those in files."""

    journal: Journal | None
    tickets: CurrentTickets | None


@dataclass(frozen=True, slots=True)
class WantedDataset:
    """What `dataset build` is asked for."""

    task: str
    files: Sequence[Path] = ()
    label_field: str | None = None
    part: str | None = None
    corpus: bool = True
    multi: bool = False
    new_labels: bool = False
    leave_out_rare: bool = False


def make_snapshots(store: LearningStore) -> Snapshots:
    """The datasets of a store."""
    from ticketmill.learning.snapshots import Snapshots

    return Snapshots(store.datasets, store.objects)


@contextmanager
def open_sources(
    settings: Settings, folder: Path | None, journal: bool
) -> Iterator[tuple[LearningStore, LabelSources]]:
    """The store, and the journal and tickets of the stack where they are asked for. SetupError where the
    stack is not there."""
    if folder is not None and not journal:
        yield open_learning_store(settings, folder), LabelSources(None, None)
        return
    from concurrent.futures import ThreadPoolExecutor

    from ticketmill.operations.current_tickets import CurrentTickets as TicketsOfStack

    adapters = connect(settings)
    store = learning_store_of(settings, adapters) if folder is None else open_learning_store(settings, folder)
    if journal and adapters.label_journal is None:
        raise SetupError(f"stack {settings.stack} has no table of corrections: run `ticketmill up`")
    with ThreadPoolExecutor(settings.io_threads) as executor:
        tickets = TicketsOfStack(adapters.rows, make_ticket_texts(settings, adapters), executor)
        yield store, LabelSources(adapters.label_journal if journal else None, tickets)


def build_dataset(
    settings: Settings, wanted: WantedDataset, store: LearningStore, sources: LabelSources, report: Report
) -> Snapshot:
    """Gathers the labels of a task and keeps the dataset of them. LearningRefused where nothing can be
    learned from it; nothing is kept then."""
    from ticketmill.learning.annotation_files import FileSpec, gather_file
    from ticketmill.learning.annotations import Gathered
    from ticketmill.learning.corpus_annotations import gather_corpus
    from ticketmill.learning.dataset_build import build
    from ticketmill.learning.journal_annotations import gather_journal

    spec = dataset_spec(settings, wanted, store)
    gathered = Gathered()
    if sources.journal is not None and sources.tickets is not None:
        count = gather_journal(wanted.task, sources.journal, sources.tickets, gathered)
        report(f"{count} tickets of which people said something of {wanted.task}")
    file_spec: FileSpec = FileSpec(wanted.task, spec.kind, wanted.label_field, wanted.part)
    for file in wanted.files:
        report(f"{gather_file(file, file_spec, sources.tickets, gathered)} labelled rows of {file}")
    if wanted.corpus and (count := gather_corpus(wanted.task, gathered)):
        report(f"{count} labelled tickets of the shipped corpus")
    snapshots = make_snapshots(store)
    newest = snapshots.newest(wanted.task)
    parent = None if newest is None else snapshots.load(newest)
    built = build(gathered, spec, parent, datetime.now(UTC))
    if newest is not None and newest.name == built.manifest.name:
        report("the examples are those of the newest dataset")
        built = replace(built, manifest=built.manifest.model_copy(update={"built_at": newest.built_at}))
    return replace(built, manifest=snapshots.save(built))


def dataset_spec(settings: Settings, wanted: WantedDataset, store: LearningStore) -> DatasetSpec:
    """The kind of a task and its labels. A task that is neither one of ours nor defined has the labels of its
    files. LearningRefused where nobody knows the task and no file is given."""
    from ticketmill.learning.dataset_build import DatasetSpec

    ours = correctable_tasks(settings.bundle_dir)
    defined = {each.name: each for each in store.datasets.task_definitions()}
    kind, vocabulary = "multi" if wanted.multi else "single", None
    if wanted.task in ours:
        kind, vocabulary = "multi" if ours[wanted.task].is_many else "single", ours[wanted.task].labels
        if not vocabulary and not wanted.new_labels:
            raise SetupError(
                f"{wanted.task} has the labels of the bundle, and none is here: run `ticketmill models "
                "build`, or set TICKETMILL_BUNDLE"
            )
    elif wanted.task in defined:
        kind, vocabulary = defined[wanted.task].kind, defined[wanted.task].labels
    elif not wanted.files:
        known = ", ".join([*ours, *defined])
        raise LearningRefused(
            LearningCode.UNKNOWN_TASK,
            f'there is no task "{wanted.task}"; there are {known}: define it by `ticketmill tasks add`, or '
            "give a file of labels by --data",
        )
    return DatasetSpec(
        wanted.task,
        "multi" if kind == "multi" else "single",
        None if wanted.new_labels else vocabulary,
        wanted.leave_out_rare,
    )
