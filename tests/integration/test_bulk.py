"""`ticketmill enrich --to`: bulk runs with the real models, in this process and on a real Ray."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from commands import Run, WorkOff, runner_here
from page_commands import run_page
from test_rollout_followed import decide, register

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack
from ticketmill.learning.corpus import PLAIN_TICKETS

# Ray 2.60 sets fields of its own DataContext that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")

OF_TIME = ("processed_at", "latency_ms")
LAST_DECIMAL = 2e-7
"""What the company of a text in its micro-batch may change of its embedding, in the worker as here."""
ROUNDING = 1.5e-4
"""What that may change of a number that is rounded to four decimals."""


def corpus(count: int) -> list[dict[str, Any]]:
    lines = PLAIN_TICKETS.read_text(encoding="utf-8").splitlines()[:count]
    found = [json.loads(line) for line in lines]
    return [{"ticket_id": each["id"], "subject": each["subject"], "body": each["body"]} for each in found]


def json_lines(tickets: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(each)}\n" for each in tickets)


def timeless(record: str | bytes) -> tuple[dict[str, Any], list[float]]:
    """An enriched record without what tells the time, and its embedding apart."""
    told = json.loads(record)
    for name in OF_TIME:
        del told["enrichment"][name]
    del told["received_at"]
    return told, told["enrichment"].pop("embedding")


def differences(left: Any, right: Any, where: str = "") -> list[str]:
    """Where two records differ by more than rounding."""
    if isinstance(left, float) and isinstance(right, float):
        return [] if abs(left - right) <= ROUNDING else [f"{where}: {left} {right}"]
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        return [each for name in left for each in differences(left[name], right[name], f"{where}.{name}")]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [each for pair in zip(left, right, strict=True) for each in differences(*pair, f"{where}[]")]
    return [] if left == right else [f"{where}: {left} {right}"]


@pytest.fixture
def run(bundle_dir: Path) -> Run:
    """Runs commands without AWS."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return runner_here({**environment, "TICKETMILL_BUNDLE": str(bundle_dir)})


@pytest.fixture(scope="module")
def on_ray(emulator: str) -> Iterator[None]:
    """A Ray of this module on two cores; it takes its time to start."""
    from ticketmill.bulk.on_ray import connected

    with connected(2):
        yield


@pytest.mark.timeout(300)
def test_ray_gives_what_the_worker_gives_from_s3_to_s3(
    ticketmill: Run, clients: Clients, stack: Stack, adapters: Adapters, work_off: WorkOff, on_ray: None
) -> None:
    assert adapters.learning is not None
    encoder = json.loads(ticketmill("models", "status", "--json").stdout)["fingerprint"]
    register(adapters.learning, 1, encoder)
    serial = decide(adapters.learning, lambda rollout, by: rollout.promoted("intent", 1, "single", by))
    tickets = corpus(40)
    for each in tickets:
        adapters.raw_tickets.put(f"tickets/{each['ticket_id']}.json", json.dumps(each).encode())
    work_off()
    prefix = f"s3://{stack.enriched_bucket}/bulk"
    source = f"s3://{stack.raw_bucket}/tickets/*.json"

    options = ("--to", prefix, "--engine", "ray", "--stack", "--part-kib", "4", "--json")
    told = json.loads(ticketmill("enrich", source, *options).stdout)

    assert (told["enriched"], told["rejected"], told["inputs"]) == (40, 0, 40)
    assert told["parts"] == told["parts_stored"] > 2
    keys = adapters.learning.objects.keys("bulk/enriched-")
    bodies = [adapters.learning.objects.get(key) or b"" for key in keys]
    bulk = {json.loads(line)["ticket_id"]: line for body in bodies for line in body.splitlines()}
    assert sum(len(body.splitlines()) for body in bodies) == len(bulk) == 40
    for each in tickets:
        row = adapters.rows.get_many({each["ticket_id"]}).row_of(each["ticket_id"])
        assert row is not None
        assert row.enriched_key is not None
        by_worker, vector = timeless(adapters.enriched_tickets.get(row.enriched_key))
        by_ray, other = timeless(bulk[each["ticket_id"]])
        assert differences(by_ray, by_worker) == []
        assert by_ray["enrichment"]["rollout_serial"] == serial
        assert by_ray["enrichment"]["models"]["intent"] == "intent/v1"
        assert other == pytest.approx(vector, abs=LAST_DECIMAL)
    again = json.loads(ticketmill("enrich", source, *options).stdout)
    assert again["parts_done_before"] == again["parts"]


@pytest.mark.timeout(300)
def test_the_actor_class_enriches_a_data_set_of_ray(on_ray: None, bundle_dir: Path) -> None:
    import ray.data

    from ticketmill import TicketmillEnricher

    tickets = [*corpus(20), {"ticket_id": "empty", "subject": "", "body": ""}]
    found = ray.data.from_items(tickets).map_batches(
        TicketmillEnricher,
        fn_constructor_kwargs={"bundle": bundle_dir},
        batch_size=8,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=1),
    )
    rows = {row["ticket_id"]: row for row in found.iter_rows()}
    assert rows.keys() == {each["ticket_id"] for each in tickets}
    assert rows.pop("empty")["rejection"] == "empty_text"
    assert {len(row["embedding"]) for row in rows.values()} == {384}
    assert {json.loads(row["record"])["ticket_id"] for row in rows.values()} == rows.keys()


def test_parquet_comes_out_as_columns_with_the_record_beside_them(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json_lines(corpus(12)) + '{"ticket_id": "broken"}\n', encoding="utf-8")
    done = run("enrich", tmp_path / "*.jsonl", "--to", tmp_path / "out", "--format", "parquet", code=4)
    assert "enriched 12 (0 partial), rejected 1: 1 of 1 part in" in done.stdout
    (path,) = (tmp_path / "out").glob("enriched-*.parquet")
    table = pq.read_table(path)
    for row in table.to_pylist():
        record = json.loads(row["record"])["enrichment"]
        assert row["intent"] == record["intent"]["label"]
        assert row["intent_confidence"] == record["intent"]["confidence"]
        assert [each["label"] for each in row["topics"]] == [each["label"] for each in record["topics"]]
        assert row["embedding"] == pytest.approx(record["embedding"], abs=1e-7)

    # the same tickets from a table give the same records
    raw = [{**each, "created_at": datetime(2026, 11, 29, tzinfo=UTC)} for each in corpus(12)]
    import pyarrow as pa

    pq.write_table(pa.Table.from_pylist(raw), tmp_path / "t.parquet")
    run("enrich", tmp_path / "t.parquet", "--to", tmp_path / "again")
    (lines,) = (tmp_path / "again").glob("enriched-*.jsonl")
    again = [timeless(line)[0] for line in lines.read_bytes().splitlines()]
    assert [each.pop("created_at") for each in again] == ["2026-11-29T00:00:00Z"] * 12
    first = [timeless(row["record"])[0] for row in table.to_pylist()]
    assert differences([each["enrichment"] for each in again], [each["enrichment"] for each in first]) == []


def test_after_a_kill_a_second_run_leaves_nothing_out_and_nothing_twice(
    run: Run, bundle_dir: Path, tmp_path: Path
) -> None:
    tickets = corpus(150)
    (tmp_path / "t.jsonl").write_text(json_lines(tickets), encoding="utf-8")
    arguments = ("enrich", str(tmp_path / "t.jsonl"), "--to", str(tmp_path / "out"), "--part-kib", "4")
    environment = {**os.environ, "TICKETMILL_BUNDLE": str(bundle_dir)}
    with subprocess.Popen([sys.executable, "-m", "ticketmill", *arguments], env=environment) as process:
        while len(list((tmp_path / "out").glob("_part-*"))) < 3:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert not (tmp_path / "out" / "_SUCCESS").exists()

    told = json.loads(run(*arguments, "--json").stdout)

    assert 3 <= told["parts_done_before"] < told["parts"] == told["parts_stored"]
    bodies = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("enriched-*.jsonl")]
    ids = [json.loads(line)["ticket_id"] for body in bodies for line in body.splitlines()]
    assert sorted(ids) == sorted(each["ticket_id"] for each in tickets)
    assert json.loads((tmp_path / "out" / "_SUCCESS").read_text())["enriched"] == 150


def test_ctrl_c_keeps_the_parts_that_are_stored(bundle_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json_lines(corpus(300)), encoding="utf-8")
    arguments = ("enrich", str(tmp_path / "t.jsonl"), "--to", str(tmp_path / "out"), "--part-kib", "4")
    environment = {**os.environ, "TICKETMILL_BUNDLE": str(bundle_dir)}
    command = [sys.executable, "-m", "ticketmill", *arguments]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while not list((tmp_path / "out").glob("_part-*")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        told = process.stderr.read()
        assert process.wait(60) == 130
    assert "stopping…" in told
    assert "Traceback" not in told
    assert list((tmp_path / "out").glob("enriched-*"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--engine", "ray"], "need --to"),
        (["--format", "parquet"], "need --to"),
        (["--to", "out", "--part-kib", "0"], "--part-kib"),
    ],
)
def test_what_does_not_go_together_is_said(run: Run, arguments: list[str], told: str, tmp_path: Path) -> None:
    assert told in run("enrich", tmp_path, *arguments, code=2).stderr


def test_inputs_that_are_not_there_are_said(ticketmill: Run, stack: Stack, tmp_path: Path) -> None:
    nothing = f"s3://{stack.raw_bucket}/nothing/*.jsonl"
    assert "no object at s3://" in ticketmill("enrich", nothing, "--to", tmp_path / "out", code=3).stderr
    missing = tmp_path / "*.jsonl"
    assert "does not exist" in ticketmill("enrich", missing, "--to", tmp_path / "out", code=3).stderr


def test_the_page_works_as_it_is_written(bundle_dir: Path, shell_path: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = run_page("bulk", {**environment, "TICKETMILL_BUNDLE": str(bundle_dir)}, shell_path, tmp_path)
    assert "in /" in done.stdout
