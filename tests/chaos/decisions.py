"""Decisions on learned versions that change while workers work, and what must hold of every row."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from overlay_files import overlay_files

from ticketmill.aws.clients import Clients
from ticketmill.aws.learning_items import DynamoLearningItems
from ticketmill.aws.learning_objects import S3LearningObjects
from ticketmill.deploy.stack import Stack
from ticketmill.domain.keys import model_file
from ticketmill.domain.labels import Intent, Status
from ticketmill.domain.model_card import ModelVersion, content_of, entries_of
from ticketmill.domain.rollout import Decider, Rollout
from ticketmill.domain.row import TicketRow
from ticketmill.encoder.bundle import read_manifest
from ticketmill.learning.store import LearningStore, learning_store

TASK = "intent"
DAMAGED = 4
"""The version whose object is not what was registered. The others are whole."""
VERSIONS = 4


def _files(number: int) -> dict[str, bytes]:
    """A model with weights of its own."""
    return overlay_files(TASK, tuple(Intent), seed=number)


Change = Callable[[Rollout, Decider], Rollout]

CHANGES: tuple[tuple[str, Change], ...] = (
    ("shadow v1", lambda now, by: now.with_shadow(TASK, 1, "single", by)),
    ("canary v1 50", lambda now, by: now.with_canary(TASK, 1, 50, "single", by)),
    ("promote v1", lambda now, by: now.promoted(TASK, 1, "single", by)),
    ("shadow v2", lambda now, by: now.with_shadow(TASK, 2, "single", by)),
    # two at once: whoever looks in between has missed one
    ("canary v2 25", lambda now, by: now.with_canary(TASK, 2, 25, "single", by)),
    ("promote v2", lambda now, by: now.promoted(TASK, 2, "single", by)),
    ("roll back to v1", lambda now, by: now.rolled_back(TASK, by)),
    ("promote v4, damaged", lambda now, by: now.promoted(TASK, DAMAGED, "single", by)),
    ("roll back from v4", lambda now, by: now.rolled_back(TASK, by)),
    ("promote v3", lambda now, by: now.promoted(TASK, 3, "single", by)),
)
MESSAGES_BETWEEN = 9
MEET_DAMAGED_S = 15.0
"""Workers look for decisions every second. One that is just starting, or held up by a fault, takes longer."""


def decisions_of(clients: Clients, stack: Stack, bundle_dir: Path) -> Decisions:
    """The decisions of a stack whose workers have the bundle."""
    assert stack.learning_table is not None
    objects = S3LearningObjects(clients.s3, stack.enriched_bucket)
    items = DynamoLearningItems(clients.dynamodb, stack.learning_table)
    bundle = read_manifest(bundle_dir).fingerprint
    store = learning_store(objects, items)
    return Decisions(store, bundle, bundle, _files, meet_damaged_s=MEET_DAMAGED_S)


@dataclass
class Decisions:
    """Makes the changes one by one, by the work that is done; and looks at rows all along."""

    store: LearningStore
    encoder: str
    bundle: str
    files_of: Callable[[int], dict[str, bytes]]
    made: list[str] = field(default_factory=list)
    backwards: list[tuple[str, str]] = field(default_factory=list)
    """Rows that went back to a lower pair of serials, and how."""
    meet_damaged_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _made_at_s: float = 0.0
    _seen: dict[str, TicketRow] = field(default_factory=dict)

    def register(self) -> None:
        """Registers the versions, one of them with a file that is another one by now."""
        for number in range(1, VERSIONS + 1):
            files = self.files_of(number)
            entries = entries_of(files)
            content = content_of(entries)
            for name, body in files.items():
                kept = body[:-1] if number == DAMAGED else body
                self.store.objects.put(model_file(TASK, content, name), kept)
            version = ModelVersion(
                task=TASK,
                number=number,
                content=content,
                files=entries,
                dataset="chaos",
                encoder=self.encoder,
                accuracy=0.9,
                job=f"chaos-{number}",
                who="chaos",
                at=datetime.now(UTC),
            )
            assert self.store.versions.add_version(version)

    def advance(self, messages: int) -> None:
        """Makes the changes whose turn it is after so many messages. A damaged version stays for a while."""
        while len(self.made) < len(CHANGES) and messages >= MESSAGES_BETWEEN * (len(self.made) + 1):
            is_damaged = bool(self.made) and self.made[-1].endswith("damaged")
            if is_damaged and self.clock() - self._made_at_s < self.meet_damaged_s:
                return
            self._make()

    def finish(self) -> None:
        """Makes all that are left."""
        while len(self.made) < len(CHANGES):
            self._make()

    def observe(self, rows: Iterable[TicketRow]) -> None:
        """Compares rows with how they were: of one content the pair of serials only grows."""
        for row in rows:
            before = self._seen.get(row.ticket_id)
            if before is not None and _is_enriched(before) and before.content_hash == row.content_hash:
                then, now = _pair(before), _pair(row)
                if now < then:
                    self.backwards.append((row.ticket_id, f"its serials went from {then} back to {now}"))
            self._seen[row.ticket_id] = row

    def models(self, rows: Iterable[TicketRow]) -> Counter[str]:
        """How many rows each model predicted."""
        return Counter(f"row by {row.models[TASK]}" for row in rows if _is_enriched(row))

    def complaints(self, rows: Iterable[TicketRow]) -> Iterator[tuple[str, str]]:
        """Ticket and complaint for each row that the decision of its serial does not explain."""
        history = {each.serial: each for each in self.store.rollouts.history()} | {0: Rollout()}
        yield from self.backwards
        for row in rows:
            if not _is_enriched(row):
                continue
            decided = history.get(row.rollout_serial)
            if decided is None:
                yield row.ticket_id, f"rollout serial {row.rollout_serial}, which no decision has"
                continue
            number = decided.versions_for(row.ticket_id).get(TASK)
            expected = "onepass" if number is None else f"{TASK}/v{number}"
            if row.models[TASK] != expected:
                yield (
                    row.ticket_id,
                    f"{row.models[TASK]} predicts, decision {decided.serial} names {expected}",
                )
            if row.fingerprint != decided.fingerprint_for(self.bundle, row.ticket_id):
                yield row.ticket_id, f"fingerprint {row.fingerprint} is not that of decision {decided.serial}"
            if row.models[TASK] == f"{TASK}/v{DAMAGED}":
                yield row.ticket_id, "a damaged version predicts"

    def _make(self) -> None:
        name, change = CHANGES[len(self.made)]
        by = Decider(who="chaos", at=datetime.now(UTC), reason=name)
        assert self.store.rollouts.replace(change(self.store.rollouts.current(), by))
        self.made.append(name)
        self._made_at_s = self.clock()


def _is_enriched(row: TicketRow) -> bool:
    return row.status in (Status.ENRICHED, Status.PARTIAL)


def _pair(row: TicketRow) -> tuple[int, int]:
    return row.serving_serial, row.rollout_serial
