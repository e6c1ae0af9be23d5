"""An index of quiet weeks with real embeddings, for tests of surges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product

from stored_rows import enriched_key_of, put_row

from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.search import open_index
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.settings import Settings

DAYS, PER_DAY = 40, 12
PLACES = ("this morning", "since the last update", "on my phone", "for the second time", "at the office")
QUIET = [
    f"{what} {where}."
    for what, where in product(
        (
            "How do I change the address of an invoice",
            "The report cannot be exported to a spreadsheet",
            "I forgot my password and the mail for a new one does not arrive",
            "Where is my parcel, the tracking page shows nothing",
            "Please cancel my subscription at the end of the month",
            "The app closes as soon as I open the camera",
            "Can you add another user to our team account",
        ),
        PLACES,
    )
]
DECLINED = [
    f"{what} {where}."
    for what, where in product(
        ("My card was declined at the shop", "Your card is declined everywhere I pay with it"), PLACES
    )
]


class SurgePlace:
    """Texts as tickets of the index and of the table."""

    def __init__(self, settings: Settings, adapters: Adapters) -> None:
        self._adapters, self._index = adapters, open_index(settings)
        encoder = Encoder(load_bundle(settings.bundle_dir), threads=1)
        texts = [*QUIET, *DECLINED]
        found = [each.embedding for each in encoder.encode(texts)]
        self._vectors = dict(zip(texts, found, strict=True))

    def put_quiet_weeks(self, until: datetime) -> None:
        """Tickets of all topics in turn; they need no rows."""
        count = DAYS * PER_DAY
        times = [until - timedelta(days=DAYS) * (1 - number / count) for number in range(count)]
        self.put("quiet", [QUIET[at % len(QUIET)] for at in range(count)], times, has_rows=False)

    def put(self, name: str, texts: Sequence[str], times: Sequence[datetime], has_rows: bool = True) -> None:
        """Puts a ticket for each text. Each has a customer of its own."""
        entries = []
        for number, (text, at) in enumerate(zip(texts, times, strict=True)):
            ticket_id = f"{name}-{number}"
            key = enriched_key_of(ticket_id)
            entries.append(IndexedTicket(key, at, self._vectors[text], text))
            if has_rows:
                put_row(self._adapters, ticket_id, at, customer_id=f"customer-{name}-{number}")
        self._index.put(entries)
