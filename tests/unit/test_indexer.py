"""The indexer: what becomes of the events of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fakes import NOW
from index_place import BUCKET, Place, change
from memory_index import MemoryGenerations

from ticketmill.aws.events import encode_upload
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.operations.compaction import Compaction
from ticketmill.pipeline.outcome import Result
from ticketmill.queries.current_index import CurrentIndex


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    made.close()


def test_a_batch_is_one_put_of_all_its_enrichments(place: Place) -> None:
    keys = place.enrich("T1", "T2", "T3")
    assert place.announce(*keys) == [Result.INDEXED] * 3
    assert sorted(place.index.entries) == sorted(keys)
    assert place.index.puts == 1
    (first, *_) = place.index.entries.values()
    assert first.text == "Login\nIt fails."
    assert first.received_at == NOW


def test_events_twice_and_in_any_order_leave_one_entry_each(place: Place) -> None:
    keys = place.enrich("T1", "T2")
    assert place.announce(*keys, *keys) == [Result.INDEXED] * 4
    place.announce(*reversed(keys))
    assert sorted(place.index.entries) == sorted(keys)


def test_an_object_that_is_gone_is_done(place: Place) -> None:
    (key,) = place.enrich("T1")
    del place.world.enriched.objects[key]
    assert place.announce(key) == [Result.IGNORED]


def test_an_enrichment_without_a_vector_is_done_and_is_no_entry(place: Place) -> None:
    (key, other) = place.enrich("T1", "T2")
    change(place, key, embedding=[])
    assert place.announce(key, other) == [Result.IGNORED, Result.INDEXED]
    assert list(place.index.entries) == [other]


def test_vectors_of_another_embedding_model_go_to_an_index_of_their_own(place: Place) -> None:
    (key, other) = place.enrich("T1", "T2")
    change(place, other, models={"embedding": "sentence:other"})
    place.announce(key, other)
    assert len(place.indexes) == 2
    assert list(place.indexes["sentence:other"].entries) == [other]


def test_an_object_that_cannot_be_read_fails_alone(place: Place) -> None:
    (key, other) = place.enrich("T1", "T2")
    place.world.enriched.objects[key] = b"no JSON"
    outcomes = place.process(encode_upload(BUCKET, key), encode_upload(BUCKET, other))
    assert {each.reason for each in outcomes if each.result is Result.FAILED} == {"unreadable_object"}
    assert list(place.index.entries) == [other]


def test_an_entry_that_cannot_be_put_fails_alone(place: Place) -> None:
    keys = place.enrich("T1", "T2", "T3")
    place.indexes = {}
    place.announce(keys[0])
    place.index.refuses = lambda entry: entry.enriched_key == keys[1]
    assert place.announce(*keys) == [Result.INDEXED, Result.FAILED, Result.INDEXED]


def test_while_the_index_is_down_all_fail_for_it(place: Place) -> None:
    keys = place.enrich("T1", "T2")
    place.announce(keys[0])
    place.index.is_down = True
    outcomes = place.process(*(encode_upload(BUCKET, key) for key in keys))
    assert {(each.result, each.dependency) for each in outcomes} == {(Result.FAILED, "index")}


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("no event", Result.FAILED),
        (encode_upload("another", "tickets/T1/a.json"), Result.FAILED),
        (encode_upload(BUCKET, "learning/models/a.json"), Result.IGNORED),
        ('{"Event": "s3:TestEvent"}', Result.IGNORED),
    ],
)
def test_what_announces_no_enrichment_is_no_entry(place: Place, body: str, result: Result) -> None:
    (outcome,) = place.process(body)
    assert outcome.result is result
    assert not place.indexes


def test_a_put_is_repeated_in_a_generation_that_became_current_meanwhile(place: Place) -> None:
    generations = MemoryGenerations()
    (key,) = place.enrich("T1")

    def switched(_entry: IndexedTicket) -> bool:
        generations.name = "second"
        return False

    generations.store("first").refuses = switched
    place.indexer = replace(place.indexer, store_of=lambda _model: CurrentIndex(generations))
    assert place.announce(key) == [Result.INDEXED]
    assert {name: list(each.entries) for name, each in generations.stores.items()} == {
        "first": [key],
        "second": [key],
    }


def test_a_reader_follows_the_current_generation_soon() -> None:
    generations, seconds = MemoryGenerations(), [0.0]
    index = CurrentIndex(generations, clock=lambda: seconds[0])
    before = index.version()
    generations.name = "second"
    assert index.version() == before
    seconds[0] += 10
    assert index.version() != before


def test_compaction_waits_for_changes(place: Place) -> None:
    (key,) = place.enrich("T1")
    place.announce(key)
    compact = Compaction(place.indexes)
    compact()
    assert place.index.compactions == 0
    place.announce(*place.enrich("T2"))
    compact()
    compact()
    assert place.index.compactions == 1


def test_a_compaction_that_others_forestall_is_repeated(place: Place) -> None:
    place.announce(*place.enrich("T1"))
    compact = Compaction(place.indexes)
    compact()
    place.announce(*place.enrich("T2"))
    place.index.is_down = True
    compact()
    place.index.is_down = False
    compact()
    assert place.index.compactions == 1
