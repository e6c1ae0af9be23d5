"""Texts that are a person's own words from end to end: jobs need not look for signatures in them again.

Most texts are. One object keeps their hashes, of the newest ones if there are too many. It is only a cache:
of two jobs that write at once one wins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np

from ticketmill.domain.keys import READINGS_FILE
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.ports import LearningObjects
from ticketmill.text.reading import Reading, own_words, read_ticket

KEY_BYTES = 16
MAX_TEXTS = 250_000
"""4 MB."""


@dataclass
class KnownReadings:
    """Reads tickets. Those that were found to be own words alone are not searched again.

    The object begins with the fingerprint of the code that read: other code reads everything anew.
    """

    objects: LearningObjects
    max_texts: int = MAX_TEXTS
    _known: dict[bytes, None] = field(init=False, repr=False)
    """The hashes in the order in which they came."""
    _stored: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        body = self.objects.get(READINGS_FILE) or b""
        self._known = dict.fromkeys(_keys(body) if body[:KEY_BYTES] == fingerprint() else ())
        self._stored = len(self._known)

    def read(self, ticket: Ticket) -> Reading:
        """The same as `read_ticket`."""
        key, own = key_of(ticket), own_words(ticket)
        if key in self._known:
            return own
        reading = read_ticket(ticket)
        if reading == own:
            self._known[key] = None
        return reading

    def save(self) -> None:
        """Stores what is new."""
        if len(self._known) > self._stored:
            newest = list(self._known)[-self.max_texts :]
            self.objects.put(READINGS_FILE, fingerprint() + b"".join(newest))
            self._stored = len(self._known)


def remove_readings(objects: LearningObjects, tickets: Iterable[Ticket]) -> int:
    """Removes tickets from what is stored, with every version of it; how many there were."""
    body = objects.get(READINGS_FILE) or b""
    found = stored_readings(objects, tickets)
    if found:
        kept = b"".join(key for key in _keys(body) if key not in found)
        objects.delete([READINGS_FILE])
        objects.put(READINGS_FILE, body[:KEY_BYTES] + kept)
    return len(found)


def stored_readings(objects: LearningObjects, tickets: Iterable[Ticket]) -> Collection[bytes]:
    """The hashes of those tickets that are stored, whichever code read them."""
    return set(_keys(objects.get(READINGS_FILE) or b"")).intersection(map(key_of, tickets))


def key_of(ticket: Ticket) -> bytes:
    """The hash of subject and body. UTF-8 cannot encode lone surrogates."""
    text = f"{len(ticket.subject)}\n{ticket.text}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).digest()[:KEY_BYTES]


@cache
def fingerprint() -> bytes:
    """The hash of the code that reads texts."""
    digest = hashlib.sha256()
    files = (file for file in resources.files("ticketmill.text").iterdir() if file.name.endswith(".py"))
    for file in sorted(files, key=lambda each: each.name):
        digest.update(file.read_bytes())
    return digest.digest()[:KEY_BYTES]


def _keys(body: bytes) -> list[bytes]:
    """The hashes in an object."""
    whole = len(body) - len(body) % KEY_BYTES
    return [bytes(key) for key in np.frombuffer(body[KEY_BYTES:whole], f"V{KEY_BYTES}").tolist()]
