"""What it costs to read a ticket: `python tests/benchmarks/reading.py TICKETS.jsonl…`.

Each ticket counts with its best time of five.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from ticketmill.domain.ticket import Ticket
from ticketmill.text.reading import read_ticket

REPEATS = 5
SHIPPED = Path(__file__).parents[2] / "src/ticketmill/learning/corpus/tickets.jsonl"


def main(paths: list[Path]) -> None:
    print(f"{'file':20}{'tickets':>8}{'characters':>12}{'median ms':>11}{'p95 ms':>8}{'ms for 500':>12}")
    for path in paths or [SHIPPED]:
        raw = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        tickets = [Ticket(ticket_id=each["id"], subject=each["subject"], body=each["body"]) for each in raw]
        took = sorted(map(milliseconds, tickets))
        characters = sum(len(ticket.text) for ticket in tickets)
        print(
            f"{path.stem:20}{len(tickets):8}{characters // len(tickets):12}{statistics.median(took):11.3f}"
            f"{took[len(took) * 95 // 100]:8.3f}{500 * sum(took) / characters:12.3f}"
        )


def milliseconds(ticket: Ticket) -> float:
    """The processor time of one ticket."""
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time_ns()
        read_ticket(ticket)
        best = min(best, (time.process_time_ns() - started) / 1e6)
    return best


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
