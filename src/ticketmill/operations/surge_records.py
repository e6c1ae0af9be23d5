"""The surges as items: the watch writes what it finds, people what they say, and no write is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.domain.keys import SURGES_KEY
from ticketmill.domain.surge import SurgeRecord, SurgeVerdict, SurgeWord

MAX_WRITE_ATTEMPTS = 8
NEWEST = 50


class SurgeItems(Protocol):
    """Small documents in partitions, see `learning.ports.LearningItems`."""

    def latest(self, partition: str, limit: int | None = None) -> list[str]: ...

    def put(self, partition: str, position: str, body: str, replaces: str | None = None) -> bool: ...


@dataclass(frozen=True, slots=True)
class SurgeRecords:
    """The surges of one place. Every method raises TransientFailure where the store fails."""

    items: SurgeItems

    def newest(self, limit: int | None = NEWEST) -> list[SurgeRecord]:
        """The last surges, those of the latest day first; None is all."""
        return [SurgeRecord.model_validate_json(body) for body in self.items.latest(SURGES_KEY, limit)]

    def find(self, surge_id: str) -> SurgeRecord:
        """A surge by its id. LearningRefused where there is none."""
        return self._found(surge_id)[1]

    def add(self, record: SurgeRecord) -> bool:
        """Adds a surge. False, and nothing written, where there is one of its id."""
        return self.items.put(SURGES_KEY, record.surge_id, record.model_dump_json())

    def change(
        self, surge_id: str, changed: Callable[[SurgeRecord], SurgeRecord], now: datetime
    ) -> SurgeRecord:
        """Writes what `changed` makes of the record, and gives it. LearningRefused where there is none."""
        for _ in range(MAX_WRITE_ATTEMPTS):
            body, record = self._found(surge_id)
            wanted = changed(record)
            if wanted == record:
                return record
            wanted = wanted.model_copy(update={"changed_at": now})
            if self.items.put(SURGES_KEY, surge_id, wanted.model_dump_json(), replaces=body):
                return wanted
        raise TransientFailure(f"surge {surge_id} changed {MAX_WRITE_ATTEMPTS} times under this write")

    def say(
        self,
        surge_id: str,
        verdict: SurgeVerdict,
        who: str,
        now: datetime,
        snoozed_for: timedelta | None = None,
    ) -> SurgeRecord:
        """Records what a person says; it replaces what was said before."""
        until = now + snoozed_for if snoozed_for is not None else None
        word = SurgeWord(verdict=verdict, who=who, at=now, until=until)
        # who speaks of a surge that was held back has seen it: it stands by that word alone
        return self.change(
            surge_id, lambda record: record.model_copy(update={"said": word, "like": None}), now
        )

    def _found(self, surge_id: str) -> tuple[str, SurgeRecord]:
        # by queries alone: who corrects labels may query the learning table, and get no item of it
        for limit in (NEWEST, None):
            for body in self.items.latest(SURGES_KEY, limit):
                record = SurgeRecord.model_validate_json(body)
                if record.surge_id == surge_id:
                    return body, record
        raise LearningRefused(
            LearningCode.UNKNOWN_SURGE, f"there is no surge {surge_id}: `ticketmill surges` lists them"
        )
