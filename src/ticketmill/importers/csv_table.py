"""Tables in CSV: one ticket a row, with columns told by the header or by `--map`."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ticketmill.domain.errors import RejectionCode, SetupError, TicketRejected
from ticketmill.domain.intake import ticket_from
from ticketmill.domain.priority import PriorityNumbers
from ticketmill.importers.priorities import level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import names_of

SOURCE = "csv"
DELIMITERS = (",", ";", "\t", "|")
MAX_CELL_CHARS = 4 << 20

HEADERS: Mapping[str, tuple[str, ...]] = {
    "ticket_id": (
        *(
            "ticket_id",
            "ticket id",
            "ticketid",
            "ticket number",
            "ticket no",
            "ticket",
            "id",
            "number",
            "case number",
        ),
        *("issue key", "key", "ticketnummer", "ticket nr", "nummer", "nr", "vorgangsnummer", "numéro"),
        *("numéro de ticket", "n° ticket", "número", "número de ticket", "numero", "numero ticket"),
        *("sagsnummer", "numer", "numer zgłoszenia", "チケット番号", "番号"),
    ),
    "subject": (
        *("subject", "title", "summary", "short description", "betreff", "titel", "objet", "sujet", "titre"),
        *("asunto", "título", "assunto", "oggetto", "titolo", "onderwerp", "emne", "temat", "tytuł", "件名"),
    ),
    "body": (
        *("body", "description", "message", "text", "content", "comment", "details", "description text"),
        *("beschreibung", "nachricht", "inhalt", "texte", "contenu", "descripción", "mensaje"),
        *("texto", "contenido", "descrição", "mensagem", "conteúdo", "descrizione", "messaggio", "testo"),
        *(
            "contenuto",
            "omschrijving",
            "bericht",
            "inhoud",
            "tekst",
            "beskrivelse",
            "besked",
            "opis",
            "treść",
        ),
        *("wiadomość", "内容", "本文", "説明"),
    ),
    "priority": (
        *(
            "priority",
            "urgency",
            "severity",
            "priorität",
            "dringlichkeit",
            "priorité",
            "urgence",
            "prioridad",
        ),
        *("prioridade", "priorità", "prioriteit", "prioritet", "priorytet", "優先度"),
    ),
    "created_at": (
        *(
            "created_at",
            "created at",
            "created",
            "created time",
            "created date",
            "creation date",
            "date",
            "opened",
        ),
        *("opened at", "erstellt am", "erstellt", "erstellungsdatum", "datum", "créé le", "date de création"),
        *("creado", "creado el", "fecha de creación", "fecha", "criado em", "data de criação", "creato il"),
        *("data di creazione", "data", "aangemaakt op", "aangemaakt", "oprettet", "utworzono"),
        *("data utworzenia", "作成日時", "作成日"),
    ),
    "customer_id": (
        *(
            "customer_id",
            "customer id",
            "customer",
            "requester",
            "requester id",
            "requester email",
            "email",
            "e mail",
        ),
        *("reporter", "contact", "from", "kunde", "kundennummer", "kunden nr", "anforderer", "absender"),
        *("client", "demandeur", "cliente", "solicitante", "richiedente", "klant", "aanvrager", "kunde id"),
        *("klient", "zgłaszający", "顧客", "依頼者"),
    ),
    "tags": (
        *("tags", "labels", "category", "type", "schlagwörter", "kategorie", "étiquettes", "catégorie"),
        *("etiquetas", "categoría", "categoria", "etichette", "categorie", "kategori", "kategoria", "タグ"),
    ),
    "source": (
        "source",
        "channel",
        "via",
        "origin",
        "kanal",
        "canal",
        "canale",
        "kanaal",
        "kanał",
        "チャネル",
    ),
    "language": (
        "language",
        "locale",
        "sprache",
        "langue",
        "idioma",
        "lingua",
        "taal",
        "sprog",
        "język",
        "言語",
    ),
}
"""The names that columns have, in eight languages and more. Of two columns for one field the one named
earlier here counts."""

_WORD = re.compile(r"[\W_]+")
csv.field_size_limit(MAX_CELL_CHARS)


def parse_map(pairs: list[str]) -> dict[str, str]:
    """Columns by fields, from `subject=Betreff`. Raises SetupError."""
    columns = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or field not in HEADERS or not column:
            known = ", ".join(HEADERS)
            raise SetupError(f"--map {pair}: expected FIELD=COLUMN, with FIELD one of {known}")
        columns[field] = column
    return columns


def is_table(head: str) -> bool:
    """Whether the first lines of a text are a header that names a text and one more field of a ticket."""
    header = _header(head)
    fields = _guess(header) if header else {}
    return len(fields) > 1 and ("body" in fields or "subject" in fields)


def tickets(
    content: bytes,
    columns: Mapping[str, str] | None = None,
    source: str = SOURCE,
    numbers: PriorityNumbers | None = None,
) -> Iterator[RawTicket | TicketRejected]:
    """A ticket for each row, and the reason in the place of a row that is refused.

    `source` is the helpdesk that wrote the table, `numbers` the way in which its priorities count. Raises
    TicketRejected where no column has the text, or where `columns` names one that is not there.
    """
    text, delimiter = _split_off_separator(_text(content))
    delimiter = delimiter or _delimiter(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = _next(rows)
    if isinstance(header, TicketRejected) or header is None:
        raise header or TicketRejected(RejectionCode.EMPTY_TEXT, "expected a header and rows, found no line")
    fields = _columns(header, columns or {})
    while (row := _next(rows)) is not None:
        if isinstance(row, TicketRejected):
            yield row
        elif any(cell.strip() for cell in row):
            try:
                yield _ticket(_cells(row, header, fields), source, numbers)
            except TicketRejected as refused:
                message = f"{refused.message} (row that ends at line {rows.line_num})"
                yield TicketRejected(refused.code, message, refused.field, refused.ticket_id)


def _next(rows: Any) -> list[str] | TicketRejected | None:
    try:
        return next(rows, None)
    except csv.Error as error:
        message = f"expected a row of CSV that ends at line {rows.line_num}: {error}"
        if "end of data" in str(error):
            message = "expected a closing quotation mark; the rows after the one that opens cannot be read"
        return TicketRejected(RejectionCode.SCHEMA, message)


def _cells(row: list[str], header: list[str], fields: Mapping[str, int]) -> dict[str, str]:
    """A row's cells by fields; the id of a table of our own raw tickets as `own_id`."""
    if any(cell.strip() for cell in row[len(header) :]):
        message = f"expected {len(header)} cells, found {len(row)}"
        raise TicketRejected(RejectionCode.SCHEMA, message)
    cells = {field: row[index].strip() for field, index in fields.items() if index < len(row)}
    if "ticket_id" in fields and header[fields["ticket_id"]].strip() == "ticket_id":
        cells["own_id"] = cells.get("ticket_id", "")
    return cells


def _ticket(cell: Mapping[str, str], source: str, numbers: PriorityNumbers | None) -> RawTicket:
    stated = cell.get("priority")
    ticket = raw_ticket(
        source,
        cell.get("ticket_id"),
        subject=cell.get("subject"),
        body=cell.get("body"),
        priority=level_of(stated, numbers),
        stated_priority=stated,
        created_at=cell.get("created_at"),
        customer_id=cell.get("customer_id"),
        channel=cell.get("source", "").lower(),
        language=cell.get("language"),
        tags=names_of(cell.get("tags")),
    )
    if source == SOURCE and cell.get("own_id"):
        ticket["ticket_id"] = cell["own_id"]
    ticket_from(ticket)
    return ticket


def _columns(header: list[str], named: Mapping[str, str]) -> dict[str, int]:
    known = {_plain(name): index for index, name in reversed(list(enumerate(header)))}
    missing = [column for column in named.values() if _plain(column) not in known]
    if missing:
        message = f"expected the column {missing[0]!r} of --map, found {', '.join(header[:20])}"
        raise TicketRejected(RejectionCode.SCHEMA, message)
    fields = _guess(header) | {field: known[_plain(column)] for field, column in named.items()}
    if "body" not in fields and "subject" not in fields:
        message = (
            f"expected a column with the text, found {', '.join(header[:20])}: name it with --map body=COLUMN"
        )
        raise TicketRejected(RejectionCode.SCHEMA, message)
    return fields


def _guess(header: list[str]) -> dict[str, int]:
    plain = [_plain(name) for name in header]
    found: dict[str, int] = {}
    for field, names in HEADERS.items():
        for name in map(_plain, names):
            if name in plain and plain.index(name) not in found.values():
                found[field] = plain.index(name)
                break
    return found


def _plain(name: str) -> str:
    return _WORD.sub(" ", name.lower()).strip()


def _text(content: bytes) -> str:
    """A table's text: by its byte-order mark, in UTF-8, or else in Windows' western code page."""
    try:
        return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _split_off_separator(text: str) -> tuple[str, str]:
    """The text without Excel's first line `sep=;`, and the separator that it names."""
    first, _, rest = text.partition("\n")
    named = first.strip().lower().removeprefix('"').removesuffix('"')
    if named.startswith("sep=") and len(first.strip('"\r\n')) == 5:
        return rest, first.strip('"\r\n')[4]
    return text, ""


def _delimiter(text: str) -> str:
    """The delimiter that gives the header the most columns that are known, and then the most columns."""
    head = "\n".join(itertools.islice(io.StringIO(text), 0, 20))
    return max(DELIMITERS, key=lambda each: _known_columns(head, each))


def _known_columns(head: str, delimiter: str) -> tuple[int, int]:
    row = _next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter))
    header = row if isinstance(row, list) else []
    return len(_guess(header)), len(header)


def _header(head: str) -> list[str]:
    text, delimiter = _split_off_separator(head)
    row = _next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text)))
    return row if isinstance(row, list) else []
