"""What a bulk run asks of the places that it reads from and writes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ticketmill.domain.bulk import Source


class Inputs(Protocol):
    """Where sources are read. Every method raises TransientFailure where the place fails."""

    def find(self) -> list[Source]:
        """The sources as they stand, sorted by name. SetupError where there is none."""
        ...

    def read(self, source: Source, start: int, stop: int) -> bytes:
        """The bytes `start` to `stop`. TransientFailure with the code `input_changed` where the source is not
        what it was."""
        ...


class Outputs(Protocol):
    """Where results are stored, flat, by their names. Every method raises TransientFailure where it fails."""

    @property
    def location(self) -> str:
        """An absolute path or `s3://BUCKET/PREFIX`, without a slash at its end."""
        ...

    def names(self) -> Iterator[str]:
        """The names of all that is there."""
        ...

    def get(self, name: str) -> bytes:
        """What is stored under a name."""
        ...

    def put(self, name: str, body: bytes) -> None:
        """Stores all of it or nothing, in the place of what was there."""
        ...

    def delete(self, name: str) -> None:
        """Deletes what is stored; what is not there is no fault."""
        ...
