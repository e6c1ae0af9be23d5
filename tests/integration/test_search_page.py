"""docs/search.md: its commands, in their order."""

from __future__ import annotations

import json
from pathlib import Path

from commands import WorkOff
from page_commands import run_page

from ticketmill.bootstrap import Adapters


def test_the_commands_of_the_page_run(
    adapters: Adapters,
    index_queue: str,
    work_off: WorkOff,
    environment: dict[str, str],
    shell_path: str,
    tmp_path: Path,
) -> None:
    body = json.dumps({"ticket_id": "TKT-001", "body": "I was charged twice for one month."})
    adapters.raw_tickets.put("tickets/TKT-001.json", body.encode())
    work_off()
    done = run_page("search", environment, shell_path, tmp_path)
    assert "indexed 1, nothing to index 0, failed 0" in done.stdout
