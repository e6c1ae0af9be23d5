"""Where the text of a raw ticket is: in `subject` and `body`, or where helpdesks have it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ticketmill.domain.warning import shown

SUBJECT_FIELDS = ("title", "short_description", "summary")
"""What helpdesks call the subject, the best first."""
BODY_FIELDS = (
    *(
        "description_text",
        "body_text",
        "text_body",
        "plain_body",
        "description",
        "content",
        "message",
        "text",
    ),
    *("comment", "article", "messages", "conversation_parts", "threads", "comments", "conversations"),
    *("body_html", "html_body", "html"),
)
"""What helpdesks call the text, the best first: a plain text goes before one in HTML."""

MAX_SUBJECT_CHARS = 255
"""Of a text that may be the subject under another name."""
MAX_DEPTH = 6
LONG_TEXT_CHARS = 25
LONG_TEXT_WORDS = 5
MAX_NAMES_TOLD = 5

_PARTS = ("text", "plain", "text/plain", "plain_text", "body", "parts", "value", *BODY_FIELDS, "text/html")
_NOT_THE_REQUESTER = {
    "from_agent": (True,),
    "is_inbound": (False,),
    "public": (False,),
    "is_public": (False,),
    "private": (True,),
    "internal": (True,),
    "incoming": (False,),
}
"""Of a message in a list: the fields whose value says that the helpdesk's people wrote it."""
_AGENTS = frozenset({"agent", "admin", "bot", "note", "lineitem", "system", "teammate"})
_NO_TEXT_OF_A_WRITER = re.compile(
    r"metadata|agent|header|url|link|signature|address|html|subject|title|^thread$", re.IGNORECASE
)
"""Names of fields whose long texts are no text of the customer. Agents' messages are in `thread`."""
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class FoundText(NamedTuple):
    """A text and the path of the field that it is in, as in `messages[].body_text`."""

    text: str
    path: str


def text_in(value: object, path: str, depth: int = 1) -> FoundText | None:
    """The text of a field: its own, that of its parts, or of the first part of it that is known to hold one.

    None where it holds none. Messages that agents wrote are left out.
    """
    if isinstance(value, str):
        return FoundText(value, path) if value.strip() else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return FoundText(str(value), path)
    if depth >= MAX_DEPTH:
        return None
    if isinstance(value, list):
        parts = [text_in(each, f"{path}[]", depth + 1) for each in value if not _is_of_an_agent(each)]
        found = [each for each in parts if each is not None]
        return FoundText("\n\n".join(each.text for each in found), found[0].path) if found else None
    if isinstance(value, dict):
        inside = (text_in(value[name], f"{path}.{name}", depth + 1) for name in _PARTS if name in value)
        return next((each for each in inside if each is not None), None)
    return None


def long_texts(fields: Mapping[str, object]) -> list[str]:
    """The paths of the fields that hold a text as long as a ticket's, whatever they are called."""
    return list(dict.fromkeys(_long_texts(fields, "", 1)))[:MAX_NAMES_TOLD]


def _long_texts(value: object, path: str, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if _is_long(value):
            yield path
    elif depth > MAX_DEPTH:
        return
    elif isinstance(value, list):
        for each in value:
            yield from _long_texts(each, f"{path}[]", depth + 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            if not _NO_TEXT_OF_A_WRITER.search(name):
                inner = f"{path}.{shown(name)}" if path else shown(name)
                yield from _long_texts(each, inner, depth + 1)


def _is_long(text: str) -> bool:
    if len(_WIDE.findall(text)) >= LONG_TEXT_CHARS // 2:
        return True
    return len(text) >= LONG_TEXT_CHARS and len(text.split()) >= LONG_TEXT_WORDS


def _is_of_an_agent(message: object) -> bool:
    if not isinstance(message, dict):
        return False
    if any(message.get(name) in values for name, values in _NOT_THE_REQUESTER.items() if name in message):
        return True
    author = message.get("author")
    roles = [message.get("type"), message.get("role"), message.get("sender_type")]
    roles += [author.get("type"), author.get("role")] if isinstance(author, dict) else []
    return any(isinstance(role, str) and role.lower() in _AGENTS for role in roles)
