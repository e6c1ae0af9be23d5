"""`ticketmill enrich`: no AWS at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from commands import TICKETMILL, runner_here

from ticketmill.learning.corpus import PLAIN_TICKETS


def enrich(bundle_dir: Path, stdin: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    run = runner_here({**environment, "TICKETMILL_BUNDLE": str(bundle_dir)})
    return run("enrich", *arguments, code=code, stdin=stdin)


def test_one_ticket_on_stdin_gives_one_line_with_its_embedding(bundle_dir: Path) -> None:
    raw = '{"ticket_id":"T1","subject":"Cannot login","body":"My password is refused since this morning."}'
    (line,) = enrich(bundle_dir, raw, "-").stdout.splitlines()
    enriched = json.loads(line)
    assert enriched["ticket_id"] == "T1"
    assert len(enriched["enrichment"]["embedding"]) == 384
    assert enriched["enrichment"]["intent"]["label"] == "login_issue"


def test_json_lines_come_back_in_order_without_the_rejected_ones(bundle_dir: Path) -> None:
    raw = PLAIN_TICKETS.read_text(encoding="utf-8").splitlines()[:150]
    lines = [*raw[:70], '{"ticket_id": "broken", "body": 1e999}', "", *raw[70:]]
    done = enrich(bundle_dir, "\n".join(lines), "-", code=4)
    ids = [json.loads(line)["ticket_id"] for line in done.stdout.splitlines()]
    assert ids == [json.loads(line)["id"] for line in raw]
    assert "stdin:71: not_json" in done.stderr


def test_a_pretty_printed_ticket_in_a_file_is_one_ticket(bundle_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "ticket.json"
    path.write_text(json.dumps({"ticket_id": "T1", "body": "Where is my order?"}, indent=2), encoding="utf-8")
    (line,) = enrich(bundle_dir, "", str(path)).stdout.splitlines()
    assert json.loads(line)["enrichment"]["summary"]["text"] == "Where is my order?"


@pytest.mark.parametrize(
    "body", ["x" * 1_000_000, "ab " * 300_000, "\u0000\u0001 hello", "😀" * 500, "שלום " * 40]
)
def test_odd_texts_are_enriched_like_any_other(bundle_dir: Path, body: str) -> None:
    raw = json.dumps({"ticket_id": "T1", "subject": "", "body": body})
    enriched = json.loads(enrich(bundle_dir, raw, "-").stdout)
    assert enriched["enrichment"]["status"] == "enriched"
    assert enriched["body"] == body


def run(*arguments: object, cache_dir: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TICKETMILL_")}
    return runner_here({**environment, "TICKETMILL_CACHE_DIR": str(cache_dir)})(*arguments, stdin=stdin)


def test_labels_of_ones_own_are_a_file_away(bundle_dir: Path, tmp_path: Path) -> None:
    bundles = tmp_path / "bundles"
    shutil.copytree(bundle_dir, bundles / bundle_dir.name)
    (bundles / "current").symlink_to(bundle_dir.name)
    topics = tmp_path / "topics.yaml"
    topics.write_text(
        "task: topics\nthreshold: 0.2\nlabels:\n"
        '  - {label: elevators, description: "lifts and elevators that are stuck, doors that do not close"}\n'
        '  - {label: parking, description: "parking lots, garages, gates and permits for cars"}\n',
        encoding="utf-8",
    )
    built = run("models", "build", "--topics", topics, cache_dir=tmp_path)
    assert f"the 2 labels of {topics} replace the 24 shipped ones" in built.stderr
    raw = (
        '{"ticket_id": "T1", "subject": "The lift is stuck", "body": "The door of the elevator stays open."}'
    )
    enrichment = json.loads(run("enrich", "-", cache_dir=tmp_path, stdin=raw).stdout)["enrichment"]
    assert [(topic["label"], topic["source"]) for topic in enrichment["topics"]] == [
        ("elevators", "prototype")
    ]
    assert enrichment["fingerprint"] != bundle_dir.name


@pytest.mark.parametrize(("examples", "told"), [(0, []), (3, [("team_nine", "head")])])
def test_a_label_is_found_by_its_examples_where_its_description_says_too_little(
    examples: int, told: list[tuple[str, str]], bundle_dir: Path, tmp_path: Path
) -> None:
    bundles = tmp_path / "bundles"
    shutil.copytree(bundle_dir, bundles / bundle_dir.name)
    (bundles / "current").symlink_to(bundle_dir.name)
    like = [
        "The coffee machine shows error 4.",
        "The dishwasher leaks.",
        "The fridge in the break room smells.",
    ]
    taxonomy = tmp_path / "topics.yaml"
    taxonomy.write_text(
        "task: topics\nlabels:\n"
        '  - {label: parking, description: "parking lots, garages and permits for cars"}\n'
        '  - label: team_nine\n    description: "what the ninth team looks after"\n'
        f"    examples: {json.dumps(like[:examples])}\n",
        encoding="utf-8",
    )
    run("models", "build", "--topics", taxonomy, cache_dir=tmp_path)
    raw = '{"ticket_id": "T1", "body": "Our espresso maker drips water on the floor of the kitchen."}'
    topics = json.loads(run("enrich", "-", cache_dir=tmp_path, stdin=raw).stdout)["enrichment"]["topics"]
    assert [(topic["label"], topic["source"]) for topic in topics] == told


def test_the_same_tickets_give_the_same_labels_in_any_company(bundle_dir: Path) -> None:
    raw = PLAIN_TICKETS.read_text(encoding="utf-8").splitlines()[200:212]
    together = enrich(bundle_dir, "\n".join(raw), "-").stdout.splitlines()
    alone = enrich(bundle_dir, raw[5], "-").stdout
    first, second = json.loads(together[5])["enrichment"], json.loads(alone)["enrichment"]
    assert first["intent"]["label"] == second["intent"]["label"]
    assert first["embedding"] == pytest.approx(second["embedding"], abs=1e-5)


def test_ctrl_c_is_answered_at_once_though_the_batch_in_hand_takes_its_time(bundle_dir: Path) -> None:
    environment = {**os.environ, "TICKETMILL_BUNDLE": str(bundle_dir), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [TICKETMILL, "enrich", "-"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        lines = "".join(f'{{"ticket_id": "T{number}", "body": "Hello"}}\n' for number in range(500))
        process.stdin.write(lines)
        process.stdin.flush()  # it is not closed: the command waits for more
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == "stopping…\n"
        process.stdin.close()
        process.stdout.read()
        assert process.wait(60) == 130
        assert "Traceback" not in process.stderr.read()
