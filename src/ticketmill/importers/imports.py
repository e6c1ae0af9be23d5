"""Raw tickets from the files that helpdesks and mail programs give: exports, payloads, tables, mails."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ticketmill.domain.errors import RejectionCode, SetupError, TicketRejected
from ticketmill.domain.json_document import decode_json
from ticketmill.importers import archives, csv_table, mail, msg
from ticketmill.importers.archives import Limits
from ticketmill.importers.files import LINES_SUFFIXES, Document, is_whole
from ticketmill.importers.raw_ticket import RawTicket, canonical_json
from ticketmill.importers.recognise import AUTO, holds_payloads, read
from ticketmill.importers.sources import SOURCES
from ticketmill.importers.unpack import decode, text_in

FORMATS = ("csv", "eml", "mbox", "msg")
NAMES = (AUTO, *sorted(SOURCES), *FORMATS)
"""What `--from` takes."""
SUFFIXES = (".json", *LINES_SUFFIXES, ".csv", ".tsv", ".eml", ".mbox", ".msg", ".gz", ".zip")
"""The files that are taken from folders."""

_HEAD_BYTES = 64 << 10
_JSON_STARTS = (b"{", b"[", b'"{', b'"[')
"""JSON, also as a string with JSON in it."""


class Refused(NamedTuple):
    """What was read as no ticket, and why."""

    origin: str
    reason: TicketRejected


Imported = Iterator[Document | Refused]


@dataclass(frozen=True, slots=True)
class FileImporter:
    """Reads files of one source. Each ticket becomes a document; a refused one is told in its place."""

    source: str | None = None
    """None is for files that may also hold raw tickets of ours: what nobody knows is given as it is."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The columns of tables by the fields of a ticket; the others are guessed."""
    limits: Limits = field(default_factory=Limits)

    def read(self, path: Path) -> Imported:
        """The tickets of a file."""
        try:
            file: Any = path.open("rb", buffering=0)
            with io.BufferedReader(file, _HEAD_BYTES) as stream:
                yield from self._stream(stream, str(path), depth=0)
        except OSError as error:
            raise SetupError(f"{path} cannot be read: {error.strerror or error}") from error

    def _stream(self, stream: io.BufferedReader, name: str, depth: int) -> Imported:
        try:
            yield from self._of_kind(stream, name, depth)
        except TicketRejected as refused:
            yield Refused(name, refused)
        except archives.DAMAGE as damage:
            yield Refused(name, archives.damaged(damage))

    def _of_kind(self, stream: io.BufferedReader, name: str, depth: int) -> Imported:
        head = stream.peek(_HEAD_BYTES)
        if head.startswith((archives.GZIP_MAGIC, *archives.ZIP_MAGIC)):
            yield from self._packed(stream, head, name, depth)
        elif self._is(head, "msg"):
            yield _imported(msg.ticket, self._all(stream), name)
        elif self._is(head, "mbox"):
            yield from self._mailbox(stream, name)
        elif self._is(head, "eml"):
            yield _imported(mail.ticket, self._all(stream), name)
        elif self._is(head, "csv"):
            yield from self._table(stream, name)
        elif name.endswith(LINES_SUFFIXES):
            yield from self._lines(stream, name)
        else:
            yield from self._document(Document(self._all(stream), name))

    def _packed(self, stream: io.BufferedReader, head: bytes, name: str, depth: int) -> Imported:
        if depth >= self.limits.depth:
            raise TicketRejected(RejectionCode.SCHEMA, "expected fewer packed files within packed files")
        if head.startswith(archives.GZIP_MAGIC):
            with archives.gunzipped(stream, self.limits) as unpacked:
                yield from self._stream(unpacked, name.removesuffix(".gz"), depth + 1)
            return
        seekable = stream if stream.seekable() else io.BytesIO(self._all(stream))
        for member, content in archives.members(seekable, self.limits):
            inside = f"{name}:{Path(member).name}"
            if isinstance(content, TicketRejected):
                yield Refused(inside, content)
            else:
                yield from self._stream(content, inside, depth + 1)

    def _is(self, head: bytes, kind: str) -> bool:
        """Whether a file is of a kind: by the source that was named, else by its first bytes."""
        if self.source in FORMATS:
            return self.source == kind
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_JSON_STARTS):
            return False
        if kind == "csv":
            text = head.decode(json.detect_encoding(head), "replace").removeprefix("\ufeff")
            return not text.startswith(("{", "[")) and (bool(self.columns) or csv_table.is_table(text))
        if self.source in SOURCES:
            return False
        told = {"msg": head.startswith(msg.MAGIC), "mbox": mail.is_mailbox(head), "eml": mail.is_mail(head)}
        return told[kind]

    def _all(self, stream: io.BufferedReader) -> bytes:
        content = stream.read(self.limits.document_bytes + 1)
        if len(content) > self.limits.document_bytes:
            most = self.limits.document_bytes
            message = f"expected at most {most} bytes in one document: split it, or use JSON lines"
            raise TicketRejected(RejectionCode.TOO_LARGE, message)
        return content

    def _lines(self, stream: io.BufferedReader, name: str) -> Imported:
        number = 0
        while line := stream.readline(self.limits.document_bytes + 1):
            number += 1
            if len(line) > self.limits.document_bytes:
                message = (
                    f"expected lines of at most {self.limits.document_bytes} bytes: the rest cannot be read"
                )
                yield Refused(f"{name}:{number}", TicketRejected(RejectionCode.TOO_LARGE, message))
                return
            if line.strip():
                yield from self._document(Document(line, name, number))

    def _table(self, stream: io.BufferedReader, name: str) -> Imported:
        helpdesk = SOURCES.get(self.source or AUTO)
        named = (helpdesk.SOURCE, helpdesk.PRIORITIES) if helpdesk else (csv_table.SOURCE, None)
        for row in csv_table.tickets(self._all(stream), self.columns, *named):
            if isinstance(row, TicketRejected):
                yield Refused(name, row)
            else:
                yield Document(canonical_json(row), name)

    def _mailbox(self, stream: io.BufferedReader, name: str) -> Imported:
        for number, message in enumerate(mail.messages(stream, self.limits.document_bytes), start=1):
            origin = f"{name}: message {number}"
            if isinstance(message, TicketRejected):
                yield Refused(origin, message)
            else:
                yield _imported(mail.ticket, message, name, origin)

    def _document(self, document: Document) -> Imported:
        """The tickets in one JSON document, or in JSON lines that are called otherwise."""
        try:
            text = text_in(document.content)
            decoded = decode(text)
        except TicketRejected as refused:
            lines = _lines_in(document)
            if lines:
                for line in lines:
                    yield from self._document(line)
            elif self.source is None:
                yield document
            else:
                yield Refused(document.origin, _reason(document, refused))
            return
        if self.source is None and not holds_payloads(decoded):
            yield document
            return
        found = read(decoded, self.source or AUTO)
        for number, each in enumerate(found, start=1):
            if isinstance(each, TicketRejected):
                several = isinstance(decoded, list) or number > 1
                origin = f"{document.origin}: ticket {number}" if several else document.origin
                yield Refused(origin, each)
            elif each == decoded:
                yield document  # a raw ticket of ours keeps its bytes
            else:
                yield Document(canonical_json(each), document.name, document.line)


def _imported(
    read_ticket: Callable[[bytes], RawTicket], content: bytes, name: str, origin: str | None = None
) -> Document | Refused:
    try:
        return Document(canonical_json(read_ticket(content)), name)
    except TicketRejected as refused:
        return Refused(origin or name, refused)


def _reason(document: Document, refused: TicketRejected) -> TicketRejected:
    """Why a document is no JSON, in the words of the pipeline, which say what to change."""
    try:
        decode_json(document.content)
    except TicketRejected as told:
        return told
    return refused


def _lines_in(document: Document) -> list[Document]:
    """The lines of a document that is JSON lines, though its name does not say so; else none."""
    if document.line is not None:
        return []
    try:
        lines = text_in(document.content).encode().splitlines()
    except TicketRejected:
        return []
    found = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if len(found) < 2 or not is_whole(found[0][1]):
        return []
    return [Document(line, document.name, number) for number, line in found]
