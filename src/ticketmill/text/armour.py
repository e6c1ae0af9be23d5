"""PGP's armour around a text, and keys and certificates in it."""

from __future__ import annotations

import re

from ticketmill.text.blanking import blank_match

_SIGNED = re.compile(
    r"^[ \t]*-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Z][\w-]{2,20}: [^\n]{0,100}\n)*+", re.M
)
_HASH = re.compile(r"\A\s*Hash: [A-Z0-9, ]{3,40}\n(?=\s*\n)")
_BLOCK = re.compile(
    r"^[ \t]*-----BEGIN PGP (?P<kind>SIGNATURE|MESSAGE|(?:PUBLIC|PRIVATE) KEY BLOCK)-----"
    r"(?:(?![ \t]*-----(?:BEGIN|END) PGP)[^\n]*\n)*+[ \t]*-----END PGP (?P=kind)-----",
    re.M,
)
_UNENDED = re.compile(
    r"^[ \t]*-----BEGIN PGP SIGNATURE-----[ \t]*\n(?:[\w-]{2,20}: [^\n]*\n|[A-Za-z0-9+/=]*[ \t]*(?:\n|\Z))*+",
    re.M,
)
_PEM = re.compile(
    r"(?<=-----BEGIN )[A-Z0-9 ]{3,40}-----\s*\n"
    r"(?P<lines>(?:[A-Za-z0-9+/=]{1,80}[ \t]*\n)++)(?=[ \t]*-----END )"
)


def without_armour(text: str) -> str:
    """`text` with PGP's lines and the contents of keys blanked. What is signed stays."""
    if "Hash: " in text and "-----BEGIN PGP SIGNATURE" in text:
        text = _HASH.sub(blank_match, text)
    if "-----BEGIN " not in text:
        return text
    text = _SIGNED.sub(blank_match, text)
    text = _BLOCK.sub(blank_match, text)
    text = _UNENDED.sub(blank_match, text)
    return _PEM.sub(_without_lines, text)


def _without_lines(match: re.Match[str]) -> str:
    start = match.start("lines") - match.start()
    lines = re.compile(r"[^\n]").sub(" ", match["lines"])
    return match[0][:start] + lines
