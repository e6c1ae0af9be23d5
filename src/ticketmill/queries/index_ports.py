"""The port of the search index. LanceDB fits it, and Amazon S3 Vectors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ticketmill.arrays import Floats
from ticketmill.indexed_ticket import Hit, IndexedTicket


class VectorStore(Protocol):
    """The entries of one embedding model. Those of one key are always the same.

    Many processes may read and write one store. Every method raises TransientFailure where the store fails.
    """

    def put(self, entries: Sequence[IndexedTicket]) -> None:
        """Adds entries. One that is there already is there once."""
        ...

    def delete(self, keys: Collection[str]) -> None:
        """Deletes entries by their keys; those that are not there are no fault."""
        ...

    def keys_of(self, ticket_id: str) -> list[str]:
        """The keys of all entries of a ticket."""
        ...

    def scan(self, since: datetime | None = None) -> Iterator[Sequence[IndexedTicket]]:
        """All entries, without their texts; with `since` those that were put at that time or later."""
        ...

    def keys(self, since: datetime | None = None) -> Iterator[Sequence[tuple[str, datetime]]]:
        """The keys of all entries and when their tickets were received; `since` as of `scan`."""
        ...

    def texts(self, keys: Iterable[str]) -> Mapping[str, str]:
        """The texts of some entries by their keys."""
        ...

    def entries(self, keys: Iterable[str]) -> list[IndexedTicket]:
        """Some entries, without their texts, in any order; those that are not there are left out."""
        ...

    def count(self) -> int:
        """How many entries there are."""
        ...

    def version(self) -> str:
        """Another text after every change."""
        ...

    def nearest(
        self, vector: Floats, most: int, since: datetime | None = None, until: datetime | None = None
    ) -> list[Hit]:
        """Up to `most` entries by cosine, the nearest first, received from `since` on and before `until`.

        An index of the store may be approximate.
        """
        ...

    def search_text(
        self, words: str, most: int, since: datetime | None = None, until: datetime | None = None
    ) -> list[Hit] | None:
        """Up to `most` entries by full text, the best first. None where the store has no full text."""
        ...

    def compact(self) -> None:
        """Joins what many small puts have left, and indexes what is new."""
        ...


class IndexGenerations(Protocol):
    """The stores of one embedding model: the one that is searched, earlier ones, and those under rebuild.

    Every method raises TransientFailure where the store fails.
    """

    def current(self) -> str:
        """The name of the generation that is searched."""
        ...

    def store(self, generation: str) -> VectorStore:
        """The entries of a generation."""
        ...

    def names(self) -> list[str]:
        """All that there are, in the order of their age."""
        ...

    def switch(self, before: str, to: str) -> bool:
        """Has `to` searched instead of `before`. False, and nothing changed, where another came first."""
        ...

    def delete(self, generation: str) -> int:
        """Deletes a generation for good; how many objects it were."""
        ...

    def size(self, generation: str) -> tuple[int, int] | None:
        """The number of objects of a generation, and their bytes together; None where nobody says."""
        ...
