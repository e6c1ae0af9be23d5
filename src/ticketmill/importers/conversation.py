"""A conversation: what the requester wrote in public is the ticket's text, everything else is kept apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

CUSTOMER = "customer"
AGENT = "agent"


class Message(NamedTuple):
    """One message of a conversation."""

    text: str
    author: str
    """`customer` for the requester, else the role of who wrote it."""
    at: str | None = None
    public: bool = True

    @property
    def is_own(self) -> bool:
        """Whether the requester wrote it in public."""
        return self.author == CUSTOMER and self.public


class Conversation(NamedTuple):
    """The requester's text, and the other messages as they stand in `thread`."""

    body: str
    thread: list[dict[str, object]]


def conversation(messages: Iterable[Message], description: str = "") -> Conversation:
    """The messages in the order of their times, or as given where one has no time.

    `description` is the text that opened the ticket. It goes first, once; it is also the text where the
    requester wrote none of the messages.
    """
    said = [message for message in messages if message.text]
    if all(message.at for message in said):
        said.sort(key=lambda message: message.at or "")
    own = [message.text for message in said if message.is_own]
    if description and description not in own:
        own.insert(0, description)
        said = [message for message in said if message.text != description]
    thread = [_entry(message) for message in said if not message.is_own]
    return Conversation("\n\n".join(own), thread)


def _entry(message: Message) -> dict[str, object]:
    entry: dict[str, object] = {"author": message.author, "text": message.text}
    if message.at:
        entry["at"] = message.at
    if not message.public:
        entry["private"] = True
    return entry
