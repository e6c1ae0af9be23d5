"""What shadows say is counted, and some disagreements are kept, away from the batches."""

from __future__ import annotations

import json

from fakes import NOW
from learned_samples import model

from ticketmill.domain.errors import TransientFailure
from ticketmill.pipeline.learned import Compared
from ticketmill.pipeline.shadows import Shadows


class Store:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.is_down = False

    def put(self, key: str, body: bytes) -> None:
        if self.is_down:
            raise TransientFailure("S3 is down")
        self.objects[key] = body


def compared(ticket_id: str, served: str, says: str) -> Compared:
    return Compared(ticket_id, "onepass", (served,), 0.8, (says,), 0.6)


def test_disagreements_are_kept_without_any_text_once_they_are_flushed() -> None:
    store = Store()
    shadows = Shadows(store.put, now=lambda: NOW)
    shadows.compared(model(number=3), [compared("T1", "a", "a"), compared("T2", "a", "b")])
    assert store.objects == {}, "nothing waits for S3 in a batch"
    shadows.flush()
    assert list(store.objects) == ["learning/disagreements/intent/v3/T2.json"]
    kept = json.loads(store.objects["learning/disagreements/intent/v3/T2.json"])
    assert kept == {
        "ticket_id": "T2",
        "task": "intent",
        "served_by": "onepass",
        "served": ["a"],
        "served_confidence": 0.8,
        "shadow": "intent/v3",
        "says": ["b"],
        "confidence": 0.6,
        "at": "2026-11-21T09:30:00Z",
    }


def test_everything_is_counted() -> None:
    shadows = Shadows(Store().put, max_per_flush=1)
    for number in range(5):
        shadows.compared(model(), [compared(f"A{number}", "a", "a"), compared(f"B{number}", "a", "b")])
    assert (shadows.scored["intent"], shadows.disagreed["intent"]) == (10, 5)


def test_no_more_are_kept_than_may_be_at_once_and_in_all() -> None:
    store = Store()
    shadows = Shadows(store.put, max_per_flush=2, max_kept=5)
    for flush in range(4):
        shadows.compared(model(), [compared(f"T{flush}-{number}", "a", "b") for number in range(3)])
        shadows.flush()
    assert list(store.objects) == [
        f"learning/disagreements/intent/v1/{name}.json" for name in ("T0-0", "T0-1", "T1-0", "T1-1", "T2-0")
    ]


def test_while_s3_is_down_disagreements_are_left_out_and_nothing_fails() -> None:
    store = Store()
    store.is_down = True
    shadows = Shadows(store.put)
    shadows.compared(model(), [compared("T1", "a", "b")])
    shadows.flush()
    store.is_down = False
    shadows.compared(model(), [compared("T2", "a", "b")])
    shadows.flush()
    assert list(store.objects) == ["learning/disagreements/intent/v1/T2.json"]
