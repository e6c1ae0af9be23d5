"""Attachments, listed by name, type and size. Nobody reads them."""

from __future__ import annotations

from ticketmill.importers.values import first_text, objects

_NAMES = ("file_name", "filename", "fileName", "name", "content_file_name", "title")
_TYPES = ("content_type", "contentType", "mimeType", "mime_type", "mime")
_SIZES = ("size", "file_size", "fileSize")


def attachments_of(*lists: object) -> list[dict[str, str]]:
    """What the arrays of a payload say about files, in order, each file once."""
    found = []
    for each in (entry for entries in lists for entry in objects(entries)):
        listed = {
            "name": first_text(each, *_NAMES),
            "type": first_text(each, *_TYPES),
            "size": first_text(each, *_SIZES),
        }
        listed = {field: value for field, value in listed.items() if value}
        if listed and listed not in found:
            found.append(listed)
    return found
