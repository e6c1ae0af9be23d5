"""Enriched tickets in memory, and an indexer of their events."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fakes import NOW
from memory_index import MemoryIndex
from world import World

from ticketmill.aws.events import decode, encode_upload
from ticketmill.domain.message import Message
from ticketmill.operations.indexer import Indexer
from ticketmill.pipeline.outcome import Outcome, Result

BUCKET = "enriched"


class Place:
    """A pipeline, what it has enriched, and an indexer."""

    def __init__(self) -> None:
        self.world = World()
        self.indexes: dict[str, MemoryIndex] = {}
        self.pool = ThreadPoolExecutor(4)
        self.indexer = Indexer(
            enriched=self.world.enriched,
            decode=partial(decode, raw_bucket=BUCKET),
            store_of=lambda model: self.indexes.setdefault(model, MemoryIndex()),
            executor=self.pool,
        )

    def enrich(self, *ticket_ids: str) -> list[str]:
        """The keys of new enrichments."""
        before = set(self.world.enriched.objects)
        for ticket_id in ticket_ids:
            ticket = {"ticket_id": ticket_id, "subject": "Login", "body": "It fails."}
            self.world.process(self.world.raw.drop(f"tickets/{ticket_id}.json", ticket))
        keys = [key for key in self.world.enriched.objects if key not in before]
        for key in keys:
            change(self, key, embedding=[1, 0, 0, 0])
        return keys

    def process(self, *bodies: str) -> list[Outcome]:
        messages = [Message(f"m{number}", body, "", 1, NOW) for number, body in enumerate(bodies)]
        return self.indexer.process_batch(messages)

    def announce(self, *keys: str) -> list[Result]:
        """The result of the event of each object, in their order."""
        outcomes = self.process(*(encode_upload(BUCKET, key) for key in keys))
        by_id = {each.message.message_id: each.result for each in outcomes}
        return [by_id[f"m{number}"] for number in range(len(keys))]

    def close(self) -> None:
        self.pool.shutdown()
        self.world.pipeline.executor.shutdown()

    @property
    def index(self) -> MemoryIndex:
        (only,) = self.indexes.values()
        return only


def change(place: Place, key: str, **enrichment: object) -> None:
    """Writes another enrichment at a key, as another worker would have."""
    document = json.loads(place.world.enriched.objects[key])
    document["enrichment"] |= enrichment
    place.world.enriched.objects[key] = json.dumps(document).encode()
