"""The generations of a search index in a folder of this machine, and the file that names one."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import FIRST_GENERATION

if TYPE_CHECKING:
    from ticketmill.aws.lance_index import LanceVectorStore

POINTER = "current"


class FolderIndexGenerations:
    """Those of one embedding model. Every method raises TransientFailure where the folder fails.

    Unlike S3, a folder has no conditional write. So one process at a time may rebuild.
    """

    def __init__(self, folder: Path, open_store: Callable[[Path], LanceVectorStore]) -> None:
        """`open_store` opens the store in a folder."""
        self._folder = folder
        self._open_store = open_store
        self._stores: dict[str, LanceVectorStore] = {}

    def current(self) -> str:
        """The name of the generation that is searched."""
        with _folder_works():
            pointer = self._folder / POINTER
            return pointer.read_text(encoding="utf-8") if pointer.exists() else FIRST_GENERATION

    def store(self, generation: str) -> LanceVectorStore:
        """The entries of a generation."""
        if generation not in self._stores:
            self._stores[generation] = self._open_store(self._folder / generation)
        return self._stores[generation]

    def names(self) -> list[str]:
        """All that there are, in the order of their age."""
        with _folder_works():
            found = [each.name for each in self._folder.glob("*/")] if self._folder.is_dir() else []
        return sorted(found, key=lambda name: (name != FIRST_GENERATION, name))

    def switch(self, before: str, to: str) -> bool:
        """Has `to` searched instead of `before`. False, and nothing changed, where another came first."""
        if self.current() != before:
            return False
        with _folder_works():
            written = self._folder / f".{uuid.uuid4().hex}"
            written.write_text(to, encoding="utf-8")
            written.replace(self._folder / POINTER)
        return True

    def delete(self, generation: str) -> int:
        """Deletes all files of a generation; how many it were."""
        self._stores.pop(generation, None)
        files = self._files(generation)
        with _folder_works():
            if files:
                shutil.rmtree(self._folder / generation)
        return len(files)

    def size(self, generation: str) -> tuple[int, int]:
        """The number of files of a generation, and their bytes together."""
        with _folder_works():
            sizes = [each.stat().st_size for each in self._files(generation)]
        return len(sizes), sum(sizes)

    def _files(self, generation: str) -> list[Path]:
        with _folder_works():
            return [each for each in (self._folder / generation).rglob("*") if each.is_file()]


@contextmanager
def _folder_works() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransientFailure(
            f"the folder of the search index: {error.strerror}", "index", "index"
        ) from error
