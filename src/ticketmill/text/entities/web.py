"""Web addresses, e-mail addresses and IP addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from ticketmill.domain.entities import EntityKind, Mention

_EMAIL = re.compile(
    r"(?<![\w.%+'/@-])[\w%+'-]{1,64}(?:\.[\w%+'-]{1,64}){0,8}@"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@]|:[\w/~]|\.\w)"
)
_SPELLED_OUT = re.compile(
    r"(?<![\w.@-])(?P<local>[a-z\d]{1,30}(?:[._-][a-z\d]{1,30}){1,4}|[a-z\d]{1,30}(?= ?[(\[]))"
    r"(?: at | ?[(\[](?:at|@|ät)[)\]] ?)(?P<domain>(?:[a-z\d][a-z\d-]{0,61}\.){1,4}[a-z]{2,24})(?![\w@-]"
    r"|\.\w|/)",
    re.I,
)
_URL = re.compile(r"(?<![\w@])(?:(?:https?|ftps?|wss?)://|www\.)[^\s<>\"`{}|\\^]{2,2000}", re.I)
# a country's ending alone may be a missing blank after a full stop ("done.it works"): it needs more
_BARE = re.compile(
    r"(?<![\w@./\\-])(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.){1,6}?"
    r"(?:(?:com|org|net|edu|gov|info|eu|co\.uk|com\.(?:br|au|mx|ar)|example)(?::\d{2,5})?(?![\w@-]|\.\w|\()"
    r"(?:/[^\s<>\"`{}|\\^]{0,2000})?"
    r"|(?:de|fr|es|it|nl|pt|be|at|ch|br|io|app|dev|ai|uk|us|ca|me|tv)/[^\s<>\"`{}|\\^]{1,2000})",
    re.I,
)
_CLOSING = ".,;:!?'\"*_…»”’]>"

_IPV4 = re.compile(r"(?<![\w.@/+-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?![\w:])", re.I)
_VERSION_BEFORE = re.compile(
    r"(?<!\w)(?:versione?|versión|versão|versie|ver|release|build|firmware|update|driver|software|sdk|app|v)"
    r"[\s.:(=]{0,3}$",
    re.I,
)
VERSION_REACH = 24


def find_urls(text: str) -> Iterator[Mention]:
    """Web addresses; one without a scheme gets `https`."""
    if "://" in text or "www." in text.lower():
        for found in _URL.finditer(text):
            yield _url(text, found.start(), found.end())
    if "." in text:
        for found in _BARE.finditer(text):
            yield _url(text, found.start(), found.end())


def _url(text: str, start: int, end: int) -> Mention:
    """Without the punctuation that ends a sentence or closes a bracket around it."""
    unopened = text.count(")", start, end) - text.count("(", start, end)
    while end > start:
        last = text[end - 1]
        if last not in _CLOSING and not (last == ")" and unopened > 0):
            break
        unopened -= last == ")"
        end -= 1
    value = text[start:end]
    url = value if "://" in value else f"https://{value}"
    return Mention(EntityKind.URL, start, end, _lower_host(url))


def _lower_host(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that enclose no IPv6 address
        return url
    return parts._replace(netloc=parts.netloc.lower()).geturl()


def find_emails(text: str) -> Iterator[Mention]:
    """E-mail addresses; "jo.doe at example.com" is one too."""
    if "@" in text:
        for found in _EMAIL.finditer(text):
            start = found.start() + (len(found[0]) - len(found[0].lstrip("'")))
            yield Mention(EntityKind.EMAIL, start, found.end(), text[start : found.end()].lower())
    for found in _SPELLED_OUT.finditer(text):
        yield Mention(EntityKind.EMAIL, *found.span(), f"{found['local']}@{found['domain']}".lower())


def find_ips(text: str) -> Iterator[Mention]:
    """IP addresses. Four numbers after a word of versions are none."""
    if text.count(".") >= 3:
        for found in _IPV4.finditer(text):
            before = text[max(found.start() - VERSION_REACH, 0) : found.start()]
            if not _VERSION_BEFORE.search(before) and (address := _ipv4(found[0])):
                yield Mention(EntityKind.IP, found.start(), found.end(), address)
    if text.count(":") >= 2:
        for found in _IPV6.finditer(text):
            if address := _ipv6(found[0]):
                yield Mention(EntityKind.IP, found.start(), found.end(), address)


def _ipv4(value: str) -> str | None:
    try:
        return str(IPv4Address(value))
    except ValueError:
        return None


def _ipv6(value: str) -> str | None:
    """Names of C++ and Rust have colons too: an address has a digit and two groups, or is the loopback."""
    groups = [group for group in value.split(":") if group]
    if value != "::1" and (len(groups) < 3 or not any(char.isdigit() for char in value)):
        return None
    try:
        return str(IPv6Address(value))
    except ValueError:
        return None
