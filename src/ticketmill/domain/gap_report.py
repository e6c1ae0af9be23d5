"""What the taxonomy lacks, as it was found at a moment, and which of its labels overlap."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from ticketmill.domain.records import Record

ID_DIGITS = 6
MAX_LABEL_CHARS = 48
_NO_LETTER = re.compile(r"[^a-z0-9]+")


class StandoutWord(Record):
    """A word that stands out in the tickets of a gap."""

    word: str
    z: float
    """How many standard deviations its log odds are above those of the other tickets."""
    tickets: int
    """How many of the tickets have it."""


class Gap(Record):
    """Tickets that a model is unsure of and that are about one thing."""

    id: str
    """Names these tickets: other tickets make another gap."""
    name: str
    """The words that stand out most; a number where none does."""
    words: tuple[StandoutWord, ...]
    cohesion: float
    """The mean cosine of a ticket to the middle of the gap."""
    labels: dict[str, int]
    """How many tickets have each label now, the most frequent first."""
    confidence: float
    """The mean confidence of those labels."""
    tickets: tuple[str, ...]
    """The ids, the ticket nearest the middle first."""

    @property
    def size(self) -> int:
        return len(self.tickets)

    @property
    def label(self) -> str:
        """The name as a label of a taxonomy, as in `card_declined`."""
        plain = unicodedata.normalize("NFKD", self.name.lower()).encode("ascii", "ignore").decode()
        return _NO_LETTER.sub("_", plain).strip("_")[:MAX_LABEL_CHARS] or self.id

    @property
    def description(self) -> str:
        """The words that stand out, for a person to say better."""
        return ", ".join(each.word for each in self.words) or self.name


class Overlap(Record):
    """Two labels that get each other's tickets."""

    labels: tuple[str, str]
    undecided: int
    """Unsure tickets of which these are the two most probable labels, both likely."""
    corrected: int
    """Tickets that people moved from one of them to the other."""
    tickets: int
    """Tickets that have one of the two labels now."""
    share: float
    """At least this share of those are undecided or corrected: the lower end of the 95% interval."""
    closeness: float | None
    """The cosine of the middles of their sure tickets, without what all tickets share; null for few."""
    examples: tuple[str, ...]
    """The ids of some of them, corrected ones first."""


class GapReport(Record):
    """The last look at the tickets of a period."""

    at: datetime
    since: datetime
    task: str = "intent"
    tickets: int
    """Tickets of the period with a vector in the search index."""
    below: float
    """A model is unsure of a ticket whose label has a lower confidence."""
    unsure: int
    """Those of the tickets that it is unsure of, and to which no person gave a label."""
    without_vector: int
    """Tickets of the period that the search index does not have."""
    gaps: tuple[Gap, ...]
    """The largest first."""
    overlaps: tuple[Overlap, ...]
    """The share that is confused, the highest first."""

    def gap(self, name: str) -> Gap | None:
        """The gap whose id begins so; None where none or several do."""
        found = [each for each in self.gaps if each.id.startswith(name)]
        return found[0] if len(found) == 1 else None


def gap_id(tickets: Iterable[str]) -> str:
    """The id of the gap of these tickets, whatever their order."""
    return hashlib.blake2b("\n".join(sorted(tickets)).encode(), digest_size=ID_DIGITS // 2).hexdigest()


def without_ticket(report: GapReport, ticket_id: str) -> GapReport:
    """The report without a ticket. Ids stay; a gap without any other ticket goes."""
    gaps = (
        each.model_copy(update={"tickets": tuple(one for one in each.tickets if one != ticket_id)})
        for each in report.gaps
    )
    overlaps = (
        each.model_copy(update={"examples": tuple(one for one in each.examples if one != ticket_id)})
        for each in report.overlaps
    )
    return report.model_copy(
        update={"gaps": tuple(each for each in gaps if each.tickets), "overlaps": tuple(overlaps)}
    )
