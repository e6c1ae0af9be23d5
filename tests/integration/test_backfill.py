"""`ticketmill backfill` on a bucket whose events nobody saw."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from commands import TICKETMILL, Run, WorkOff
from page_commands import run_page

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.domain.keys import PROBE_PREFIX
from ticketmill.domain.labels import Status
from ticketmill.domain.row import Failure, RawVersion, TicketRow

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "events" / "samples"
BODY = "I was charged twice for the same invoice and would like my money back."


def drop(
    adapters: Adapters, ticket_id: str, key: str | None = None, body: object = BODY, subject: str = "Help"
) -> None:
    ticket = {"ticket_id": ticket_id, "subject": subject, "body": body}
    adapters.raw_tickets.put(key or f"tickets/{ticket_id}.json", json.dumps(ticket).encode())


def lose_events(adapters: Adapters) -> None:
    """Empties the queue. Events may still be on their way: the last one is that of a probe."""
    probe = f"{PROBE_PREFIX}{uuid.uuid4().hex}.json"
    adapters.raw_tickets.put(probe, b"{}")
    arrived = False
    while (found := adapters.queue.receive(max_messages=10, wait_s=1)) or not arrived:
        adapters.queue.acknowledge(found)
        arrived = arrived or any(probe in each.body for each in found)


def change(adapters: Adapters, ticket_id: str, **fields: Any) -> None:
    """The row of a ticket as somebody else might have left it."""
    row = adapters.rows.get(ticket_id)
    assert row is not None
    changed = row.model_copy(update={"revision": row.revision + 1, **fields})
    assert adapters.rows.put(changed, replaces=row)


def row(adapters: Adapters, ticket_id: str) -> TicketRow:
    found = adapters.rows.get(ticket_id)
    assert found is not None
    return found


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_is_missing_is_announced_and_worked_off_whatever_its_key(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    drop(adapters, "T1")
    work_off()
    drop(adapters, "T2")
    drop(adapters, "T3", key="tickets/2026/a b+ü/%41.json")
    drop(adapters, "T4", subject="", body="")
    lose_events(adapters)
    done = answer(ticketmill("backfill", "--missing", "--json"))
    assert (done["looked_at"], done["chosen"], done["results"]) == (4, 3, {"enqueued": 3})
    statistics = work_off()
    assert (statistics["enriched"], statistics["rejected"], statistics["duplicate"]) == (2, 1, 0)
    assert row(adapters, "T3").raw.key == "tickets/2026/a b+ü/%41.json"
    again = answer(ticketmill("backfill", "--missing", "--json"))
    assert (again["looked_at"], again["chosen"]) == (4, 0)


def test_inline_needs_no_worker_and_tells_labels_and_rejections(ticketmill: Run, adapters: Adapters) -> None:
    for number in range(20):
        drop(adapters, f"T{number}")
    drop(adapters, "bad", subject="", body="")
    lose_events(adapters)
    done = answer(ticketmill("backfill", "--missing", "--inline", "--json", code=4))
    assert done["results"] == {"enriched": 20, "rejected": 1}
    assert done["rejected"] == {"bad": "empty_text"}
    assert done["labels"]["intent"] == {"payment_issue": 20}
    assert sum(done["labels"]["urgency"].values()) == 20
    assert adapters.queue.is_empty()
    assert row(adapters, "T7").status is Status.ENRICHED
    told = ticketmill("backfill", "--status", "rejected", "--inline", code=4)
    assert "rejected 'bad': empty_text" in told.stderr
    assert "chose 1 of 21 objects (rejected 1)" in told.stdout


def test_a_dry_run_names_what_it_would_enrich_and_touches_nothing(
    ticketmill: Run, adapters: Adapters
) -> None:
    for ticket_id in ("T1", "T2", "T3"):
        drop(adapters, ticket_id)
    lose_events(adapters)
    for how in ([], ["--inline"]):
        told = ticketmill("backfill", "--missing", "--limit", 2, "--dry-run", *how).stdout.splitlines()
        assert told[:2] == ["missing  'tickets/T1.json'", "missing  'tickets/T2.json'"]
        assert "would enrich 2" in told[2]
    found = answer(ticketmill("backfill", "--missing", "--dry-run", "--json"))
    assert [each["key"] for each in found["objects"]] == [f"tickets/T{number}.json" for number in (1, 2, 3)]
    assert adapters.rows.get_many(["T1", "T2", "T3"]) == {}
    assert adapters.queue.is_empty()


@pytest.mark.parametrize("how", ["--inline", "--json"])
def test_partial_and_outdated_records_are_really_enriched_again(
    how: str, ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    for ticket_id in ("T1", "T2", "T3"):
        drop(adapters, ticket_id)
    work_off()
    change(adapters, "T1", status=Status.PARTIAL, summary=None, failed_stages=("summary",))
    change(adapters, "T2", fingerprint="older", serving_serial=0, summary=None)
    standing = row(adapters, "T3")
    for ticket_id, flags in {"T1": ["--status", "partial"], "T2": ["--outdated"]}.items():
        done = ticketmill("backfill", *flags, "--json", *([how] if how == "--inline" else []))
        assert answer(done)["chosen"] == 1
        if how != "--inline":
            assert work_off()["enriched"] == 1
        mended = row(adapters, ticket_id)
        assert (mended.status, mended.failed_stages) == (Status.ENRICHED, ())
        assert mended.fingerprint == standing.fingerprint
        assert mended.summary
    assert row(adapters, "T3") == standing
    assert answer(ticketmill("backfill", "--outdated", "--status", "partial", "--json"))["chosen"] == 0


def test_failed_tickets_are_done_again(ticketmill: Run, adapters: Adapters) -> None:
    drop(adapters, "T1")
    lose_events(adapters)
    now = datetime.now(UTC)
    raw = RawVersion(
        bucket=adapters.stack.raw_bucket, key="tickets/T1.json", version_id=None, etag="", last_modified=now
    )
    failure = Failure(code="fault", message="", attempts=5, key=raw.key, failed_at=now)
    failed = TicketRow(
        ticket_id="T1", status=Status.FAILED, raw=raw, content_hash="", failure=failure, processed_at=now
    )
    assert adapters.rows.put(failed, replaces=None)
    assert answer(ticketmill("backfill", "--missing", "--json"))["chosen"] == 0
    assert answer(ticketmill("backfill", "--status", "failed", "--inline", "--json"))["results"] == {
        "enriched": 1
    }
    assert row(adapters, "T1").failure is None


def test_ids_are_found_where_their_rows_say_and_unknown_ones_are_named(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    drop(adapters, "T1", key="tickets/elsewhere.json")
    work_off()
    drop(adapters, "T2")
    lose_events(adapters)
    done = ticketmill("backfill", "--ids", "T1, T2,T9", "--json", code=5)
    assert answer(done)["absent"] == ["T9"]
    assert "no object of ticket T9" in done.stderr
    statistics = work_off()
    assert (statistics["enriched"], statistics["duplicate"], statistics["rejected"]) == (1, 1, 0)


def test_force_makes_again_what_was_deleted(
    ticketmill: Run, adapters: Adapters, clients: Clients, work_off: WorkOff
) -> None:
    drop(adapters, "T1")
    work_off()
    deleted = row(adapters, "T1").enriched_key
    assert deleted is not None
    clients.s3.delete_object(Bucket=adapters.stack.enriched_bucket, Key=deleted)
    assert answer(ticketmill("backfill", "--all", "--inline", "--json"))["results"] == {"duplicate": 1}
    for how in ([], ["--inline"]):
        done = answer(ticketmill("backfill", "--ids", "T1", "--force", "--json", *how))
        assert done["results"] == ({"enriched": 1} if how else {"enqueued": 1})
        if not how:
            assert work_off()["enriched"] == 1
        made = row(adapters, "T1").enriched_key
        assert made not in (None, deleted)
        assert json.loads(adapters.enriched_tickets.get(made or ""))["ticket_id"] == "T1"


def test_a_dry_run_counts_what_no_rule_announces(ticketmill: Run, adapters: Adapters) -> None:
    for key in ("tickets/T1.json", "tickets/T2.JSON", "tickets/T3.jsonl", "exports/T4.json"):
        adapters.raw_tickets.put(key, b"{}")
    told = ticketmill("backfill", "--all", "--dry-run").stdout
    assert "would enrich 1 of 1 object (asked 1)" in told
    assert "no rule announces 3 objects" in told
    found = answer(ticketmill("backfill", "--all", "--dry-run", "--json"))["unannounced"]
    assert found == {
        "looked_at": 4,
        "cut": False,
        "kinds": {"outside tickets/": 1, ".JSON": 1, ".jsonl": 1},
    }


def test_prefix_since_and_after_narrow(ticketmill: Run, adapters: Adapters) -> None:
    for key in ("tickets/a/1.json", "tickets/a/2.json", "tickets/b/3.json"):
        drop(adapters, key[-6], key=key)
    lose_events(adapters)

    def keys(*flags: object) -> str:
        found = answer(ticketmill("backfill", *flags, "--dry-run", "--json"))["objects"]
        return "".join(each["key"][-6] for each in found)

    assert keys("--prefix", "tickets/a/") == "12"
    assert keys("--missing", "--prefix", "tickets/b") == "3"
    assert keys("--all", "--after", "tickets/a/1.json") == "23"
    assert keys("--since", "1h") == "123"
    ticketmill("backfill", "--since", "2099-01-01", code=2)
    assert keys("--limit", 1) == "1"


def test_without_a_choice_it_says_what_to_choose(ticketmill: Run, adapters: Adapters) -> None:
    for flags in ([], ["--inline"], ["--dry-run"], ["--after", "tickets/a"]):
        done = ticketmill("backfill", *flags, code=2)
        assert "--missing" in done.stderr
    assert "--outdated" in ticketmill("backfill", "--status", "enriched", code=2).stderr
    ticketmill("backfill", "--all", "--missing", code=2)
    ticketmill("backfill", "--ids", "x" * 500, code=2)
    ticketmill("backfill", "--ids", "T1", "--prefix", "tickets/a", code=2)


@pytest.mark.timeout(300)
def test_a_run_that_is_stopped_says_how_to_go_on_and_nothing_is_left_out(
    ticketmill: Run, adapters: Adapters, environment: dict[str, str]
) -> None:
    environment |= {"TICKETMILL_WORKER_THREADS": "2", "TICKETMILL_BATCH_SIZE": "4"}
    ids = [f"T{number:03}" for number in range(300)]
    for ticket_id in ids:
        drop(adapters, ticket_id, body=f"Order {ticket_id} has not arrived yet and nobody can say why.")
    lose_events(adapters)
    with subprocess.Popen(
        [TICKETMILL, "backfill", "--all", "--inline", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while adapters.rows.get(ids[9]) is None:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert process.returncode == 130, stderr
    stopped = json.loads(stdout)
    done = sorted(adapters.rows.get_many(ids))
    assert 10 <= len(done) < len(ids)
    assert stopped["interrupted"]
    assert stopped["results"] == {"enriched": len(done)}
    assert done == ids[: len(done)]
    assert stopped["after"] == f"tickets/{done[-1]}.json"
    assert f"--after {stopped['after']}" in stderr
    rest = answer(ticketmill("backfill", "--all", "--inline", "--after", stopped["after"], "--json"))
    assert rest["results"] == {"enriched": len(ids) - len(done)}
    assert len(adapters.rows.get_many(ids)) == len(ids)
    assert answer(ticketmill("backfill", "--missing", "--json"))["chosen"] == 0


def test_an_upload_that_the_row_does_not_know_yet_is_missing(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    drop(adapters, "T1")
    work_off()
    first = row(adapters, "T1")
    time.sleep(1.1)  # S3's times have whole seconds
    drop(adapters, "T1", body="The export to Excel has been empty since Monday.")
    lose_events(adapters)
    assert answer(ticketmill("backfill", "--missing", "--json"))["chosen"] == 1
    assert work_off()["enriched"] == 1
    assert row(adapters, "T1").intent != first.intent


class TestMessages:
    """Backfills that a message asks for."""

    def test_a_worker_takes_the_message_for_a_command(self, adapters: Adapters, work_off: WorkOff) -> None:
        drop(adapters, "T1")
        drop(adapters, "T2")
        lose_events(adapters)
        adapters.queue.send('{"backfill": {"missing": true, "statuses": ["partial"]}}')
        statistics = work_off()
        assert (statistics["ignored"], statistics["enriched"], statistics["failed"]) == (1, 2, 0)
        assert adapters.queue.is_empty()

    def test_a_message_that_comes_through_sns_is_one_too(self, adapters: Adapters, work_off: WorkOff) -> None:
        """It was once acknowledged and ignored."""
        drop(adapters, "T1")
        lose_events(adapters)
        asked = {"backfill": {"missing": True}}
        adapters.queue.send(json.dumps({"Type": "Notification", "Message": json.dumps(asked)}))
        statistics = work_off()
        assert (statistics["ignored"], statistics["enriched"]) == (1, 1)

    @pytest.mark.timeout(300)
    def test_it_goes_on_by_messages_of_its_own_until_the_bucket_ends(
        self, adapters: Adapters, work_off: WorkOff
    ) -> None:
        """A message looks at a thousand keys, so that the second one finds the last."""
        for number in range(1005):
            drop(adapters, f"T{number:04}")
        time.sleep(1.1)  # S3's times have whole seconds
        since = datetime.now(UTC).replace(microsecond=0)
        for ticket_id in ("T0000", "T0007", "T1004"):
            drop(adapters, ticket_id)
        lose_events(adapters)
        asked = {"missing": True, "after": "tickets/T0001.json", "uploaded_since": since.isoformat()}
        adapters.queue.send(json.dumps({"backfill": asked}))
        statistics = work_off()
        assert (statistics["ignored"], statistics["enriched"]) == (2, 2)
        assert set(adapters.rows.get_many(["T0000", "T0007", "T1003", "T1004"])) == {"T0007", "T1004"}

    def test_one_that_asks_for_something_unknown_is_given_up_as_unreadable(
        self, ticketmill_process: Run, adapters: Adapters
    ) -> None:
        adapters.queue.send('{"backfill": {"mising": true}}')
        done = ticketmill_process("work", "--for", 3, "--json")
        assert answer(done)["failed"] >= 1
        assert "mising" in done.stderr
        assert not adapters.queue.is_empty()


@pytest.mark.timeout(900)  # a score of commands in processes of their own, whatever else the machine does
def test_every_command_of_its_page_works_in_its_order(
    adapters: Adapters, environment: dict[str, str], shell_path: str, tmp_path: Path
) -> None:
    for sample in sorted(SAMPLES.glob("TKT-00[1-4].json")):
        adapters.raw_tickets.put(f"tickets/{sample.name}", sample.read_bytes())
    lose_events(adapters)
    done = run_page("backfill", environment, shell_path, tmp_path)
    assert "would enrich 4 of 4 objects (missing 4)" in done.stdout
    assert "processed 4" in done.stdout
    assert (tmp_path / "labels.png").stat().st_size > 1000
    events = boto3.client("events")
    (rule,) = events.list_rules(NamePrefix=environment["TICKETMILL_STACK"])["Rules"]
    events.close()
    assert rule["ScheduleExpression"] == "rate(1 hour)"
