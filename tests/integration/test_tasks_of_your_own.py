"""A task of your own from its definition to lists, counts, the API and the page, on a real table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from commands import Run
from starlette.testclient import TestClient
from test_label import put

from ticketmill.bootstrap import Adapters
from ticketmill.domain.enrichment import CustomLabel, RowPrediction
from ticketmill.domain.labels import Source
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.assemble import connect_parts
from ticketmill.settings import load_settings

ROUTER = RowPrediction(labels=(CustomLabel(label="router", confidence=0.62),), source=Source.HEAD)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "TICKETMILL_PERSON": "ann"}


@pytest.fixture
def ticketmill(ticketmill: Run, adapters: Adapters) -> Run:
    """Commands where product_line and features are tasks. A model says that T1 is about a router."""
    put(adapters, "T1", custom={"product_line": ROUTER})
    put(adapters, "T2")
    ticketmill("tasks", "add", "product_line", "--labels", "router, modem, smart tv")
    ticketmill("tasks", "add", "features", "--labels", "wifi,voice", "--multi")
    return ticketmill


def listed(run: Run, *filters: str) -> list[str]:
    return sorted(
        json.loads(line)["ticket_id"] for line in run("list", "--json", *filters).stdout.splitlines()
    )


def test_tasks_are_listed_changed_and_removed(ticketmill: Run) -> None:
    told = [json.loads(line) for line in ticketmill("tasks", "list", "--json").stdout.splitlines()]
    assert told == [
        {"name": "features", "kind": "multi", "labels": ["wifi", "voice"]},
        {"name": "product_line", "kind": "single", "labels": ["router", "modem", "smart tv"]},
    ]
    changed = ticketmill("tasks", "add", "product_line", "--labels", "router,phone")
    assert "changed product_line" in changed.stdout
    assert "cannot be given any more: modem, smart tv" in changed.stderr
    assert "router, phone" in ticketmill("tasks", "list").stdout
    assert "removed features" in ticketmill("tasks", "remove", "features").stdout
    assert "features" not in ticketmill("tasks", "list").stdout


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("tasks", "add", "Team", "--labels", "a,b"), 2, "2 to 32 lower-case letters"),
    (("tasks", "add", "team", "--labels", "a,a"), 2, "labels that differ"),
    (("tasks", "add", "urgency", "--labels", "a,b"), 2, "means something else"),
    (("tasks", "add", "product_line", "--labels", "a,b", "--multi"), 2, "takes one label"),
    (("tasks", "remove", "team"), 2, "there are: features, product_line"),
    (("list", "--where", "product_line"), 2, "write as in product_line=router"),
    (("list", "--where", "product=router"), 2, 'did you mean "product_line"'),
    (("list", "--where", "product_line=ruoter"), 2, 'did you mean "router"'),
    (("list", "--corrected", "product"), 2, 'did you mean "product_line"'),
    (("label", "T1", "--set", "product_line"), 2, "write as in product_line=router"),
    (("label", "T1", "--set", "product=router"), 2, 'did you mean "product_line"'),
    (("label", "T1", "--set", "product_line=ruoter"), 2, 'did you mean "router"'),
    (("label", "T1", "--set", "product_line=none"), 2, 'has no label "none"'),
]


def test_what_is_wrong_is_told_with_what_there_is(ticketmill: Run) -> None:
    for arguments, code, told in WRONG:
        assert told in ticketmill(*arguments, code=code).stderr


def test_labels_of_own_tasks_are_found_counted_shown_and_exported(
    ticketmill: Run, adapters: Adapters, tmp_path: Path
) -> None:
    done = ticketmill(
        "label", "T2", "--set", "product_line=modem", "--set", "features=wifi", "--urgency", "high"
    )
    assert "T2: product_line by person: modem (ann, " in done.stdout
    assert listed(ticketmill, "--where", "product_line=router") == ["T1"]
    assert listed(ticketmill, "--where", "product_line=router", "--where", "product_line=modem") == [
        "T1",
        "T2",
    ]
    assert listed(ticketmill, "--where", "product_line=modem", "--where", "features=wifi") == ["T2"]
    assert listed(ticketmill, "--where", "product_line=router", "--min-confidence", "0.7") == []
    assert listed(ticketmill, "--corrected", "product_line") == ["T2"]
    counts = json.loads(ticketmill("stats", "--json").stdout)
    assert counts["product_line"] == {"modem": 1, "router": 1} and counts["features"] == {"wifi": 1}
    assert "modem (person)" in ticketmill("list").stdout
    assert "router (0.62)" in ticketmill("show", "T1").stdout
    rows = csv.DictReader(io.StringIO(ticketmill("list", "--csv").stdout))
    cells = {row["ticket_id"]: row for row in rows}
    assert cells["T1"]["product_line_confidence"] == "0.62"
    assert (cells["T2"]["product_line"], cells["T2"]["product_line_source"]) == ("modem", "person")
    assert cells["T2"]["features"] == "wifi"
    file = tmp_path / "labels.jsonl"
    ticketmill("corrections", "export", file)
    (line,) = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert (line["product_line"], line["features"]) == ("modem", ["wifi"])
    file.write_text(
        json.dumps({"ticket_id": "T1", "product_line": "smart tv", "features": []}), encoding="utf-8"
    )
    assert "1 imported" in ticketmill("corrections", "import", file).stdout
    assert listed(ticketmill, "--where", "product_line=smart tv") == ["T1"]


def test_a_word_can_be_taken_back_and_a_text_may_not_tell(ticketmill: Run) -> None:
    ticketmill("label", "T1", "--set", "product_line=modem", "--set", "features=none")
    said = json.loads(ticketmill("label", "T1", "--cannot-tell", "features", "--json").stdout)
    assert said["person"]["features"]["kind"] == "cannot_tell"
    row = json.loads(ticketmill("label", "T1", "--undo", "product_line", "--json").stdout)
    assert row["custom"]["product_line"]["labels"] == [{"label": "router", "confidence": 0.62}]


def test_a_removed_task_is_not_asked_for_and_what_was_said_stays(ticketmill: Run) -> None:
    ticketmill("label", "T2", "--set", "product_line=modem")
    ticketmill("tasks", "remove", "product_line")
    assert "no task" in ticketmill("label", "T1", "--set", "product_line=modem", code=2).stderr
    row = json.loads(ticketmill("show", "T2", "--json").stdout)["row"]
    assert row["custom"]["product_line"]["source"] == "person"
    row = json.loads(ticketmill("label", "T2", "--undo", "--json").stdout)
    assert "product_line" not in row.get("custom", {})


def test_the_api_and_the_page_know_it_without_a_restart(
    ticketmill: Run, stack_name: str, bundle_dir: Path
) -> None:
    parts = connect_parts(load_settings(stack=stack_name, bundle=bundle_dir, web_list_kept_s=0))
    with TestClient(make_app(parts), base_url="http://127.0.0.1:8080", follow_redirects=False) as client:
        labels: dict[str, Any] = {"labels": {"product_line": "modem", "features": ["wifi", "voice"]}}
        said = client.put("/api/v1/tickets/T2/labels", json=labels, headers={"If-Match": "*"})
        assert said.status_code == 200, said.text
        found = client.get("/api/v1/tickets?where=product_line=modem").json()["tickets"]
        assert [each["ticket_id"] for each in found] == ["T2"]
        assert client.get("/api/v1/counts").json()["labels"]["features"] == {"voice": 1, "wifi": 1}
        html = client.get("/?where=product_line%3Dmodem").text
        assert "row-T2" in html and "row-T1" not in html and 'data-task="features"' in html
        form = {"revision": "2", "list": "since=30d", "product_line": "router"}
        assert client.post("/tickets/T2/labels", data=form).status_code == 303
    assert listed(ticketmill, "--where", "product_line=router") == ["T1", "T2"]
