"""Puts together what the routes work with, from the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from ticketmill import bootstrap
from ticketmill.bootstrap.drift import make_drift_watch
from ticketmill.bootstrap.job_queues import JobDesk, make_job_desk
from ticketmill.bootstrap.search import Search, can_search, embedding_of, open_search
from ticketmill.bootstrap.surges import open_surges
from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.web.background import BackgroundEnricher
from ticketmill.entrypoints.web.model_desk import ModelDesk
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.learning.catalogue import Catalogue
from ticketmill.learning.rollout import RolloutDesk
from ticketmill.operations.corrections import Corrections
from ticketmill.queries.history import TicketHistory

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.gap_report import GapReport
    from ticketmill.domain.label import Correction
    from ticketmill.domain.model_card import ModelVersion
    from ticketmill.domain.row import TicketRow
    from ticketmill.domain.ticket_map import TicketMap
    from ticketmill.learning.rollout import Gates
    from ticketmill.learning.sampling import Suspect
    from ticketmill.pipeline.learned import Learned
    from ticketmill.settings import Settings


class NoJournal:
    """Stands in for the journal of a stack that has none yet: nothing was corrected, and nothing can be."""

    def __init__(self, reason: SetupError) -> None:
        self._reason = reason

    def of_ticket(self, _ticket_id: str) -> list[Correction]:
        """None."""
        return []

    def walk(self) -> Iterator[Correction]:
        """None."""
        return iter(())

    def append(self, _corrections: Sequence[Correction], _row: TicketRow, _replaces: TicketRow) -> bool:
        """Raises SetupError, which says how the stack gets a journal."""
        raise self._reason


def connect_parts(settings: Settings) -> WebParts:
    """The parts for the stack of the settings. SetupError where it is not there."""
    adapters = bootstrap.connect(settings)
    corrections = _corrections(settings, adapters)
    enricher = BackgroundEnricher(partial(bootstrap.load_enricher, settings))
    return WebParts(
        settings=settings,
        queries=adapters.queries,
        corrections=corrections,
        records=adapters.enriched_tickets,
        raw_bucket=adapters.stack.raw_bucket,
        raw_tickets=adapters.raw_tickets,
        intake=bootstrap.make_intake(settings),
        enricher=enricher,
        history=TicketHistory(adapters.raw_tickets, adapters.enriched_tickets, corrections.journal),
        mask=bootstrap.make_mask(settings),
        deliveries=adapters.deliveries,
        queue=adapters.queue,
        dead_letters=adapters.dead_letters,
        learned=_learned(settings, adapters),
        suspects=partial(_suspects, adapters, tuple(corrections.tasks)),
        models=partial(_models, settings, adapters, tuple(corrections.tasks), enricher),
        jobs=cache(partial(_jobs, settings, adapters)),
        surges=cache(partial(open_surges, settings)),
        drift=partial(make_drift_watch, settings, adapters),
        gaps=partial(_gaps, settings, adapters),
        ticket_map=partial(_ticket_map, settings, adapters),
        search=cache(partial(_search, settings, adapters, enricher)) if can_search() else None,
    )


def _search(settings: Settings, adapters: Adapters, enricher: BackgroundEnricher) -> Search:
    return open_search(settings, adapters.queries, lambda words: embedding_of(enricher.loaded(), words))


def _models(
    settings: Settings, adapters: Adapters, tasks: tuple[str, ...], enricher: BackgroundEnricher
) -> ModelDesk:
    store = bootstrap.learning_store_of(settings, adapters)

    def gates(challenger: ModelVersion) -> Gates:
        return bootstrap.gates_of(settings, store, challenger, adapters, enricher.loaded)

    rollouts = RolloutDesk(store, bootstrap.encoder_here(settings), settings.canary_percents)
    return ModelDesk(Catalogue(store, tasks), rollouts, gates)


def _jobs(settings: Settings, adapters: Adapters) -> JobDesk:
    return make_job_desk(settings, bootstrap.learning_store_of(settings, adapters).jobs)


def _gaps(settings: Settings, adapters: Adapters) -> GapReport | None:
    from ticketmill.learning.gap_history import kept_gaps

    return kept_gaps(bootstrap.learning_store_of(settings, adapters).objects)


def _ticket_map(settings: Settings, adapters: Adapters) -> TicketMap | None:
    from ticketmill.learning.ticket_map import kept_map

    return kept_map(bootstrap.learning_store_of(settings, adapters).objects)


def _learned(settings: Settings, adapters: Adapters) -> Callable[[], Learned]:
    """Made when it is first asked: a server without a bundle answers everything else."""
    follower = cache(partial(bootstrap.make_rollout_follower, settings, adapters))
    return lambda: follower()()


def _suspects(adapters: Adapters, tasks: tuple[str, ...]) -> Sequence[Suspect]:
    """None in a stack without a learning table."""
    from ticketmill.learning.doubted import suspects_of

    return () if adapters.learning is None else suspects_of(adapters.learning, tasks)


def _corrections(settings: Settings, adapters: Adapters) -> Corrections:
    try:
        return bootstrap.make_corrections(settings, adapters)
    except SetupError as reason:  # everything else works on an older stack
        tasks = bootstrap.correctable_tasks(settings.bundle_dir)
        return Corrections(adapters.rows, NoJournal(reason), tasks)
