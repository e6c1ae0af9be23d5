"""Builds what looks after the search index: its check, its rebuild and its status."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import connect
from ticketmill.bootstrap.index_stores import index_generations
from ticketmill.bootstrap.search import index_model
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.bootstrap.adapters import Adapters
    from ticketmill.operations.index_check import IndexCheck, IndexContents
    from ticketmill.operations.next_generation import NextGeneration
    from ticketmill.queries.index_ports import IndexGenerations, VectorStore


@dataclass(frozen=True, slots=True)
class IndexCare:
    """The index of one embedding model, and what it should have."""

    model: str
    generations: IndexGenerations
    store: VectorStore
    """The current generation."""
    contents: IndexContents
    check: IndexCheck
    rebuild: NextGeneration


def connect_index_care(settings: Settings, adapters: Adapters | None = None) -> IndexCare:
    """That of the settings' embedding model. SetupError where stack, bundle or extra is missing."""
    from ticketmill.operations.index_check import IndexCheck, IndexContents
    from ticketmill.operations.next_generation import NextGeneration
    from ticketmill.queries.current_index import CurrentIndex

    adapters = adapters or connect(settings)
    model = index_model(settings)
    generations = index_generations(settings, model)
    store = CurrentIndex(generations)
    executor = ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io")
    contents = IndexContents(adapters.queries, adapters.enriched_tickets, model, executor)
    check = IndexCheck(contents, store)
    return IndexCare(model, generations, store, contents, check, NextGeneration(generations))
