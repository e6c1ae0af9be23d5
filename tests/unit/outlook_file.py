"""Makes an Outlook message (.msg): a compound file with the properties of a message and its attachments."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field

SECTOR, MINI_SECTOR = 512, 64
FREE, END, FAT_SECTOR, NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
STORAGE, STREAM, ROOT = 1, 2, 5
TEXT, BINARY = 0x001F, 0x0102


@dataclass
class Entry:
    """A file (`content`) or a folder (`inside`) of a compound file."""

    name: str
    content: bytes | None = None
    inside: list[Entry] = field(default_factory=list)


def outlook_message(texts: dict[int, str], attachments: list[dict[int, str | bytes]]) -> bytes:
    """A message with texts by property id, and attachments likewise."""
    counts = struct.pack("<8x4I8x", 0, len(attachments), 0, len(attachments))
    entries = _properties(dict(texts), counts)
    for number, each in enumerate(attachments):
        folder = f"__attach_version1.0_#{number:08X}"
        entries.append(Entry(folder, inside=_properties(each, bytes(8))))
    return compound_file(entries)


def _properties(values: dict[int, str | bytes], header: bytes) -> list[Entry]:
    table, entries = header, []
    for pid, value in values.items():
        kind = TEXT if isinstance(value, str) else BINARY
        content = value.encode("utf-16-le") if isinstance(value, str) else value
        size = len(content) + (2 if kind == TEXT else 0)
        table += struct.pack("<HHIII", kind, pid, 6, size, 0)
        entries.append(Entry(f"__substg1.0_{pid:04X}{kind:04X}", content))
    return [Entry("__properties_version1.0", table), *entries]


def compound_file(entries: list[Entry]) -> bytes:
    """A compound file with `entries`, none of them over 4 KB, and all of them below 8 KB."""
    listed: list[tuple[Entry, int]] = []
    links: dict[int, list[int]] = {}

    def add(each: Entry, kind: int) -> int:
        listed.append((each, kind))
        number = len(listed) - 1
        links[number] = [
            add(below, STREAM if below.content is not None else STORAGE) for below in each.inside
        ]
        return number

    add(Entry("Root Entry", inside=entries), ROOT)
    right = {one: two for below in links.values() for one, two in itertools.pairwise(below)}
    mini, mini_fat, directory = b"", [], []
    for number, (entry, kind) in enumerate(listed):
        content = entry.content or b""
        start = len(mini) // MINI_SECTOR if content else END
        sectors = -(-len(content) // MINI_SECTOR)
        mini_fat += [start + each + 1 for each in range(sectors - 1)] + [END] * bool(content)
        mini += content.ljust(sectors * MINI_SECTOR, b"\0")
        child = links[number][0] if links[number] else NONE
        directory.append([entry.name, kind, right.get(number, NONE), child, start, len(content)])

    mini = mini.ljust(-(-len(mini) // SECTOR) * SECTOR, b"\0")
    directory_sectors, mini_sectors = -(-len(directory) // 4), len(mini) // SECTOR
    mini_fat_at = 1 + directory_sectors
    directory[0][4:] = [mini_fat_at + 1, len(mini)]
    fat = [FAT_SECTOR, *_chain(1, directory_sectors), END, *_chain(mini_fat_at + 1, mini_sectors)]
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, mini_fat_at, 1, END, 0, 0),
    )
    header += struct.pack("<108I", *[FREE] * 108)
    blank = ["", 0, NONE, NONE, 0, 0]
    rows = [*directory, *[blank] * (directory_sectors * 4 - len(directory))]
    return header + _table(fat) + b"".join(map(_row, rows)) + _table(mini_fat) + mini


def _chain(start: int, count: int) -> list[int]:
    return [*range(start + 1, start + count), END]


def _table(numbers: list[int]) -> bytes:
    assert len(numbers) <= SECTOR // 4
    return struct.pack("<128I", *numbers, *[FREE] * (SECTOR // 4 - len(numbers)))


def _row(entry: list[object]) -> bytes:
    name, kind, right, child, start, size = entry
    encoded = str(name).encode("utf-16-le")
    length = len(encoded) + 2 if name else 0
    return struct.pack("<64sHBBIII36xIII", encoded, length, kind, 1, NONE, right, child, start, size, 0)
