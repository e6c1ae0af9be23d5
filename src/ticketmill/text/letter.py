"""What mail programs, gateways, companies and good manners add to a message: all of it in one list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.boilerplate import boilerplate_spans
from ticketmill.text.flattened import flattened_boilerplate, flattened_quotes
from ticketmill.text.forwards import only_points
from ticketmill.text.greetings import greeting_spans, is_greeting
from ticketmill.text.lines import blanked
from ticketmill.text.mail import mail_spans
from ticketmill.text.signatures import signature_spans


def letter_spans(text: str, *, subject: str = "") -> list[Span]:
    """What is not the writer's own in `text`, a ticket's body. Nothing where nothing would be left."""
    found = mail_spans(text, subject=subject)
    left = blanked(text, found)
    for finder in (
        flattened_quotes,
        boilerplate_spans,
        flattened_boilerplate,
        signature_spans,
        greeting_spans,
    ):
        if added := list(_outside(finder(left), found)):
            left = blanked(left, added)
            found = sorted((*found, *added))
    forwards = any(span.kind is TextKind.FORWARDED for span in found)
    says_something = any(map(str.isalnum, left)) and not is_greeting(left.strip())
    return found if forwards or says_something else []


def counting_words(text: str, spans: Iterable[Span], *, subject: str = "") -> str:
    """`text` with `spans` blanked, except what is forwarded where the writer's own words only point to it."""
    spans = list(spans)
    own = blanked(text, spans)
    if any(span.kind is TextKind.FORWARDED for span in spans) and only_points(own, subject=subject):
        return blanked(text, [span for span in spans if span.kind is not TextKind.FORWARDED])
    return own


def _outside(spans: Iterable[Span], taken: Iterable[Span]) -> Iterator[Span]:
    """The parts of `spans` that are not in `taken`. Both are in order, and each without overlaps."""
    taken = list(taken)
    for span in spans:
        start = span.start
        for other in taken:
            if other.end <= start or other.start >= span.end:
                continue
            if other.start > start:
                yield Span(start, other.start, span.kind)
            start = max(start, other.end)
        if start < span.end:
            yield Span(start, span.end, span.kind)
