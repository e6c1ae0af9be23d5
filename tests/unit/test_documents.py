from __future__ import annotations

import io
from pathlib import Path

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.importers.files import Document, find_files, key_of, read_file, read_stream

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
    ],
)
def test_a_ticket_is_stored_under_its_id_even_where_it_is_invalid_otherwise(content: bytes, key: str) -> None:
    assert key_of(Document(content, "anything.jsonl", 3)) == key


@pytest.mark.parametrize(
    "content",
    [b"broken", b"", b"[]", b"null", b"{}", b'{"ticket_id": "a b"}', b'{"id": 1, "id": 2}', b"\xff"],
)
def test_a_ticket_without_a_usable_id_is_stored_under_its_file_and_line(content: bytes) -> None:
    assert key_of(Document(content, "some/where/mail.json")) == "tickets/mail.json"
    assert key_of(Document(content, "some/where/mail.jsonl", 17)) == "tickets/mail-17.json"
    assert key_of(Document(content, "stdin")) == "tickets/stdin.json"


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
