"""What people say of a text, and the rule that makes labels of it where they differ.

The rule: an audit decides, the latest one; without audits the majority of people. Where several labels may be
right, the majority decides each label. A tie decides nothing: the example is left out. Every example on which
people differ is listed in the dataset.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ticketmill.domain.dataset import Conflict, LeftOut, Origin
from ticketmill.domain.model_card import TaskKind
from ticketmill.domain.ticket import Ticket

AUDIT, MAJORITY, TIE = "the latest audit", "the majority of people", "a tie"
THREAD = "thread:"
"""Begins the link of a thread."""
CUSTOMER = "customer:"
"""Begins the link of a customer."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one person says: labels, or None where the text does not tell."""

    who: str
    labels: tuple[str, ...] | None
    at: datetime = LONG_AGO
    is_audit: bool = False


@dataclass(slots=True)
class Annotated:
    """A text and everything that people say of it."""

    example_id: str
    subject: str
    body: str
    origin: Origin
    content_hash: str
    annotations: list[Annotation]
    source: str | None = None
    links: tuple[str, ...] = ()
    """What it shares with others that belong to its group, as in `customer:C-17`."""

    @property
    def text(self) -> str:
        """Subject and body as one text."""
        return "\n".join(part for part in (self.subject, self.body) if part)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The labels by the rule; None with the reason where there are none. `conflict` where people differ."""

    labels: tuple[str, ...] | None
    why_not: LeftOut | None = None
    conflict: Conflict | None = None


@dataclass
class Gathered:
    """Annotated texts by id, from several sources. The first one that has an id decides its text."""

    by_id: dict[str, Annotated] = field(default_factory=dict)
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    def add(self, new: Annotated) -> None:
        """Adds a text, or what is said of one that is there. A person counts once for each text."""
        known = self.by_id.setdefault(new.example_id, new)
        if known is new:
            return
        if known.content_hash != new.content_hash and known.text.strip() != new.text.strip():
            self.left_out[LeftOut.OTHER_TEXT] += 1
            return
        heard = {each.who for each in known.annotations}
        known.annotations += [each for each in new.annotations if each.who not in heard]
        known.links = tuple(dict.fromkeys((*known.links, *new.links)))


def resolve(annotated: Annotated, kind: TaskKind) -> Resolution:
    """What is right by the rule."""
    spoken = annotated.annotations
    said = {labels_of(each) for each in spoken}
    if len(said) == 1:
        (labels,) = said
        return Resolution(labels, LeftOut.CANNOT_TELL if labels is None else None)
    audits = [each for each in spoken if each.is_audit]
    if audits:
        labels, rule = labels_of(max(audits, key=lambda each: each.at)), AUDIT
        why_not = LeftOut.CANNOT_TELL if labels is None else None
    elif kind == "multi":
        labels, why_not = _majority_of_each(spoken)
        rule = TIE if why_not is LeftOut.TIE else MAJORITY
    else:
        labels, why_not = _majority(spoken)
        rule = TIE if why_not is LeftOut.TIE else MAJORITY
    words = {each.who: each.labels or () for each in spoken}
    conflict = Conflict(example_id=annotated.example_id, said=words, resolved=labels, rule=rule)
    return Resolution(labels, why_not, conflict)


def labels_of(annotation: Annotation) -> tuple[str, ...] | None:
    """Its labels in a fixed order."""
    return None if annotation.labels is None else tuple(sorted(set(annotation.labels)))


def links_of(ticket: Ticket) -> tuple[str, ...]:
    """What ties a ticket to others: its customer, and the thread that it belongs to."""
    known: list[object] = [ticket.ticket_id]
    for name in ("in_reply_to", "references", "thread_id", "conversation_id"):
        value = ticket.extra.get(name) or (ticket.metadata.model_extra or {}).get(name)
        known += value if isinstance(value, list) else [] if value is None else [value]
    names = [str(each).strip("<> ") for each in known if isinstance(each, str | int)]
    threads = [f"{THREAD}{name}" for name in names if name]
    return (*([f"{CUSTOMER}{ticket.customer_id}"] if ticket.customer_id else []), *dict.fromkeys(threads))


def hash_of(subject: str, body: str) -> str:
    """Identifies a text that is no uploaded ticket: 128 bits in hex."""
    return hashlib.sha256(f"{subject}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _majority(spoken: Sequence[Annotation]) -> tuple[tuple[str, ...] | None, LeftOut | None]:
    ranked = Counter(labels_of(each) for each in spoken).most_common(2)
    if len(ranked) == 2 and ranked[0][1] == ranked[1][1]:
        return None, LeftOut.TIE
    labels = ranked[0][0]
    return labels, LeftOut.CANNOT_TELL if labels is None else None


def _majority_of_each(spoken: Iterable[Annotation]) -> tuple[tuple[str, ...] | None, LeftOut | None]:
    """Each label by itself; who cannot tell has no vote."""
    votes = [set(each.labels) for each in spoken if each.labels is not None]
    counts = Counter(label for vote in votes for label in vote)
    if any(2 * count == len(votes) for count in counts.values()):
        return None, LeftOut.TIE
    return tuple(sorted(label for label, count in counts.items() if 2 * count > len(votes))), None
