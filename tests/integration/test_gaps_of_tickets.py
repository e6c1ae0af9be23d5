"""`ticketmill gaps` and `map` over real rows and a real index; page and forgetting use what they keep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from stored_rows import enriched_key_of, put_row

from ticketmill.arrays import Floats
from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.search import open_index
from ticketmill.domain.row import TicketRow
from ticketmill.entrypoints.web.assemble import connect_parts
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.models.build.taxonomy_file import read_taxonomy
from ticketmill.settings import load_settings

SURE = ("login_issue", "I cannot sign in")
UNSURE = ("payment_issue", "my card was declined at the shop")
FILE = "task: topics\nlabels:\n- {label: a, description: some first one}  # ours\n"
FILE += "- {label: b, description: some second one}\n"


def put(adapters: Adapters, number: int, intent: str, confidence: float) -> TicketRow:
    ticket_id, at = f"T{number:04}", datetime.now(UTC)
    scores = {intent: confidence, "general_inquiry": 1 - confidence}
    record = {"enrichment": {"intent": {"scores": scores}}}
    adapters.enriched_tickets.put(enriched_key_of(ticket_id), json.dumps(record).encode())
    return put_row(adapters, ticket_id, at, intent=intent, intent_confidence=confidence)


def entries_of(rows: Sequence[TicketRow], text: str, direction: int) -> list[IndexedTicket]:
    entries = []
    for number, row in enumerate(rows):
        vector: Floats = np.random.default_rng(number).normal(0, 0.02, 384).astype(np.float32)
        vector[direction] += 1
        vector /= np.linalg.norm(vector)
        body = f"Hello\n{text}, case {number}"
        entries.append(IndexedTicket(str(row.enriched_key), row.received_at, vector, body))
    return entries


@pytest.mark.timeout(240)
def test_a_gap_is_found_kept_made_a_label_and_forgotten_with_its_tickets(
    ticketmill: Run, adapters: Adapters, stack_name: str, bundle_dir: Path, tmp_path: Path
) -> None:
    settings = load_settings(stack=stack_name, bundle=bundle_dir)
    assert "no report of gaps is kept yet" in ticketmill("gaps", "--last", code=3).stderr
    sure = [put(adapters, number, SURE[0], 0.95) for number in range(50)]
    unsure = [put(adapters, number, UNSURE[0], 0.45) for number in range(50, 57)]
    assert "needs 50 tickets" in ticketmill("gaps", code=6).stderr
    store = open_index(settings)
    store.put(entries_of(sure, SURE[1], 0))
    store.put(entries_of(unsure, UNSURE[1], 1))

    report = json.loads(ticketmill("gaps", "--since", "1d", "--json").stdout)
    (gap,) = report["gaps"]
    assert sorted(gap["tickets"]) == [row.ticket_id for row in unsure]
    assert "declined" in gap["name"]
    assert report["overlaps"][0]["labels"] == ["general_inquiry", "payment_issue"]
    assert json.loads(ticketmill("gaps", "--last", "--json").stdout) == report
    assert gap["name"] in ticketmill("gaps", "--last").stdout
    assert gap["tickets"][0] in ticketmill("gaps", "show", gap["id"]).stdout
    kept = connect_parts(settings).gaps()
    assert kept is not None and kept.model_dump(mode="json") == report

    path = tmp_path / "topics.yaml"
    label = ("gaps", "label", gap["id"][:5], "card_declined", "--taxonomy", str(path), "--examples", "3")
    assert "taxonomy show --task topics --yaml" in ticketmill(*label, code=3).stderr
    path.write_text(FILE, encoding="utf-8")
    told = ticketmill(*label)
    assert "label: card_declined" in told.stdout and f"taxonomy check {path}" in told.stderr
    assert path.read_text(encoding="utf-8").startswith(FILE)
    added = read_taxonomy(path).labels[-1]
    assert len(added.examples) == 3 and all("declined" in each for each in added.examples)

    plot = tmp_path / "map.svg"
    assert "no map is kept yet" in ticketmill("map", "--last", code=3).stderr
    drawn = json.loads(ticketmill("map", "--colour", "gap", "--out", str(plot), "--json").stdout)
    assert len(drawn["tickets"]) == 57 and drawn["labels"]["gap"].count(gap["name"]) == 7
    assert gap["name"] in plot.read_text(encoding="utf-8")
    assert "it has those of: intent" in ticketmill("map", "--last", "--colour", "mood", code=2).stderr
    on_page = connect_parts(settings).ticket_map()
    assert on_page is not None and on_page.model_dump(mode="json") == drawn

    ticketmill("forget", gap["tickets"][0], "--yes")
    (left,) = json.loads(ticketmill("gaps", "--last", "--json").stdout)["gaps"]
    assert left["tickets"] == gap["tickets"][1:]
    assert gap["tickets"][0] not in ticketmill("map", "--last", "--json").stdout
