"""The enricher, loaded in the background: the server answers from the start, and enriches when it can."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING

from ticketmill.domain.errors import SetupError, TicketmillError, TransientFailure

if TYPE_CHECKING:
    from ticketmill.pipeline.enricher import Enricher

log = logging.getLogger(__name__)


class BackgroundEnricher:
    """Loads the enricher once, in a thread of its own.

    `enricher` is None until it is loaded; `failure` says why it cannot be.
    """

    def __init__(self, load: Callable[[], Enricher]) -> None:
        self._load = load
        self._done = Event()
        self.enricher: Enricher | None = None
        self.failure: str | None = None

    def start(self) -> None:
        """Begins to load."""
        if not self._done.is_set():
            Thread(target=self.load, name="load-enricher", daemon=True).start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until it is loaded or has failed; whether it is so."""
        return self._done.wait(timeout_s)

    def loaded(self) -> Enricher:
        """The enricher. TransientFailure while it is being loaded, SetupError where it cannot be."""
        if self.failure is not None:
            raise SetupError(f"the models cannot be loaded: {self.failure}")
        if self.enricher is None:
            raise TransientFailure("the models are being loaded; try again in a few seconds")
        return self.enricher

    def load(self) -> None:
        """Loads, and returns when that is done."""
        try:
            self.enricher = self._load()
        except TicketmillError as error:
            self.failure = str(error)
            log.error("the models cannot be loaded: %s", error)
        except Exception:
            self.failure = "an unexpected error, see the log"
            log.exception("the models cannot be loaded")
        finally:
            self._done.set()
