"""What a command costs in CPU time from start to end, on an emulator of its own.

    python tests/benchmarks/command_cost.py [--runs N] [--tickets N]

Each run is a process of its own. The emulator is not counted. It prints the median and the least of the runs:
what else the machine does only makes them dearer.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from local_place import fresh_place, local_emulator
from report import markdown

from ticketmill.bootstrap import Adapters
from ticketmill.domain.labels import Status
from ticketmill.domain.row import RawVersion, TicketRow

TICKETMILL = Path(sys.executable).with_name("ticketmill")
COMMANDS = (("--help",), ("list",), ("list", "--json"))


def put_rows(adapters: Adapters, tickets: int) -> None:
    """Rows to list."""
    for number in range(tickets):
        now = datetime.now(UTC)
        raw = RawVersion(
            bucket="raw", key=f"tickets/{number}.json", version_id=None, etag="e", last_modified=now
        )
        row = TicketRow(
            ticket_id=f"T{number:04}", raw=raw, content_hash="0f", processed_at=now, status=Status.ENRICHED
        )
        adapters.rows.put(row, replaces=None)


def cpu_s(command: Sequence[str]) -> float:
    """CPU time of one run, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(TICKETMILL), *command], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--tickets", type=int, default=20)
    arguments = parser.parse_args()
    # without compiled modules every run would compile hundreds of them
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with local_emulator() as clients:
        os.environ["TICKETMILL_STACK"], adapters = fresh_place(clients)
        put_rows(adapters, arguments.tickets)
        for command in COMMANDS:
            cpu_s(command)
        runs = [{command: cpu_s(command) for command in COMMANDS} for _ in range(arguments.runs)]
    rows = []
    for command in COMMANDS:
        found = [each[command] for each in runs]
        rows.append((f"`ticketmill {' '.join(command)}`", f"{median(found):.2f} s", f"{min(found):.2f} s"))
    print(markdown(("command", "CPU time, median", "least"), rows))


if __name__ == "__main__":
    main()
