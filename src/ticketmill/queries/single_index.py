"""An index of a service that keeps no files: it has one generation, and is not rebuilt beside itself."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.domain.errors import SetupError
from ticketmill.domain.keys import FIRST_GENERATION
from ticketmill.queries.index_ports import VectorStore


@dataclass(frozen=True, eq=False)
class SingleIndex:
    """Takes the place of generations. SetupError where another one is asked for."""

    entries: VectorStore

    def current(self) -> str:
        """The name of the only one."""
        return FIRST_GENERATION

    def store(self, generation: str) -> VectorStore:
        """Its entries."""
        if generation != FIRST_GENERATION:
            raise SetupError(
                "the index that TICKETMILL_INDEX names is not rebuilt beside itself: name a new, empty one, "
                "and fill that"
            )
        return self.entries

    def names(self) -> list[str]:
        """The only one."""
        return [FIRST_GENERATION]

    def switch(self, before: str, to: str) -> bool:  # noqa: ARG002
        """False: there is no other."""
        return False

    def size(self, generation: str) -> tuple[int, int] | None:  # noqa: ARG002
        """None: the service has no objects."""
        return None

    def delete(self, generation: str) -> int:  # noqa: ARG002
        """Nothing: what the user named is not deleted."""
        return 0
