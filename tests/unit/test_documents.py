from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.importers.files import (
    Document,
    count_tickets,
    find_files,
    key_of,
    latest_by_key,
    read_file,
    read_stream,
)

ONE, TWO = b'{"ticket_id": "TKT-001", "body": "One."}', b'{"ticket_id": "TKT-002", "body": "Two."}'
PRETTY = b'{\n  "ticket_id": "TKT-001",\n  "body": "One."\n}\n'


def write(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ONE)
    return paths


def stream(content: bytes) -> list[Document]:
    return list(read_stream(io.BytesIO(content), "stdin"))


def test_a_named_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    files = write(tmp_path, "b.txt", "a.json", "noending")
    assert find_files(files) == files


def test_a_folder_gives_its_tickets_sorted_and_those_of_the_folders_below(tmp_path: Path) -> None:
    write(tmp_path, "notes.md", "a.json.bak", "json", "deep/readme.txt")
    wanted = write(tmp_path, "a.json", "b.ndjson", "c.jsonl", "deep/er/a.json", "deep/z.json")
    (tmp_path / "folder.json").mkdir()
    assert find_files([tmp_path]) == wanted


def test_what_macos_leaves_in_a_folder_is_no_ticket(tmp_path: Path) -> None:
    write(tmp_path, "export/._a.json", "export/__MACOSX/a.json", "export/__MACOSX/deep/._b.json")
    wanted = write(tmp_path, "export/a.json", "export/deep/b.json")
    assert find_files([tmp_path / "export"]) == wanted
    metadata = tmp_path / "export" / "._a.json"
    assert find_files([metadata]) == [metadata], "named by hand it is taken, as every file is"


def test_documents_are_counted_as_they_are_read(tmp_path: Path) -> None:
    for name, content in {
        "a.jsonl": b"\n" + ONE + b"\r\n\n  \n" + TWO,
        "b.json": PRETTY,
        "c.ndjson": b"",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert count_tickets(path) == len(list(read_file(path)))


def test_paths_are_taken_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    last, first = write(tmp_path, "z/a.json", "a/z.json")
    assert find_files([tmp_path / "z", first]) == [last, first]


def test_a_path_that_does_not_exist_is_a_fault_of_setup_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"missing\.json does not exist"):
        find_files([*write(tmp_path, "a.json"), tmp_path / "missing.json"])


def test_a_folder_without_tickets_is_a_fault_of_setup_that_names_it(tmp_path: Path) -> None:
    write(tmp_path, "full/a.json", "barren/notes.txt")
    with pytest.raises(SetupError, match=r"barren has no \.json, \.jsonl or \.ndjson file in it"):
        find_files([tmp_path / "full", tmp_path / "barren"])


def test_a_json_file_is_one_document_however_many_lines_it_has(tmp_path: Path) -> None:
    path = tmp_path / "ticket.json"
    path.write_bytes(PRETTY)
    (document,) = read_file(path)
    assert document == Document(PRETTY, str(path), line=None)
    assert document.origin == str(path)


@pytest.mark.parametrize("name", ["tickets.jsonl", "tickets.ndjson"])
def test_a_file_of_lines_is_one_document_a_line_and_blank_lines_only_count(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"\n" + ONE + b"\r\n\n   \n" + TWO)
    documents = list(read_file(path))
    assert [(each.content.strip(), each.line) for each in documents] == [(ONE, 2), (TWO, 5)]
    assert [each.origin for each in documents] == [f"{path}:2", f"{path}:5"]


def test_a_broken_line_is_still_a_document_so_that_it_can_be_rejected(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(ONE + b"\nbroken\n" + TWO)
    assert [each.content.strip() for each in read_file(path)] == [ONE, b"broken", TWO]


@pytest.mark.parametrize("name", ["gone.json", "gone.jsonl"])
def test_a_file_that_cannot_be_read_is_a_fault_of_setup_that_names_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=f"{name} cannot be read"):
        list(read_file(tmp_path / name))


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\t\r\n\n"])
def test_an_empty_stream_has_no_tickets(content: bytes) -> None:
    assert stream(content) == []


def test_a_stream_of_json_lines_is_one_document_a_line() -> None:
    documents = stream(ONE + b"\n\nbroken\n" + TWO + b"\n")
    assert [(each.content.strip(), each.line) for each in documents] == [(ONE, 1), (b"broken", 3), (TWO, 4)]
    assert documents[1].origin == "stdin:3"


def test_lines_are_counted_from_the_beginning_of_a_stream_that_begins_with_blank_ones() -> None:
    assert [each.line for each in stream(b"\n \n" + ONE + b"\n" + TWO)] == [3, 4]


def test_the_first_of_the_json_lines_may_be_broken_as_long_as_it_looks_like_a_ticket() -> None:
    assert len(stream(b'{"ticket_id": }\n' + TWO)) == 2


@pytest.mark.parametrize(
    "content", [PRETTY, b"\n" + PRETTY, b"{\n}", b"[\n" + ONE + b"\n]", b"broken\n" + ONE]
)
def test_a_stream_whose_first_line_is_no_whole_ticket_is_one_document(content: bytes) -> None:
    (document,) = stream(content)
    assert document.content == content.removeprefix(b"\n")
    assert (document.line, document.origin) == (None, "stdin")


def test_a_stream_of_json_lines_may_begin_with_a_byte_order_mark() -> None:
    assert [each.line for each in stream(b"\xef\xbb\xbf" + ONE + b"\n" + TWO)] == [1, 2]


def test_one_ticket_on_one_line_is_one_document() -> None:
    assert [each.content for each in stream(ONE)] == [ONE]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (ONE, "tickets/TKT-001.json"),
        (PRETTY, "tickets/TKT-001.json"),
        (b'{"id": "TKT-9"}', "tickets/TKT-9.json"),
        (b'{"ticket_id": 4711, "body": []}', "tickets/4711.json"),
        (b'{"ticket_id": "#7"}', "tickets/esc:=237.json"),
        (b'{"ticketId": "C-4"}', "tickets/C-4.json"),
    ],
)
def test_a_ticket_is_stored_under_its_id_even_where_it_is_invalid_otherwise(content: bytes, key: str) -> None:
    assert key_of(Document(content, "anything.jsonl", 3)) == key


@pytest.mark.parametrize(
    "content",
    [b"broken", b"", b"[]", b"null", b"{}", b'{"id": 1, "id": 2}', b"\xff"],
)
def test_a_ticket_without_a_usable_id_is_stored_under_file_line_and_content(content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()[:12]
    assert key_of(Document(content, "some/where/mail.json")) == f"tickets/mail-{digest}.json"
    assert key_of(Document(content, "some/where/mail.jsonl", 17)) == f"tickets/mail-17-{digest}.json"
    assert key_of(Document(content, "stdin")) == f"tickets/stdin-{digest}.json"


def test_files_without_ids_and_of_one_name_are_told_apart() -> None:
    """Both once went to one object, and the second ticket replaced the first."""
    documents = [Document(b'{"body": "One."}', "a/mail.json"), Document(b'{"body": "Two."}', "b/mail.json")]
    assert len(latest_by_key(documents)) == 2


def test_a_file_without_an_id_never_replaces_the_ticket_that_it_is_called_after() -> None:
    documents = [Document(ONE, "tickets.jsonl", 1), Document(b"broken", "TKT-001.json")]
    assert latest_by_key(documents)["tickets/TKT-001.json"] == documents[0]


def test_of_several_documents_for_one_id_the_last_is_taken() -> None:
    documents = [
        Document(b'{"ticket_id": "T", "body": "%d"}' % version, "versions.jsonl", version)
        for version in range(1, 61)
    ]
    assert latest_by_key(documents) == {"tickets/T.json": documents[-1]}


def test_a_file_name_that_is_not_utf8_makes_a_key_that_is() -> None:
    key = key_of(Document(b"broken", os.fsdecode(b"caf\xe9.json")))
    assert key.startswith("tickets/caf\ufffd-")
    assert key.encode()


@pytest.mark.parametrize("ticket_id", ["../../other", "..", "/etc/x", "a/../../b", "a/b", ".", "./a", ""])
@pytest.mark.parametrize(
    "name", ["mail.json", "../../mail.json", "/mail.json", "..", "../..json", "a/..", "/"]
)
def test_no_id_and_no_file_name_leads_out_of_the_folder_of_tickets(ticket_id: str, name: str) -> None:
    content = b'{"ticket_id": "%s", "body": "x"}' % ticket_id.encode()
    for line in (None, 1):
        folder, _, file = key_of(Document(content, name, line)).partition("/")
        assert folder == "tickets"
        assert "/" not in file
        assert file not in ("", ".", "..")
