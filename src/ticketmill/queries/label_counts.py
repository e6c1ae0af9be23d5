"""How many rows have which label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ticketmill.domain.row import TicketRow

COUNTED = ("status", "intent", "urgency", "sentiment", "language")


@dataclass
class LabelCounts:
    """Counts of labels by task; a row may have several topics, and none of what failed."""

    rows: int = 0
    needs_review: int = 0
    counts: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in (*COUNTED, "topics")}
    )

    def add(self, rows: Iterable[TicketRow]) -> None:
        """Counts `rows` too."""
        for row in rows:
            self.rows += 1
            self.needs_review += bool(row.needs_review)
            for name in COUNTED:
                label = getattr(row, name)
                if label is not None:
                    self.counts[name][str(label)] += 1
            self.counts["topics"].update(topic.label for topic in row.topics)

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Task by task, the most frequent label first."""
        return {name: dict(counter.most_common()) for name, counter in self.counts.items()}
