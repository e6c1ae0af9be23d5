"""The writer's own words: found once for each ticket, used by everything that reads its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.spans import AutomaticKind, Span, TextKind
from ticketmill.domain.ticket import Ticket
from ticketmill.text.automatic import automatic_kind
from ticketmill.text.blanking import blank, without
from ticketmill.text.chat import chat_spans
from ticketmill.text.emptiness import says_something
from ticketmill.text.forms import form_spans, template_spans
from ticketmill.text.forwards import only_points
from ticketmill.text.headers import mail_headers
from ticketmill.text.html import cited_spans
from ticketmill.text.letter import letter_spans
from ticketmill.text.logs import log_spans
from ticketmill.text.markup import plain_text
from ticketmill.text.subject_prefixes import subject_spans
from ticketmill.text.wiki import code_spans

MAX_TRIFLE_CHARS = 400
MAX_TRIFLE_WORDS = 6
"""Of its first line."""
_PHONE = re.compile(r"iphone|ipad|android|outlook|samsung|smartphone|mobil|handy|celular|móvil", re.I)
_SENTENCE = "Since this morning I cannot reach my account any more."

MAX_SPANS = 2000
"""Of a subject or a body. Where there are more, markup counts as part of what it stands in."""

MAX_SEARCHED = 100_000
"""Characters of a body in which chats, forms and parts of mail are looked for: ten times what the encoder
takes. A body may have two million, of lines that each look like a header."""

TRIFLES = frozenset(
    {
        TextKind.SIGNATURE,
        TextKind.DISCLAIMER,
        TextKind.BANNER,
        TextKind.GREETING,
        TextKind.FORM,
        TextKind.MARKUP,
    }
)
"""A text of these alone says nothing. The other kinds may be the matter."""

# the last space of Unicode is U+3000
_IS_SEEN = np.array([not chr(code).isspace() for code in range(0x3002)])
_KINDS = tuple(TextKind)
_OWN, _LOG, _FORWARDED, _MARKUP = map(
    _KINDS.index, (TextKind.OWN, TextKind.LOG, TextKind.FORWARDED, TextKind.MARKUP)
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a ticket's text is made of."""

    text: str
    """Subject, line break, body, as long as `Ticket.text`.

    What is not the writer's is blanked, what was encoded is decoded. An offset into it is one into the
    ticket's text.
    """
    subject_end: int
    """Where the subject ends: 0 for none."""
    spans: tuple[Span, ...]
    """In order, without overlaps. What lies between them is blank."""
    automatic: AutomaticKind | None = None
    """The kind of machine that wrote it; None for a person."""
    says_something: bool = True
    """Whether there is anything to read."""

    @property
    def subject(self) -> str:
        """The writer's own words of the subject, blanked like `text`."""
        return self.text[: self.subject_end]

    @property
    def body(self) -> str:
        """The writer's own words of the body, blanked like `text`."""
        return self.text[self.body_start :]

    @property
    def body_start(self) -> int:
        """Where the body begins in `text`."""
        return self.subject_end + 1 if self.subject_end else 0

    @property
    def own_text(self) -> tuple[tuple[int, int], ...]:
        """Where the writer's own words stand."""
        return tuple((start, end) for start, end, kind in self.spans if kind is TextKind.OWN)

    def with_forms(self, raw: str) -> str:
        """`text` with the names of a form's fields and its empty answers; `raw` is the ticket's text."""
        parts: list[str] = []
        at = 0
        for start, end, kind in self.spans:
            if kind is TextKind.FORM:
                parts += (self.text[at:start], raw[start:end])
                at = end
        return "".join((*parts, self.text[at:]))

    def characters(self) -> dict[TextKind, int]:
        """How many characters were taken for what."""
        counts: dict[TextKind, int] = {}
        for start, end, kind in self.spans:
            counts[kind] = counts.get(kind, 0) + end - start
        return counts


@dataclass(frozen=True, slots=True)
class _Part:
    """A subject or a body: its own words, and what the rest of it is."""

    text: str
    spans: list[Span]
    plain: str
    """Only without markup."""
    is_trifle: bool = False
    """Whether it is signatures, footers and the like alone."""


def read_ticket(ticket: Ticket) -> Reading:
    """What the writer of `ticket` wrote now, and what the rest of its text is."""
    subject = _subject(ticket.subject)
    body = _body(ticket.body, ticket.subject)
    parts = [part for part, raw in ((subject, ticket.subject), (body, ticket.body)) if raw]
    shift = len(ticket.subject) + 1 if ticket.subject else 0
    return Reading(
        "\n".join(part.text for part in parts),
        len(ticket.subject),
        (*subject.spans, *(Span(start + shift, end + shift, kind) for start, end, kind in body.spans)),
        automatic_kind(subject.plain, body.plain, mail_headers(ticket)),
        any(says_something(part.text) and not part.is_trifle for part in parts),
    )


def own_words(ticket: Ticket) -> Reading:
    """What `read_ticket` gives for most tickets: a person's own words from end to end."""
    shift = len(ticket.subject) + 1 if ticket.subject else 0
    body = (Span(start + shift, end + shift, kind) for start, end, kind in _visible(ticket.body))
    return Reading(ticket.text, len(ticket.subject), (*_visible(ticket.subject), *body))


def read_text(text: str) -> Reading:
    """The same for a text alone, without a subject."""
    return read_ticket(Ticket(ticket_id="text", body=text))


def _subject(raw: str) -> _Part:
    if not raw:
        return _Part(raw, [], raw)
    plain = plain_text(raw)
    return _part(raw, plain, subject_spans(plain))


def _body(raw: str, subject: str) -> _Part:
    """A body. Each finder sees what those before it left, so that of two that overlap the outer one wins:
    markup, quotes of HTML, then a chat, or forms and what mail adds."""
    plain = plain_text(raw)
    cut = cited_spans(raw)
    left = without(plain, cut)
    left, rest = left[:MAX_SEARCHED], left[MAX_SEARCHED:]
    if chat := chat_spans(left, subject):
        return _part(raw, plain, cut + chat)
    for find in (form_spans, template_spans, partial(letter_spans, subject=subject)):
        if found := find(left):
            left = without(left, found)
            cut += found
    part = _part(raw, plain, _what_is_cut(left + rest, cut), subject)
    return replace(part, is_trifle=True) if not cut and _is_trifle(left + rest) else part


def _is_trifle(left: str) -> bool:
    """Whether `left` is a signature or a footer alone: below somebody's sentence all of it would be cut."""
    bare = left.strip()
    first, more, _ = bare.partition("\n")
    if len(bare) > MAX_TRIFLE_CHARS or len(first.split()) > MAX_TRIFLE_WORDS:
        return False
    if not more and not _PHONE.search(bare):  # a thank-you says something
        return False
    text = f"{_SENTENCE}\n\n{bare}"
    return not without(text, letter_spans(text))[len(_SENTENCE) :].strip()


def _what_is_cut(left: str, cut: list[Span]) -> list[Span]:
    """`cut`, unless nothing would be left. Then only what could not be the matter goes."""
    if left.strip() or any(span.kind is TextKind.FORWARDED for span in cut):
        return cut
    return [span for span in cut if span.kind in TRIFLES]


def _part(raw: str, plain: str, cut: list[Span], subject: str = "") -> _Part:
    """A part of a ticket without `cut`. What is there twice goes to the span that comes first."""
    logs = log_spans(plain, code_spans(raw)) if "\n" in plain else []
    if plain == raw and not cut and not logs:
        return _Part(plain, _visible(plain), plain)
    signs = _codes(raw)
    kinds = np.full(len(raw), _OWN, np.uint8)
    for start, end, kind in reversed((*cut, *logs)):
        kinds[start:end] = _KINDS.index(kind)
    if plain is not raw:
        left = _codes(plain)
        kinds[(signs != left) & (left <= ord(" "))] = _MARKUP
    own = _blanked(plain, (kinds != _OWN) & (kinds != _LOG)) if cut else plain
    forwards = any(span.kind is TextKind.FORWARDED for span in cut)
    text = _with_forwarded(plain, own, subject, kinds) if forwards else own
    if not text.strip():
        kinds[kinds != _MARKUP] = _OWN
        return _Part(plain, _runs(signs, kinds), plain, is_trifle=True)
    return _Part(text, _runs(signs, kinds), plain)


def _with_forwarded(plain: str, own: str, subject: str, kinds: NDArray[np.uint8]) -> str:
    """`own` with the words of what is forwarded, if `own` only points to it."""
    if not only_points(own, subject=subject):
        return own
    return _blanked(plain, (kinds != _OWN) & (kinds != _LOG) & (kinds != _FORWARDED))


def _blanked(text: str, is_blank: NDArray[np.bool_]) -> str:
    """`text` with blanks where `is_blank`. Line breaks stay."""
    edges = _changes(is_blank)
    if is_blank[0]:
        edges = [0, *edges]
    parts: list[str] = []
    at = 0
    for start, end in zip(edges[::2], [*edges[1::2], len(text)], strict=False):
        parts += (text[at:start], blank(text[start:end]))
        at = end
    return "".join((*parts, text[at:]))


def _changes(values: NDArray[np.bool_] | NDArray[np.uint8]) -> list[int]:
    """Where a value differs from the one before it."""
    return [int(at) + 1 for at in np.flatnonzero(values[1:] != values[:-1])]


def _codes(text: str) -> NDArray[np.uint32]:
    """(len(text),): the code points of `text`."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _runs(signs: NDArray[np.uint32], kinds: NDArray[np.uint8]) -> list[Span]:
    """One span for each run of signs of one kind, from its first to its last that can be seen."""
    seen = np.flatnonzero(_IS_SEEN[np.minimum(signs, len(_IS_SEEN) - 1)])
    if not len(seen):
        return []
    kind = kinds[seen]
    edges = [0, *_changes(kind), len(seen)]
    if len(edges) > MAX_SPANS:
        kind = np.where(kind == _MARKUP, _OWN, kind)
        edges = [0, *_changes(kind), len(seen)]
    return [
        Span(int(seen[one]), int(seen[other - 1]) + 1, _KINDS[kind[one]]) for one, other in pairwise(edges)
    ]


def _visible(text: str) -> list[Span]:
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return [Span(start, end, TextKind.OWN)] if end > start else []
