"""Wraps a ticket's text in what real mail adds to it, without changing what its writer says or its labels.

For training and for measuring how well the writer's own words are found. The pieces are written for this.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ticketmill.learning import wrapping_pieces


class Wrapping(StrEnum):
    """What a text is wrapped in."""

    DISCLAIMER_BELOW = "disclaimer_below"
    DISCLAIMER_ABOVE = "disclaimer_above"
    BANNER = "banner"
    SIGNATURE = "signature"
    OUTLOOK_QUOTE = "outlook_quote"
    MARKED_QUOTE = "marked_quote"
    """Quoted with ">" under "On … wrote:", as most mail programs do."""
    FORWARDED = "forwarded"
    """The text is the forwarded mail, and a line above it points to it."""
    TICKET_SYSTEM = "ticket_system"


@dataclass(frozen=True, slots=True)
class Pieces:
    """Texts to wrap with. `{name}`, `{company}`, `{email}`, `{phone}`, `{date}`, `{number}` are filled in."""

    disclaimers: Sequence[str]
    banners: Sequence[str]
    signatures: Sequence[str]
    outlook_headers: Sequence[str]
    attributions: Sequence[str]
    quoted: Sequence[str]
    """Earlier mails, of other matters than any ticket's."""
    forwards: Sequence[str]
    """A line that points to the forwarded mail, its announcement and its header."""
    ticket_systems: Sequence[str]
    """`{text}` stands for the ticket's text."""
    names: Sequence[str]
    companies: Sequence[str]


DEFAULT_PIECES = Pieces(
    disclaimers=wrapping_pieces.DISCLAIMERS,
    banners=wrapping_pieces.BANNERS,
    signatures=wrapping_pieces.SIGNATURES,
    outlook_headers=wrapping_pieces.OUTLOOK_HEADERS,
    attributions=wrapping_pieces.ATTRIBUTIONS,
    quoted=wrapping_pieces.QUOTED,
    forwards=wrapping_pieces.FORWARDS,
    ticket_systems=wrapping_pieces.TICKET_SYSTEMS,
    names=wrapping_pieces.NAMES,
    companies=wrapping_pieces.COMPANIES,
)


def wrap(text: str, wrapping: Wrapping, generator: random.Random, pieces: Pieces = DEFAULT_PIECES) -> str:
    """`text` in one of the forms of `wrapping`, drawn by `generator`. `text` itself stays as it is."""
    return _WRAPPERS[wrapping](text, generator, pieces)


def _filled(piece: str, generator: random.Random, pieces: Pieces) -> str:
    name = generator.choice(pieces.names)
    company = generator.choice(pieces.companies)
    day, month = generator.randint(1, 28), generator.randint(1, 12)
    return piece.format(
        name=name,
        company=company,
        email=f"{name.split()[0].lower()}@example.com",
        phone=f"+00 555 0{generator.randint(100, 999)}",
        date=f"{day:02}.{month:02}.2025 {generator.randint(7, 18):02}:{generator.randint(0, 59):02}",
        number=generator.randint(10_000, 99_999),
        text="{text}",
    )


def _disclaimer_below(text: str, generator: random.Random, pieces: Pieces) -> str:
    return f"{text}\n\n{_filled(generator.choice(pieces.disclaimers), generator, pieces)}"


def _disclaimer_above(text: str, generator: random.Random, pieces: Pieces) -> str:
    return f"{_filled(generator.choice(pieces.disclaimers), generator, pieces)}\n\n{text}"


def _banner(text: str, generator: random.Random, pieces: Pieces) -> str:
    return f"{_filled(generator.choice(pieces.banners), generator, pieces)}\n\n{text}"


def _signature(text: str, generator: random.Random, pieces: Pieces) -> str:
    return f"{text}\n\n{_filled(generator.choice(pieces.signatures), generator, pieces)}"


def _outlook_quote(text: str, generator: random.Random, pieces: Pieces) -> str:
    header = _filled(generator.choice(pieces.outlook_headers), generator, pieces)
    return f"{text}\n\n{header}\n\n{_filled(generator.choice(pieces.quoted), generator, pieces)}"


def _marked_quote(text: str, generator: random.Random, pieces: Pieces) -> str:
    attribution = _filled(generator.choice(pieces.attributions), generator, pieces)
    quoted = _filled(generator.choice(pieces.quoted), generator, pieces)
    marked = "\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))
    # most people answer above, some below
    if generator.random() < wrapping_pieces.SHARE_OF_ANSWERS_BELOW:
        return f"{attribution}\n{marked}\n\n{text}"
    return f"{text}\n\n{attribution}\n{marked}"


def _forwarded(text: str, generator: random.Random, pieces: Pieces) -> str:
    return f"{_filled(generator.choice(pieces.forwards), generator, pieces)}\n\n{text}"


def _ticket_system(text: str, generator: random.Random, pieces: Pieces) -> str:
    # the text may hold braces of its own
    return _filled(generator.choice(pieces.ticket_systems), generator, pieces).replace("{text}", text)


_WRAPPERS: Mapping[Wrapping, Callable[[str, random.Random, Pieces], str]] = {
    Wrapping.DISCLAIMER_BELOW: _disclaimer_below,
    Wrapping.DISCLAIMER_ABOVE: _disclaimer_above,
    Wrapping.BANNER: _banner,
    Wrapping.SIGNATURE: _signature,
    Wrapping.OUTLOOK_QUOTE: _outlook_quote,
    Wrapping.MARKED_QUOTE: _marked_quote,
    Wrapping.FORWARDED: _forwarded,
    Wrapping.TICKET_SYSTEM: _ticket_system,
}
