"""What each part of a ticket's text is: the writer's own words, or what mail programs and forms added."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class TextKind(StrEnum):
    """What a part of a text was taken for."""

    OWN = "own"
    """What the writer wrote now."""
    QUOTE = "quote"
    """An earlier message, with its headers."""
    FORWARDED = "forwarded"
    """A message that the writer passes on. It counts where the writer's own line only points to it."""
    SIGNATURE = "signature"
    """A closing, a name, an address."""
    DISCLAIMER = "disclaimer"
    """Confidentiality notes, registries, unsubscribe lines and other footers."""
    BANNER = "banner"
    """What a mail gateway or a ticket system put in: "external mail", "reply above this line"."""
    GREETING = "greeting"
    """A salutation."""
    FORM = "form"
    """The names of a form's fields, and the fields that are no text."""
    AGENT = "agent"
    """What the helpdesk's people and bots said in a chat."""
    MARKUP = "markup"
    """Tags, links, handles, style sheets, encoded parts."""
    LOG = "log"
    """Lines of a log, a stack trace, a program."""


class AutomaticKind(StrEnum):
    """The kinds of mail that no person wrote."""

    OUT_OF_OFFICE = "out_of_office"
    BOUNCE = "bounce"
    NEWSLETTER = "newsletter"
    READ_RECEIPT = "read_receipt"
    NOTIFICATION = "notification"


class Span(NamedTuple):
    """The characters `start` to `end` of a ticket's text."""

    start: int
    end: int
    kind: TextKind
