"""The registry: one version a job and a content, and no file that its version does not name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from learned_versions import ANN, NOON, card, memory_store, registered

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.keys import LEARNING_PREFIX, model_file
from ticketmill.domain.model_card import ModelVersion
from ticketmill.learning.exported_model import MANIFEST_FILE, export_version, import_version
from ticketmill.learning.registry import find_version, load_card, load_files, register
from ticketmill.learning.store import LearningStore, directory_store

FILES = {"overlay.json": b"{}", "overlay.npz": b"\x00\x01"}


@pytest.fixture
def store() -> LearningStore:
    return memory_store()


def code_of(refused: Callable[[], object]) -> LearningCode:
    with pytest.raises(LearningRefused) as caught:
        refused()
    return caught.value.code


def test_a_version_is_numbered_and_its_files_and_its_card_are_kept(store: LearningStore) -> None:
    first = register(store, FILES, card(), "job-1", "ann", NOON)
    second = register(store, {**FILES, "overlay.npz": b"\x02"}, card(), "job-2", "bob", NOON)
    assert (first.name, second.name) == ("intent/v1", "intent/v2")
    assert load_card(store, first) == card()
    files = load_files(store, first)
    assert {name: files[name] for name in FILES} == FILES
    assert first.accuracy == 0.9
    assert (first.dataset, first.encoder, first.who, first.parent) == ("d1", "e1", "ann", None)


def test_a_job_that_is_delivered_twice_has_one_version(store: LearningStore) -> None:
    first = registered(store, "job-1")
    again = register(store, {"overlay.json": b"of another training"}, card(), "job-1", "ann", NOON)
    assert again == first
    assert store.versions.versions("intent") == [first]


def test_the_same_bytes_are_the_same_version_whoever_trained_them(store: LearningStore) -> None:
    first = register(store, FILES, card(), "job-1", "ann", NOON)
    assert register(store, FILES, card(), "job-2", "bob", NOON) == first
    assert register(store, FILES, card("team"), "job-3", "bob", NOON).name == "team/v1"


def test_a_version_knows_what_served_when_it_was_made(store: LearningStore) -> None:
    registered(store, "job-1")
    store.rollouts.replace(store.rollouts.current().promoted("intent", 1, "single", ANN))
    assert registered(store, "job-2").parent == 1


def test_of_many_jobs_at_once_each_has_a_number_of_its_own(tmp_path: Path) -> None:
    def train(number: int) -> ModelVersion:
        return registered(directory_store(tmp_path), f"job-{number // 2}")

    with ThreadPoolExecutor(6) as pool:
        versions = list(pool.map(train, range(6)))
    assert sorted({each.number for each in versions}) == [1, 2, 3]
    assert len({each.job for each in versions}) == 3
    assert len(directory_store(tmp_path).versions.versions("intent")) == 3


@pytest.mark.parametrize("name", ["intent/v2", "intent", "intent/latest", "team/v1", "/v1"])
def test_an_unknown_version_is_refused_and_something_near_is_named(store: LearningStore, name: str) -> None:
    registered(store)
    with pytest.raises(LearningRefused, match="intent") as caught:
        find_version(store, name)
    assert caught.value.code is LearningCode.UNKNOWN_VERSION
    assert find_version(store, "intent/v1") == find_version(store, "intent/1")


@pytest.mark.parametrize("body", [None, b"another", b"\x00" * 63])
def test_a_file_that_is_not_the_registered_one_is_named(store: LearningStore, body: bytes | None) -> None:
    version = registered(store)
    key = model_file("intent", version.content, "overlay.npz")
    store.objects.delete([key])
    if body is not None:
        store.objects.put(key, body)
    with pytest.raises(LearningRefused, match=r"the file overlay\.npz of intent/v1 is"):
        load_files(store, version)
    assert code_of(lambda: export_version(store, version)) is LearningCode.MODEL_MISMATCH


def test_an_export_is_the_same_bytes_and_another_place_takes_it(store: LearningStore) -> None:
    version = registered(store)
    exported = export_version(store, version)
    assert exported == export_version(store, version)
    assert b"pickle" not in exported
    elsewhere = memory_store()
    registered(elsewhere, "of another place")
    imported = import_version(elsewhere, exported, "e1", "bob", NOON)
    assert imported.version.name == "intent/v2"
    assert imported.version.content == version.content
    assert not imported.was_there
    assert load_files(elsewhere, imported.version) == load_files(store, version)
    again = import_version(elsewhere, exported, "e1", "bob", NOON)
    assert again.version == imported.version
    assert again.was_there


def test_a_version_of_another_encoder_is_not_imported(store: LearningStore) -> None:
    exported = export_version(store, registered(store))
    refused = code_of(lambda: import_version(memory_store(), exported, "e2", "bob", NOON))
    assert refused is LearningCode.ENCODER_CHANGED
    assert import_version(memory_store(), exported, None, "bob", NOON).version.encoder == "e1"


def rewritten(exported: bytes, changes: dict[str, bytes | None]) -> bytes:
    """The file with other contents, or without some."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(exported)) as before, zipfile.ZipFile(target, "w") as after:
        found = {name: before.read(name) for name in before.namelist()}
        for name, body in {**found, **changes}.items():
            if body is not None:
                after.writestr(name, body)
    return target.getvalue()


@pytest.mark.parametrize(
    "changes",
    [
        {"overlay.npz": b"other weights"},
        {"overlay.npz": None},
        {"card.json": None},
        {"unnamed.bin": b"x"},
        {MANIFEST_FILE: b"{}"},
        {MANIFEST_FILE: None},
    ],
)
def test_a_file_that_was_changed_is_not_imported(
    store: LearningStore, changes: dict[str, bytes | None]
) -> None:
    exported = rewritten(export_version(store, registered(store)), changes)
    elsewhere = memory_store()
    assert code_of(lambda: import_version(elsewhere, exported, "e1", "bob", NOON)) is (
        LearningCode.MODEL_MISMATCH
    )
    assert list(elsewhere.objects.keys(LEARNING_PREFIX)) == []


@pytest.mark.parametrize("exported", [b"", b"no zip", b"PK\x03\x04" + b"\x00" * 40])
def test_what_is_no_export_is_told(store: LearningStore, exported: bytes) -> None:
    refused = code_of(lambda: import_version(store, exported, "e1", "bob", NOON))
    assert refused is LearningCode.MODEL_MISMATCH


def test_names_that_lead_out_of_a_folder_are_not_imported(tmp_path: Path, store: LearningStore) -> None:
    exported = export_version(store, registered(store))
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        manifest = archive.read(MANIFEST_FILE).decode()
    hostile = manifest.replace('"task": "intent"', '"task": "../../outside"')
    assert hostile != manifest
    changed = rewritten(exported, {MANIFEST_FILE: hostile.encode()})
    place = directory_store(tmp_path / "store")
    assert code_of(lambda: import_version(place, changed, "e1", "bob", NOON)) is LearningCode.MODEL_MISMATCH
    assert list(tmp_path.iterdir()) == []
