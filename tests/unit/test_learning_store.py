"""Stores of learning in a folder and in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from learning_contract import LearningItemsContract, LearningObjectsContract, LearningStoreContract

from ticketmill import bootstrap
from ticketmill.aws.learning_memory import MemoryLearningItems, MemoryLearningObjects
from ticketmill.domain.errors import SetupError
from ticketmill.learning.directory import UNFINISHED, DirectoryLearningObjects
from ticketmill.learning.directory_items import DirectoryLearningItems
from ticketmill.learning.store import LearningStore, directory_store, learning_store
from ticketmill.settings import load_settings


class TestMemoryLearningObjects(LearningObjectsContract):
    @pytest.fixture
    def objects(self) -> MemoryLearningObjects:
        return MemoryLearningObjects()


class TestMemoryLearningItems(LearningItemsContract):
    @pytest.fixture
    def items(self) -> MemoryLearningItems:
        return MemoryLearningItems()


class TestMemoryLearningStore(LearningStoreContract):
    @pytest.fixture
    def store(self) -> LearningStore:
        return learning_store(MemoryLearningObjects(), MemoryLearningItems())


class TestDirectoryLearningObjects(LearningObjectsContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> DirectoryLearningObjects:
        return DirectoryLearningObjects(tmp_path / "store")


class TestDirectoryLearningItems(LearningItemsContract):
    @pytest.fixture
    def items(self, tmp_path: Path) -> DirectoryLearningItems:
        return DirectoryLearningItems(tmp_path / "store" / "items")


class TestDirectoryLearningStore(LearningStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LearningStore:
        return directory_store(tmp_path / "store")


def test_a_file_that_a_killed_process_left_unfinished_is_no_object(tmp_path: Path) -> None:
    objects = DirectoryLearningObjects(tmp_path)
    objects.put("learning/a", b"x")
    (tmp_path / "learning" / f"{UNFINISHED}1").write_bytes(b"half")
    assert list(objects.keys("learning/")) == ["learning/a"]


def test_many_items_of_a_folder_are_written_all_or_none(tmp_path: Path) -> None:
    items = DirectoryLearningItems(tmp_path)
    items.overwrite("prediction", {"one": "old"})
    with pytest.raises(OSError, match="NOT NULL"):
        items.overwrite("prediction", {"one": "new", "two": None})  # type: ignore[dict-item]
    assert items.latest("prediction") == ["old"]


def test_reading_items_of_a_folder_that_is_not_there_makes_none(tmp_path: Path) -> None:
    assert DirectoryLearningItems(tmp_path / "store").latest("job") == []
    assert list(tmp_path.iterdir()) == []


def test_a_deleted_item_leaves_the_disk(tmp_path: Path) -> None:
    items = DirectoryLearningItems(tmp_path)
    items.put("prediction", "secret-id", "a secret body")
    items.delete("prediction", "secret-id")
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "learning/../../outside"])
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="leads out of the folder"):
        DirectoryLearningObjects(tmp_path).put(key, b"")


def test_a_file_is_no_folder_for_a_store(tmp_path: Path) -> None:
    file = tmp_path / "store"
    file.write_text("")
    with pytest.raises(SetupError, match="name a folder by --store"):
        bootstrap.open_learning_store(load_settings(), file)
