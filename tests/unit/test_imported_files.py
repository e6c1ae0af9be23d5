"""Files of every kind, packed and not: what each gives, and what is refused, is counted and told."""

from __future__ import annotations

import copy
import gzip
import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mutations import mutated
from test_vendor_payloads import EXPECTED, FOLDER

from ticketmill.domain.errors import RejectionCode, SetupError
from ticketmill.domain.intake import parse_ticket
from ticketmill.importers.archives import Limits
from ticketmill.importers.files import Document, find_files
from ticketmill.importers.imports import NAMES, SUFFIXES, FileImporter, Refused
from ticketmill.importers.sources import SOURCES

ISSUES = [{"key": f"H-{number}", "fields": {"summary": f"Issue {number}"}} for number in (1, 2, 3)]
IDS = ["jira-H-1", "jira-H-2", "jira-H-3"]
LINES = "\n".join(map(json.dumps, ISSUES))
FORMS: dict[str, bytes] = {
    "array": json.dumps(ISSUES).encode(),
    "issues": json.dumps({"issues": ISSUES, "total": 3}).encode(),
    "results": json.dumps({"results": ISSUES}).encode(),
    "result": json.dumps({"result": ISSUES}).encode(),
    "records": json.dumps({"totalSize": 3, "records": ISSUES}).encode(),
    "tickets": json.dumps({"tickets": [{"ticket": issue} for issue in ISSUES]}).encode(),
    "data": json.dumps({"data": {"issues": {"nodes": ISSUES}}}).encode(),
    "lines": LINES.encode(),
    "utf-16": json.dumps(ISSUES).encode("utf-16"),
    "utf-16 without a mark": json.dumps(ISSUES).encode("utf-16-le"),
    "lines in utf-16": LINES.encode("utf-16"),
    "byte-order mark": b"\xef\xbb\xbf" + json.dumps(ISSUES).encode(),
    "gzip": gzip.compress(LINES.encode(), mtime=0),
}


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def read(path: Path, content: bytes, source: str | None = "auto", **more: Any) -> list[Document | Refused]:
    path.write_bytes(content)
    return list(FileImporter(source, **more).read(path))


def ids(found: list[Document | Refused]) -> list[str]:
    return [parse_ticket(each.content).ticket_id for each in found if isinstance(each, Document)]


def reasons(found: list[Document | Refused]) -> list[str]:
    return [each.reason.message for each in found if isinstance(each, Refused)]


@pytest.mark.parametrize("source", ["auto", "jira", None])
@pytest.mark.parametrize("form", FORMS)
def test_every_wrapped_form_is_unpacked(form: str, source: str | None, tmp_path: Path) -> None:
    assert ids(read(tmp_path / "export", FORMS[form], source)) == IDS


@pytest.mark.parametrize("source", ["auto", None])
@pytest.mark.parametrize(
    ("content", "ticket_id"),
    [
        (b'"id","body"\n"7","No light."\n', "csv-7"),
        ("Nummer;Text\n7;Größe\n".encode("utf-16"), "csv-7"),
        ("Nummer;Priorität;Text\n7;hoch;Größe\n".encode("cp1252"), "csv-7"),
        (b"Received: by x\r\nMessage-ID: <m@x>\r\n\r\nNo light.", "mail-m@x"),
        (b"From a@x Tue Mar  5 10:12:44 2024\nMessage-ID: <m@x>\n\nNo light.\n", "mail-m@x"),
        (json.dumps(json.dumps({"key": "H-7", "summary": "Light"})).encode(), "jira-H-7"),
    ],
)
def test_a_file_is_told_by_its_content(
    content: bytes, ticket_id: str, source: str | None, tmp_path: Path
) -> None:
    assert ids(read(tmp_path / "file", content, source)) == [ticket_id]


def test_an_archive_gives_the_tickets_of_all_its_files(tmp_path: Path) -> None:
    content = zipped(
        **{
            "../../a.json": FORMS["issues"],
            "deep/b.jsonl": b'{"ticket_id": "T-1", "body": "x"}\n',
            "c.csv": b"id,body\n7,No light.\n",
            "d.eml": b"Message-ID: <m@x>\nFrom: a@x\n\nNo light.\n",
            "e.json.gz": gzip.compress(b'{"key": "H-9", "summary": "Nine"}', mtime=0),
            "__MACOSX/._a.json": b"\0",
            "notes.txt": b"Nothing.",
        }
    )
    found = read(tmp_path / "export.zip", content)
    assert ids(found) == [*IDS, "T-1", "csv-7", "mail-m@x", "jira-H-9"]
    assert [each.origin for each in found if isinstance(each, Refused)] == [
        f"{tmp_path}/export.zip:notes.txt"
    ]


@pytest.mark.parametrize(
    "packed", [gzip.compress(b" " * 200_000, mtime=0), zipped(a=b" " * 200_000)], ids=["gzip", "zip"]
)
def test_a_packed_file_that_unpacks_to_too_much_is_refused(packed: bytes, tmp_path: Path) -> None:
    found = read(tmp_path / "bomb", packed, limits=Limits(unpacked_bytes=100_000))
    assert reasons(found) == ["expected at most 100000 bytes after unpacking, found more: unpack it yourself"]


def test_too_many_files_too_deep_ones_and_too_large_ones_are_refused(tmp_path: Path) -> None:
    many = zipped(**{str(number): b"{}" for number in range(5)})
    assert "expected at most 4 files" in reasons(read(tmp_path / "m", many, limits=Limits(members=4)))[0]
    deep = gzip.compress(gzip.compress(gzip.compress(b"{}"), mtime=0))
    assert reasons(read(tmp_path / "d", deep)) == ["expected fewer packed files within packed files"]
    large = read(tmp_path / "l", b"[" + b" " * 200 + b"]", limits=Limits(document_bytes=100))
    assert "split it, or use JSON lines" in reasons(large)[0]


@pytest.mark.parametrize("cut", [20, 60, -12])
def test_a_damaged_archive_is_told(cut: int, tmp_path: Path) -> None:
    for packed in (zipped(a=FORMS["array"]), FORMS["gzip"]):
        found = read(tmp_path / "broken", packed[:cut])
        assert [reason for reason in reasons(found) if "damaged" in reason]


def test_a_bad_line_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    lines = LINES.splitlines()
    found = read(tmp_path / "a.jsonl", "\n".join([lines[0], '{"key": "H', *lines[1:]]).encode())
    assert ids(found) == IDS
    assert [each.origin for each in found if isinstance(each, Refused)] == [f"{tmp_path}/a.jsonl:2"]


def test_a_payload_of_no_known_shape_is_refused_with_its_keys_and_the_option(tmp_path: Path) -> None:
    (reason,) = reasons(read(tmp_path / "x.json", b'{"colour": "secret", "form": {"size": 7}}'))
    assert "found an object with colour, form. Name the source with --from" in reason
    assert "secret" not in reason


def test_without_a_source_what_nobody_knows_goes_to_the_pipeline_as_it_is(tmp_path: Path) -> None:
    for content in (b'{"colour": "red"}', b"broken", b"", b"[", b'{"ticket_id": "T", "body": "x" }', b"\xff"):
        (found,) = read(tmp_path / "x.json", content, None)
        assert isinstance(found, Document)
        assert found.content == content


def test_importing_twice_gives_the_same_bytes_whatever_the_order_of_the_keys(tmp_path: Path) -> None:
    payload = json.loads((FOLDER / "zendesk_ticket_export.json").read_bytes())
    turned = dict(reversed(payload.items()))
    one, two = (read(tmp_path / "x", json.dumps(each).encode())[0] for each in (payload, turned))
    assert isinstance(one, Document) and isinstance(two, Document)
    assert one.content == two.content


def test_a_folder_gives_the_files_of_the_kinds_that_can_be_imported(tmp_path: Path) -> None:
    for name in ("a.csv", "b.eml", "c.zip", "d.txt", "e.json", "f.json.gz", "g.msg"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in find_files([tmp_path], SUFFIXES)] == [
        *("a.csv", "b.eml", "c.zip", "e.json", "f.json.gz", "g.msg")
    ]
    assert [path.name for path in find_files([tmp_path])] == ["e.json"]


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        list(FileImporter().read(tmp_path / "missing"))


def test_a_source_is_a_module_with_the_map_of_its_fields() -> None:
    fields = {"ticket_id", "subject", "body", "priority", "created_at", "customer_id", "tags", "channel"}
    for source in SOURCES.values():
        assert set(source.FIELDS) == fields
    assert set(NAMES) == {"auto", *SOURCES, "csv", "eml", "mbox", "msg"}


@pytest.mark.parametrize("name", [name for name, (source, _) in EXPECTED.items() if source])
def test_mutated_payloads_are_read_or_refused_and_never_lost(name: str, tmp_path: Path) -> None:
    source, _ = EXPECTED[name]
    payload = json.loads((FOLDER / f"{name}.json").read_bytes())
    for seed in range(60):
        random_bytes = random.Random(f"{name} {seed}")
        many = [mutated(copy.deepcopy(payload), random_bytes), {"ticket_id": "T", "body": "x"}]
        for named in ("auto", source):
            found = read(tmp_path / "x.json", json.dumps(many).encode(), named)
            last = found[-1]
            assert isinstance(last, Document)
            assert ids([last]) in (["T"], [f"{source}-T"])
            for each in found[:-1]:
                if isinstance(each, Refused):
                    assert each.reason.message
                elif b"imported_from" in each.content:
                    parse_ticket(each.content)


@pytest.mark.parametrize("name", sorted({*EXPECTED} - {"json_lines_named_json"}))
def test_truncated_payloads_are_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    content = (FOLDER / f"{name}.json").read_bytes().strip()
    for end in range(1, len(content) - 1, max(1, len(content) // 40)):
        found = read(tmp_path / "x.json", content[:end])
        assert [each for each in found if isinstance(each, Refused)]
        codes = {each.reason.code for each in found if isinstance(each, Refused)}
        assert codes <= {RejectionCode.NOT_JSON, RejectionCode.SCHEMA}
