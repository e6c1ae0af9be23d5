"""`ticketmill drop` of files that would get into each other's way."""

from __future__ import annotations

import json
from pathlib import Path

from commands import Run

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
