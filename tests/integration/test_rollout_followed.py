"""A running worker follows decisions on learned versions, without a restart and from batch to batch."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from commands import Run
from overlay_files import overlay_files

from ticketmill import bootstrap
from ticketmill.bootstrap import Adapters
from ticketmill.domain.keys import model_file
from ticketmill.domain.labels import Intent, Source
from ticketmill.domain.model_card import ModelVersion, content_of, entries_of
from ticketmill.domain.rollout import Decider, Rollout
from ticketmill.domain.row import TicketRow
from ticketmill.entrypoints.web.assemble import connect_parts
from ticketmill.learning.store import LearningStore
from ticketmill.pipeline.enricher import Enricher
from ticketmill.pipeline.learned_serving import LearnedServing
from ticketmill.settings import load_settings
from ticketmill.worker.pace import Limits
from ticketmill.worker.worker import make_worker

WITHIN_S = 30.0
"""The promise of docs/serving.md."""


@pytest.fixture
def store(adapters: Adapters) -> LearningStore:
    assert adapters.learning is not None
    return adapters.learning


def register(store: LearningStore, number: int, encoder: str, task: str = "intent") -> None:
    labels = tuple(Intent) if task == "intent" else ("router", "modem")
    files = overlay_files(task, labels, seed=number)
    entries = entries_of(files)
    for name, body in files.items():
        store.objects.put(model_file(task, content_of(entries), name), body)
    assert store.versions.add_version(
        ModelVersion(
            task=task,
            number=number,
            content=content_of(entries),
            files=entries,
            dataset="d",
            encoder=encoder,
            accuracy=0.9,
            job=f"{task}-{number}",
            who="ann",
            at=datetime.now(UTC),
        )
    )


def decide(store: LearningStore, change: Callable[[Rollout, Decider], Rollout]) -> int:
    rollout = change(store.rollouts.current(), Decider(who="ann", at=datetime.now(UTC)))
    assert store.rollouts.replace(rollout)
    return rollout.serial


@contextmanager
def working(adapters: Adapters, stack_name: str, enricher: Enricher) -> Iterator[LearnedServing]:
    """A worker in threads of this process."""
    settings = load_settings(stack=stack_name, rollout_refresh_s=1, wait_s=1)
    learned = bootstrap.make_learned_serving(settings, adapters)
    assert learned is not None
    pipeline = bootstrap.make_pipeline(settings, adapters, enricher, learned)
    worker = make_worker(settings, adapters.queue, pipeline.process_batch, Limits())
    thread = threading.Thread(target=worker.run)
    with learned:
        thread.start()
        try:
            yield learned
        finally:
            worker.stop()
            thread.join()
            pipeline.executor.shutdown()


def wait_for(what: Callable[[], object], within_s: float) -> float:
    """The seconds until `what` holds."""
    started = time.monotonic()
    while not what():
        assert time.monotonic() - started < within_s, "it did not come to hold in time"
        time.sleep(0.05)
    return time.monotonic() - started


def enriched(adapters: Adapters, ticket_id: str) -> TicketRow:
    """Drops a ticket and waits for its row."""
    body = json.dumps({"ticket_id": ticket_id, "body": "I was charged twice for one month."})
    adapters.raw_tickets.put(f"tickets/{ticket_id}.json", body.encode())
    wait_for(lambda: adapters.rows.get(ticket_id), within_s=120)
    row = adapters.rows.get(ticket_id)
    assert row is not None
    return row


@pytest.mark.timeout(300)
def test_promotion_and_rollback_reach_the_next_batch_of_a_running_worker(
    adapters: Adapters, stack_name: str, loaded_enricher: Enricher, store: LearningStore, ticketmill: Run
) -> None:
    encoder = loaded_enricher.fingerprint
    register(store, 1, encoder)
    register(store, 1, encoder, task="product_line")
    with working(adapters, stack_name, loaded_enricher) as learned:
        assert enriched(adapters, "T1").models["intent"] == "onepass"

        decide(store, lambda now, by: now.promoted("intent", 1, "single", by))
        promoted = decide(store, lambda now, by: now.promoted("product_line", 1, "single", by))
        wait_for(lambda: learned.follower.serial == promoted, WITHIN_S)
        row = enriched(adapters, "T2")
        assert (row.models["intent"], row.intent_source) == ("intent/v1", Source.LEARNED)
        assert (row.models["product_line"], row.rollout_serial) == ("product_line/v1", promoted)
        assert row.custom["product_line"].names[0] in ("router", "modem")

        told = json.loads(ticketmill("status", "--json").stdout)["rollout"]
        assert told["serial"] == promoted
        assert told["tasks"][0] == {"task": "intent", "serving": "v1", "canary": None, "shadow": None}

        # what POST /enrich predicts with
        web = connect_parts(load_settings(stack=stack_name)).learned()
        assert (web.rollout.serial, web.names_for("T2")["intent"]) == (promoted, "intent/v1")

        back = decide(store, lambda now, by: now.rolled_back("intent", by))
        wait_for(lambda: learned.follower.serial == back, WITHIN_S)
        row = enriched(adapters, "T3")
        assert (row.models["intent"], row.rollout_serial) == ("onepass", back)

    outdated = json.loads(ticketmill("backfill", "--outdated", "--dry-run", "--json").stdout)
    assert {each["key"] for each in outdated["objects"]} == {"tickets/T1.json", "tickets/T2.json"}


@pytest.mark.timeout(300)
def test_what_a_shadow_says_otherwise_is_kept_without_text(
    adapters: Adapters, stack_name: str, loaded_enricher: Enricher, store: LearningStore
) -> None:
    encoder = loaded_enricher.fingerprint
    for number in (1, 2):
        register(store, number, encoder)
    decide(store, lambda now, by: now.promoted("intent", 1, "single", by))
    shadowed = decide(store, lambda now, by: now.with_shadow("intent", 2, "single", by))
    with working(adapters, stack_name, loaded_enricher) as learned:
        wait_for(lambda: learned.follower.serial == shadowed, WITHIN_S)
        row = enriched(adapters, "T1")
    assert row.models["intent"] == "intent/v1"
    assert learned.shadows.scored["intent"] == 1
    keys = list(store.objects.keys("learning/disagreements/"))
    assert len(keys) == learned.shadows.disagreed["intent"] == 1
    kept = json.loads(store.objects.get(keys[0]) or b"")
    assert (kept["ticket_id"], kept["served_by"], kept["shadow"]) == ("T1", "intent/v1", "intent/v2")
    assert "charged" not in json.dumps(kept)
