"""What is done with the objects that a backfill chose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from threading import Event
from typing import Any

from fakes import FakeRawTickets, ticket
from world import World

from ticketmill.domain.backfill import Selection
from ticketmill.domain.labels import Status
from ticketmill.operations.backfill import Backfill, Chosen, Page, Reason, Unknown, in_batches
from ticketmill.operations.reprocess import Report, Reprocessed, enqueue, inline, work_through
from ticketmill.pipeline.outcome import Result

KEY = "tickets/T1.json"
EVERYTHING = Selection(everything=True)


def test_a_partial_record_is_enriched_again_under_the_same_bundle(
    world: World, raw: FakeRawTickets, backfill: Backfill
) -> None:
    world.process(raw.drop(KEY, ticket("T1")))
    enriched = world.row("T1")
    partial = enriched.model_copy(update={"status": Status.PARTIAL, "revision": 2})
    world.rows.rows["T1"] = partial
    (page,) = backfill.pages(Selection(statuses=frozenset({Status.PARTIAL})))
    reprocess = inline(lambda key, _force: json.dumps([key]), world.pipeline.process_batch)
    assert reprocess(page.chosen) == [Reprocessed("T1", Result.ENRICHED)]
    assert world.enricher.seen == ["T1", "T1"]
    assert world.row("T1").status is Status.ENRICHED
    assert reprocess(page.chosen) == [Reprocessed("T1", Result.DUPLICATE)], "and what is whole is not"


def test_what_fails_inline_is_told_and_the_rest_goes_on(
    world: World, raw: FakeRawTickets, backfill: Backfill
) -> None:
    for ticket_id, body in {"T1": "fine", "T2": "poison", "T3": "fine"}.items():
        raw.drop(f"tickets/{ticket_id}.json", ticket(ticket_id, body))
    reprocess = inline(lambda key, _force: json.dumps([key]), world.pipeline.process_batch)
    report = Report()
    for done in work_through(backfill.pages(EVERYTHING), reprocess, 2, 1, Event()):
        report.add(*done)
    assert report.results == {"enriched": 2, "failed": 1}
    assert [(each.name, each.reason) for each in report.failed] == [("T2", "fault")]
    assert report.after == "tickets/T3.json"


def test_what_cannot_be_sent_is_told() -> None:
    reprocess = enqueue(
        lambda key, _force: key, lambda bodies: [None if body != "b" else "refused" for body in bodies]
    )
    assert reprocess([Chosen("a", Reason.MISSING, "A"), Chosen("b", Reason.MISSING)]) == [
        Reprocessed("A", "enqueued"),
        Reprocessed("b", Result.FAILED, "refused"),
    ]


def test_a_stop_finishes_what_is_begun_and_goes_on_behind_it() -> None:
    stopping = Event()
    pages = [Page(2, "a2", chosen_of("a1", "a2")), Page(9, "b9", chosen_of("b1", "b2", "b3", "b4"))]
    seen: list[str] = []

    def reprocess(batch: Any) -> list[Reprocessed]:
        seen.extend(each.key for each in batch)
        if "b1" in seen:
            stopping.set()
        return [Reprocessed(each.key, "enqueued") for each in batch]

    report = Report()
    for done in work_through(pages, reprocess, 1, 1, stopping):
        report.add(*done)
    assert seen[:3] == ["a1", "a2", "b1"]
    assert len(seen) <= 4, "one more had been taken already"
    assert (report.after, report.looked_at) == (seen[-1], len(seen))
    assert report.results == {"enqueued": len(seen)}


def test_batches_of_a_page_are_the_page() -> None:
    whole = Page(9, "z", chosen_of("a", "b", "c", "d", "e"), (Unknown("y", "slow"),))
    batches = list(in_batches([whole, Page(3, "zz")], 2))
    assert [len(each.chosen) for each in batches] == [2, 2, 1, 0]
    assert [each.last_key for each in batches] == ["b", "d", "z", "zz"]
    assert sum(each.looked_at for each in batches) == 12
    assert sum((each.unknown for each in batches), ()) == whole.unknown


def chosen_of(*keys: str) -> tuple[Chosen, ...]:
    return tuple(Chosen(key, Reason.ASKED) for key in keys)


def test_force_is_asked_for_with_every_object() -> None:
    sent: list[str] = []

    def send_many(bodies: Sequence[str]) -> list[str | None]:
        sent.extend(bodies)
        return [None for _ in bodies]

    for force in (False, True):
        enqueue(lambda key, force: f"{key} {force}", send_many, force=force)(chosen_of("a", "b"))
    assert sent == ["a False", "b False", "a True", "b True"]
