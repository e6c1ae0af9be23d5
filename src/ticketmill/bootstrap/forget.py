"""Builds what forgets tickets: every holder of a place, in the order in which they remove."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import connect, connect_clients
from ticketmill.bootstrap.datasets import make_snapshots
from ticketmill.bootstrap.intake import make_intake
from ticketmill.bootstrap.learning import open_learning_store
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.learning.forgetting import TrainedWith
    from ticketmill.learning.store import LearningStore
    from ticketmill.operations.forget import Forget, Holder


def make_forget(settings: Settings, folder: Path | None = None, raw_keys: Sequence[str] = ()) -> Forget:
    """Forgets tickets of the stack; with a folder, what learning keeps there, and no AWS is asked.

    `raw_keys` are keys that the ticket was uploaded under before, where those are known.
    """
    from ticketmill.operations.forget import (
        EnrichedObjects,
        Forget,
        Journal,
        RawObjects,
        Rows,
        TicketTraces,
        Traces,
    )

    if folder is not None:
        store = open_learning_store(settings, folder)
        return Forget(Traces, _holders_of(store), _trained_with(store))
    adapters = connect(settings)
    raw = RawObjects(adapters.raw_versions, make_intake(settings).parse, settings.max_ticket_bytes)
    enriched = EnrichedObjects(adapters.enriched_versions)
    learning = [] if adapters.learning is None else _holders_of(adapters.learning)
    surges = [] if adapters.learning is None else [_surges(settings)]
    journal = [] if adapters.label_journal is None else [Journal(adapters.label_journal)]
    return Forget(
        TicketTraces(adapters.rows, raw, enriched, raw_keys),
        [*learning, *surges, enriched, raw, _index_entries(settings), Rows(adapters.rows), *journal],
        (lambda _: ()) if adapters.learning is None else _trained_with(adapters.learning),
    )


def _index_entries(settings: Settings) -> Holder:
    from ticketmill.bootstrap.index_stores import all_indexes
    from ticketmill.operations.forget_index import IndexEntries

    clients, stack = connect_clients(settings)
    return IndexEntries(lambda: all_indexes(clients, stack, settings.index))


def _surges(settings: Settings) -> Holder:
    from ticketmill.bootstrap.surges import open_surges
    from ticketmill.operations.forget_surges import SurgesOfTicket

    return SurgesOfTicket(open_surges(settings))


def _holders_of(store: LearningStore) -> list[Holder]:
    from ticketmill.learning.forgetting import (
        DatasetsOfTicket,
        DisagreementsOfTicket,
        DriftReferenceOfTicket,
        FeaturesOfTicket,
    )
    from ticketmill.learning.forgetting_jobs import DocumentsOfTicket, PredictionsOfTicket
    from ticketmill.learning.gap_history import GapsOfTicket
    from ticketmill.learning.ticket_map import MapOfTicket

    datasets, documents = DatasetsOfTicket(make_snapshots(store)), DocumentsOfTicket(store.objects)
    return [
        FeaturesOfTicket(store.objects, datasets, documents),
        datasets,
        documents,
        PredictionsOfTicket(store),
        DisagreementsOfTicket(store.objects, store.versions),
        DriftReferenceOfTicket(store.objects),
        GapsOfTicket(store.objects),
        MapOfTicket(store.objects),
    ]


def _trained_with(store: LearningStore) -> TrainedWith:
    from ticketmill.learning.forgetting import DatasetsOfTicket, TrainedWith

    return TrainedWith(DatasetsOfTicket(make_snapshots(store)), store.versions)
