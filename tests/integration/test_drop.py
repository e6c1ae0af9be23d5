"""`ticketmill drop` of files that would get into each other's way."""

from __future__ import annotations

import json
from pathlib import Path

from commands import Run, WorkOff

from ticketmill.bootstrap import Adapters
from ticketmill.domain.message import Upload


def content(adapters: Adapters, key: str) -> bytes | None:
    found = adapters.raw_tickets.fetch(Upload(adapters.stack.raw_bucket, key, key), max_bytes=1 << 20)
    return found and found.body


def test_two_files_of_one_name_and_without_ids_are_two_objects(
    ticketmill: Run, adapters: Adapters, tmp_path: Path
) -> None:
    for folder in ("a", "b", "__MACOSX"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mail.json").write_text(json.dumps({"body": f"From {folder}."}))
    (tmp_path / "a" / "._mail.json").write_bytes(b"\x00\x05\x16\x07")
    done = json.loads(ticketmill("drop", tmp_path, "--json").stdout)
    assert (done["dropped"], done["replaced"]) == (2, 0)
    stored = {content(adapters, each.key) for each in adapters.raw_tickets.walk("tickets/")}
    assert stored == {b'{"body": "From a."}', b'{"body": "From b."}'}


def test_of_many_versions_of_one_ticket_the_last_in_the_order_given_stays(
    ticketmill: Run, adapters: Adapters, tmp_path: Path
) -> None:
    """Also where the versions come in several chunks, and in several files."""
    versions = [json.dumps({"ticket_id": "T", "body": f"Version {number}."}) for number in range(600)]
    for name, lines in {"z.jsonl": versions[:300], "a.jsonl": versions[300:]}.items():
        (tmp_path / name).write_text("\n".join(lines))
    done = ticketmill("drop", tmp_path / "z.jsonl", tmp_path / "a.jsonl")
    assert content(adapters, "tickets/T.json") == versions[-1].encode()
    assert "dropped 1 ticket into" in done.stdout
    assert "599 documents" in done.stderr


def test_one_ticket_is_one_ticket(ticketmill: Run, adapters: Adapters, tmp_path: Path) -> None:
    (tmp_path / "ticket.json").write_text('{"ticket_id": "T", "body": "x"}')
    assert ticketmill("drop", tmp_path / "ticket.json").stdout.startswith("dropped 1 ticket into s3://")
    assert content(adapters, "tickets/T.json") is not None


FIXTURES = Path(__file__).parents[1] / "fixtures" / "vendor"


def test_an_import_that_is_repeated_changes_no_row_and_a_new_message_replaces_it(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff, tmp_path: Path
) -> None:
    ticketmill("drop", FIXTURES / "zendesk_ticket_export.json", FIXTURES / "jira_flat.json")
    assert work_off()["enriched"] == 2
    before = adapters.rows.get("zendesk-35436")
    assert before is not None
    assert (before.stated_priority, before.customer_id) == ("critical", "20978392")

    ticketmill("drop", "--from", "zendesk", FIXTURES / "zendesk_ticket_export.json")
    assert work_off()["enriched"] == 0
    same = adapters.rows.get("zendesk-35436")
    assert same is not None
    assert (same.content_hash, same.enriched_key) == (before.content_hash, before.enriched_key)

    export = json.loads((FIXTURES / "zendesk_ticket_export.json").read_bytes())
    comments = [
        {"author_id": export["requester_id"], "plain_body": "It works again, thank you.", "public": True}
    ]
    (tmp_path / "later.json").write_text(json.dumps({**export, "comments": comments}))
    ticketmill("drop", tmp_path / "later.json")
    assert work_off()["enriched"] == 1
    after = adapters.rows.get("zendesk-35436")
    assert after is not None
    assert after.content_hash != before.content_hash


def test_what_is_refused_is_named_and_the_others_are_dropped(ticketmill: Run, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text('[{"key": "H-1", "summary": "Light"}, {"colour": "red"}]')
    done = ticketmill("drop", "--from", "auto", tmp_path / "export.json", "--json", code=4)
    answered = json.loads(done.stdout)
    assert (answered["dropped"], answered["refused"]) == (1, 1)
    assert "export.json: ticket 2: schema: expected a ticket" in done.stderr
