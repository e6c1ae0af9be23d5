"""Forgetting a ticket: nothing is left of it anywhere, nothing of others goes, an interrupted run goes on."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from correction_desk import ANN, TASKS, label
from frozen_records import frozen_bytes
from rows_contract import row

from ticketmill.arrays import npz_bytes
from ticketmill.aws.learning_memory import MemoryLearningItems, MemoryLearningObjects
from ticketmill.aws.memory import MemoryLabelJournal, MemoryTicketRows
from ticketmill.domain.dataset import Dataset, Origin
from ticketmill.domain.document import DocumentPrediction
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.keys import DRIFT_REFERENCE_FILE, disagreement_file, extracted_file, predictions_file
from ticketmill.domain.message import ObjectVersion
from ticketmill.domain.model_card import ModelVersion
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.annotations import Annotated, Annotation, Gathered
from ticketmill.learning.dataset_build import DatasetSpec, build
from ticketmill.learning.documents import ProjectDocuments, new_document
from ticketmill.learning.drift_sample import Sample, from_bytes, to_bytes
from ticketmill.learning.forgetting import (
    DatasetsOfTicket,
    DisagreementsOfTicket,
    DriftReferenceOfTicket,
    FeaturesOfTicket,
    TrainedWith,
)
from ticketmill.learning.forgetting_jobs import DocumentsOfTicket, PredictionsOfTicket
from ticketmill.learning.known_readings import KnownReadings, stored_readings
from ticketmill.learning.packed_features import PackedFeatures, Pooled, key_of
from ticketmill.learning.snapshots import Snapshots
from ticketmill.learning.store import LearningStore, learning_store
from ticketmill.operations.corrections import Corrections
from ticketmill.operations.forget import (
    EnrichedObjects,
    Forget,
    Holder,
    Journal,
    RawObjects,
    Rows,
    TicketTraces,
    Traces,
)
from ticketmill.text.reading import read_ticket

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
ID, OTHER = "TKT-7", "TKT-8"
ENCODER = "0123456789ab"


@dataclass
class Versions:
    """A versioned bucket: bodies by key and version; None marks a deletion."""

    held: dict[tuple[str, str], bytes | None] = field(default_factory=dict)

    def put(self, key: str, body: bytes | None) -> None:
        self.held[key, f"v{len(self.held)}"] = body

    def under(self, prefix: str) -> Iterator[ObjectVersion]:
        for (key, version), body in list(self.held.items()):
            if key.startswith(prefix):
                yield ObjectVersion(key, version, len(body or b""), is_delete_marker=body is None)

    def body(self, version: ObjectVersion) -> bytes | None:
        return self.held.get((version.key, version.version_id))

    def delete(self, versions: Sequence[ObjectVersion]) -> int:
        return sum(self.held.pop((each.key, each.version_id), None) is not None for each in versions)


def text_of(ticket_id: str) -> str:
    number = int(ticket_id.removeprefix("TKT-"))
    return f"ticket {number * 7919:x} about thing {number * 104729:x} since day {number * 1299709:x}"


def raw(ticket_id: str, body: str | None = None) -> bytes:
    return json.dumps({"ticket_id": ticket_id, "body": body or text_of(ticket_id)}).encode()


class World:
    """Two tickets in every place that keeps something of tickets, and twenty more in a dataset."""

    def __init__(self) -> None:
        self.raw, self.enriched = Versions(), Versions()
        self.rows = MemoryTicketRows()
        self.journal = MemoryLabelJournal(self.rows)
        self.store: LearningStore = learning_store(MemoryLearningObjects(), MemoryLearningItems())
        self.snapshots = Snapshots(self.store.datasets, self.store.objects)
        for ticket_id in (ID, OTHER):
            self.raw.put(f"tickets/{ticket_id}.json", raw(ticket_id, "an earlier text"))
            self.raw.put(f"tickets/{ticket_id}.json", raw(ticket_id))
            self.enriched.put(f"tickets/{ticket_id}/a.json", b"{}")
            self.rows.put(row(ticket_id), replaces=None)
            Corrections(self.rows, self.journal, TASKS).correct(ticket_id, {"urgency": label("low")}, ANN)
            self.store.objects.put(disagreement_file("intent", 1, ticket_id), b"{}")
        self.dataset = self.built(range(22)).manifest
        self.store.versions.add_version(version(self.dataset))
        self.run_jobs()
        self.features = [*map(text_of, (ID, OTHER)), "an earlier text"]
        keys = [key_of(read_ticket(Ticket(ticket_id="x", body=text)).text) for text in self.features]
        cached = PackedFeatures(self.store.objects, ENCODER, 100.0)
        cached.put_many(keys, Pooled(np.zeros((3, 7, 8), np.float16), None, np.ones(3, np.int32)))
        cached.save()

    def run_jobs(self) -> None:
        """What jobs keep of both tickets: documents, predictions, and features."""
        documents = [new_document(each, "", text_of(each)) for each in (ID, OTHER)]
        ProjectDocuments(self.store.objects).keep("shop", documents, NOW)
        said = [
            DocumentPrediction(
                document_id=each, labels=("a",), confidence=0.9, model="intent/v1", job_id="j1"
            )
            for each in (ID, OTHER)
        ]
        self.store.predictions.keep("intent", said)
        lines = b"".join(each.model_dump_json().encode() + b"\n" for each in said)
        self.store.objects.put(predictions_file("intent", 1, "j1"), lines)
        arrays = {"ids": np.array([ID, OTHER]), "tokens": np.array([3, 4])}
        self.store.objects.put(extracted_file("j2"), npz_bytes(arrays))

    def built(self, numbers: Sequence[int]) -> Any:
        gathered = Gathered()
        for number in numbers:
            name = f"TKT-{number}"
            said = [Annotation("ann", ("ab"[number % 2],))]
            gathered.add(Annotated(name, "", text_of(name), Origin.JOURNAL, f"h{number}", said))
        snapshot = build(gathered, DatasetSpec("intent"), None, NOW)
        self.snapshots.save(snapshot)
        return snapshot

    @property
    def holders(self) -> list[Holder]:
        datasets = DatasetsOfTicket(self.snapshots)
        return [
            FeaturesOfTicket(self.store.objects, datasets, DocumentsOfTicket(self.store.objects)),
            datasets,
            DocumentsOfTicket(self.store.objects),
            PredictionsOfTicket(self.store),
            DisagreementsOfTicket(self.store.objects, self.store.versions),
            DriftReferenceOfTicket(self.store.objects),
            EnrichedObjects(self.enriched),
            RawObjects(self.raw, parse_ticket, 10_000),
            Rows(self.rows),
            Journal(self.journal),
        ]

    def forget(self, holders: Sequence[Holder] | None = None, raw_keys: Sequence[str] = ()) -> Forget:
        raw_objects, enriched = RawObjects(self.raw, parse_ticket, 10_000), EnrichedObjects(self.enriched)
        return Forget(
            TicketTraces(self.rows, raw_objects, enriched, raw_keys),
            self.holders if holders is None else holders,
            TrainedWith(DatasetsOfTicket(self.snapshots), self.store.versions),
        )

    def everything(self) -> str:
        """All that is kept, as one text; datasets and features are looked at by their holders."""
        objects = self.store.objects
        rows = [each.model_dump_json() for each in self.rows.rows.values()]
        said = [each.model_dump_json() for each in self.journal.walk()]
        kept = [self.raw.held, self.enriched.held, rows, said, list(objects.keys(""))]
        manifests = [each.model_dump_json() for each in self.store.datasets.datasets("intent")]
        examples = [self.snapshots.load(each) for each in self.store.datasets.datasets("intent")]
        documents = ProjectDocuments(objects).read("shop")
        predicted = objects.get(predictions_file("intent", 1, "j1"))
        latest = [self.store.predictions.latest("intent", each) for each in (ID, OTHER)]
        with np.load(io.BytesIO(objects.get(extracted_file("j2")) or b""), allow_pickle=False) as arrays:
            extracted = [arrays["ids"].tolist(), arrays["tokens"].tolist()]
        return str([*kept, manifests, examples, documents, predicted, latest, extracted])


def version(dataset: Dataset) -> ModelVersion:
    return ModelVersion(
        task="intent",
        number=1,
        content="c",
        files={},
        dataset=dataset.name,
        encoder="e",
        accuracy=0.9,
        job="j",
        who="ann",
        at=NOW,
    )


@pytest.fixture
def world() -> World:
    return World()


def test_everything_of_a_ticket_goes_and_the_list_of_what_is_left_is_empty(world: World) -> None:
    assert f"'{ID}'" in world.everything()
    done = world.forget()(ID)
    assert done.removed == {
        "cached features": 2,
        "datasets": 1,
        "documents": 1,
        "predictions of jobs": 3,
        "disagreements": 1,
        "drift reference": 0,
        "enriched objects": 1,
        "raw objects": 2,
        "row": 1,
        "corrections": 1,
    }
    assert done.left == {}
    assert done.is_complete
    assert f"{ID}." not in world.everything()
    assert f"'{ID}'" not in world.everything()
    assert f'"{ID}"' not in world.everything()
    assert text_of(ID) not in world.everything()


def test_nothing_of_other_tickets_goes(world: World) -> None:
    world.forget()(ID)
    assert world.rows.get(OTHER) is not None
    assert len(world.journal.of_ticket(OTHER)) == 1
    assert len([key for key, _ in world.raw.held if OTHER in key]) == 2
    assert len(world.enriched.held) == 1
    assert [each.document_id for each in ProjectDocuments(world.store.objects).read("shop")] == [OTHER]
    assert world.store.predictions.latest("intent", OTHER) is not None
    assert f"[['{OTHER}'], [4]]" in world.everything()
    (manifest,) = world.store.datasets.datasets("intent")
    assert (manifest.examples, manifest.replaces) == (21, world.dataset.name)
    assert world.store.objects.get(disagreement_file("intent", 1, OTHER)) is not None
    cached = PackedFeatures(world.store.objects, ENCODER, 100.0)
    assert cached.catalog.entries == 1


def test_the_hashes_of_its_texts_go_and_those_of_others_stay(world: World) -> None:
    tickets = [Ticket(ticket_id="x", body=text_of(each)) for each in (ID, OTHER)]
    known = KnownReadings(world.store.objects)
    for each in tickets:
        known.read(each)
    known.save()
    assert len(stored_readings(world.store.objects, tickets)) == 2
    assert world.forget()(ID).is_complete
    assert not stored_readings(world.store.objects, tickets[:1])
    assert stored_readings(world.store.objects, tickets[1:])


def test_versions_that_were_trained_with_it_are_named_and_stay(world: World) -> None:
    assert world.forget()(ID).trained_with_it == ("intent/v1",)
    assert world.store.versions.versions("intent") == [version(world.dataset)]
    assert world.forget()("TKT-99").trained_with_it == ()


class Failing:
    """A holder whose place fails when it is to remove something."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self.name = holder.name

    def remove(self, traces: Traces) -> int:  # noqa: ARG002
        raise TransientFailure(f"{self.name}: SlowDown")

    def left(self, traces: Traces) -> list[str]:
        return self.holder.left(traces)


@pytest.mark.parametrize("failing", range(8))
def test_a_run_that_was_stopped_anywhere_is_ended_by_the_next(world: World, failing: int) -> None:
    holders = world.holders
    holders[failing] = Failing(holders[failing])
    with pytest.raises(TransientFailure):
        world.forget(holders)(ID)
    done = world.forget()(ID)
    assert done.is_complete
    assert f'"{ID}"' not in world.everything()
    assert PackedFeatures(world.store.objects, ENCODER, 100.0).catalog.entries == 1


def test_a_second_run_finds_nothing_and_is_complete(world: World) -> None:
    world.forget()(ID)
    again = world.forget()(ID)
    assert set(again.removed.values()) == {0}
    assert again.is_complete


def test_what_is_written_again_meanwhile_is_told(world: World) -> None:
    class Rewritten(Failing):
        def remove(self, traces: Traces) -> int:  # noqa: ARG002
            world.enriched.put(f"tickets/{ID}/b.json", b"{}")
            return 0

    holders = world.holders
    holders[-1] = Rewritten(holders[-1])
    done = world.forget(holders)(ID)
    assert set(done.left) == {"enriched objects", "corrections"}
    assert not done.is_complete


def change(name: str) -> Callable[[World], object]:
    def broken(world: World) -> None:
        world.raw.put("tickets/TKT-7.json", b"{")

    def deleted(world: World) -> None:
        world.raw.put("tickets/TKT-7.json", None)

    def huge(world: World) -> None:
        world.raw.put("tickets/TKT-7.json", raw(ID, "x" * 20_000))

    return {"broken": broken, "deleted": deleted, "huge": huge}[name]


@pytest.mark.parametrize("name", ["broken", "deleted", "huge"])
def test_uploads_that_cannot_be_read_go_with_their_key(world: World, name: str) -> None:
    change(name)(world)
    assert world.forget()(ID).is_complete
    assert [key for key, _ in world.raw.held if ID in key] == []


def test_other_tickets_that_were_uploaded_under_the_same_key_stay(world: World) -> None:
    world.raw.put("tickets/TKT-7.json", raw("TKT-500"))
    world.raw.put("tickets/TKT-7.json", None)
    assert world.forget()(ID).is_complete
    left = [body for (key, _), body in world.raw.held.items() if key == "tickets/TKT-7.json"]
    assert left == [raw("TKT-500"), None]


def test_an_earlier_key_is_given_by_name(world: World) -> None:
    world.raw.put("tickets/old/7.json", raw(ID))
    world.forget(raw_keys=["tickets/old/7.json"])(ID)
    assert ("tickets/old/7.json") not in {key for key, _ in world.raw.held}


def test_an_example_that_another_one_links_to_is_named_nowhere(world: World) -> None:
    gathered = Gathered()
    for number in range(22):
        said = [Annotation("ann", ("ab"[number % 2],))]
        links = (f"thread:{ID}",) if number in (3, 7) else ()
        name = f"TKT-{number}"
        gathered.add(Annotated(name, "", text_of(name), Origin.JOURNAL, "h", said, links=links))
    world.snapshots.save(build(gathered, DatasetSpec("intent"), None, NOW))
    assert world.forget()(ID).is_complete
    for manifest in world.store.datasets.datasets("intent"):
        assert all(ID not in each.group for each in world.snapshots.load(manifest).examples)


def test_a_ticket_that_a_dataset_only_left_out_is_forgotten_without_another_name(world: World) -> None:
    gathered = Gathered()
    for number in range(22):
        said = [Annotation("ann", ("ab"[number % 2],))]
        if number == 7:
            said.append(Annotation("bob", ("b" if number % 2 == 0 else "a",)))
        name = f"TKT-{number}"
        gathered.add(Annotated(name, "", text_of(name), Origin.JOURNAL, "h", said))
    snapshot = build(gathered, DatasetSpec("intent"), world.snapshots.load(world.dataset), NOW)
    world.snapshots.save(snapshot)
    assert snapshot.sides.knows(ID)
    assert world.forget()(ID).is_complete
    kept = world.snapshots.find("intent", snapshot.manifest.name)
    assert (kept.conflicts, kept.conflicting, kept.replaces) == ((), 0, None)
    assert not world.snapshots.load(kept).sides.knows(ID)


def test_what_a_killed_build_left_behind_goes_too(world: World) -> None:
    world.store.datasets.remove_dataset(world.dataset)
    assert world.forget()(ID).is_complete
    assert [key for key in world.store.objects.keys("") if "datasets" in key] == []


def test_the_embedding_of_a_ticket_leaves_the_reference_of_drift(world: World) -> None:
    enriched = json.loads(frozen_bytes("yesterday_enriched_object"))
    size = len(enriched["enrichment"]["embedding"])
    world.enriched.put(f"tickets/{ID}/b.json", json.dumps(enriched).encode())
    others = np.random.default_rng(0).standard_normal((3, size)).astype(np.float32)
    own = np.array([enriched["enrichment"]["embedding"]], np.float32)
    sample = Sample(np.concatenate([others, own]), "onepass/384", {}, {}, 4, 0, 0, 0)
    world.store.objects.put(DRIFT_REFERENCE_FILE, to_bytes(sample))
    done = world.forget()(ID)
    assert (done.removed["drift reference"], done.left) == (1, {})
    kept = world.store.objects.get(DRIFT_REFERENCE_FILE)
    assert kept is not None
    assert np.allclose(from_bytes(kept).embeddings, others, atol=1e-2)
