"""Atlassian Document Format: the JSON in which Jira's API v3 keeps texts."""

from __future__ import annotations

from collections.abc import Mapping

from ticketmill.importers.values import child, first_text, text_of

_BLOCKS = {"paragraph", "heading", "codeBlock", "blockquote", "listItem", "taskItem", "tableRow", "rule"}
_BLOCKS |= {"panel", "bulletList", "orderedList", "table", "mediaSingle", "expand"}
_MAX_DEPTH = 60


def jira_text(value: object) -> str:
    """A text of Jira, plain or as a document, with a line for each paragraph and list item."""
    if not isinstance(value, Mapping):
        return text_of(value)
    lines = "".join(_pieces(value, 0)).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _pieces(node: object, depth: int) -> list[str]:
    if not isinstance(node, Mapping) or depth > _MAX_DEPTH:
        return []
    kind = text_of(node.get("type"))
    if kind == "hardBreak":
        return ["\n"]
    if kind == "text":
        raw = node.get("text")
        return [raw] if isinstance(raw, str) else []
    if kind in ("mention", "emoji", "inlineCard", "date", "status"):
        return [first_text(child(node, "attrs"), "text", "url", "shortName", "timestamp")]
    inside = node.get("content")
    pieces = ["- "] if kind == "listItem" else []
    for each in inside if isinstance(inside, list) else []:
        pieces += _pieces(each, depth + 1)
        if kind == "tableRow":
            pieces = [*(piece.replace("\n", " ") for piece in pieces), "\t"]
    return [*pieces, "\n"] if kind in _BLOCKS else pieces
