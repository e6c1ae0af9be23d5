"""How many bytes DynamoDB counts an item and its entries in the indexes as, by the rules that it charges by.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.StorageConsiderations
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from statistics import fmean
from typing import Any

COLLECTION_BYTES = 3
ELEMENT_BYTES = 1
STORED_ENTRY_BYTES = 100
"""What an entry of an index takes in storage beside its attributes."""
WRITE_UNIT_BYTES = 1024

Item = Mapping[str, Any]

INDEXES = {
    "by_time": ("ticket_id", "shard", "position", "facets"),
    "by_status": ("ticket_id", "status_shard", "position"),
}
"""The attributes that an entry of each index has; tests hold it against the template."""

VERSION_1_INDEXES = ("urgency", "intent", "sentiment", "status")
"""Version 1 had an index of each by day, and every entry was the whole item."""


def item_bytes(item: Mapping[str, Any]) -> int:
    """An item as the low-level client spells it: `{"ticket_id": {"S": "TKT-1"}, …}`."""
    return sum(_text_bytes(name) + _value_bytes(value) for name, value in item.items())


def sizes_of(items: Iterable[Item]) -> dict[str, float]:
    """Means over rows: bytes and write units, in the table and in the indexes, today and in version 1."""
    rows = list(items)
    today, version_1 = [], []
    for item in rows:
        today.append((item, [entry_of(item, *names) for names in INDEXES.values()]))
        old = as_version_1(item)
        version_1.append((old, [old for name in VERSION_1_INDEXES if f"{name}_day" in old]))
    entries = {
        f"{index}_entry_bytes": fmean(item_bytes(entry_of(item, *names)) for item in rows)
        for index, names in INDEXES.items()
    }
    return {**_means(today, ""), **_means(version_1, "_version_1"), **entries}


def entry_of(item: Item, *names: str) -> Item:
    """The entry of an index that repeats those attributes."""
    return {name: item[name] for name in names}


def as_version_1(item: Item) -> Item:
    """The row as version 1 wrote it."""
    ours = {name for names in INDEXES.values() for name in names} - {"ticket_id"}
    day = item["received_at"]["S"][:10]
    keys = {f"{name}_day": {"S": f"{item[name]['S']}#{day}"} for name in VERSION_1_INDEXES if name in item}
    return {**{name: value for name, value in item.items() if name not in ours}, **keys}


def _means(rows: list[tuple[Item, list[Item]]], suffix: str) -> dict[str, float]:
    return {
        f"row_bytes{suffix}": fmean(item_bytes(row) for row, _ in rows),
        f"row_write_units{suffix}": fmean(_write_units(row) for row, _ in rows),
        f"index_bytes{suffix}": fmean(
            sum(item_bytes(entry) + STORED_ENTRY_BYTES for entry in entries) for _, entries in rows
        ),
        f"index_write_units{suffix}": fmean(sum(map(_write_units, entries)) for _, entries in rows),
    }


def _write_units(item: Item) -> int:
    return ceil(item_bytes(item) / WRITE_UNIT_BYTES)


def _value_bytes(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return _text_bytes(value)
        case "N":
            return _number_bytes(value)
        case "NULL" | "BOOL":
            return 1
        case "M":
            return COLLECTION_BYTES + ELEMENT_BYTES * len(value) + item_bytes(value)
        case "SS":
            return COLLECTION_BYTES + sum(ELEMENT_BYTES + _text_bytes(each) for each in value)
        case "L":
            return COLLECTION_BYTES + sum(ELEMENT_BYTES + _value_bytes(each) for each in value)
        case _:
            raise ValueError(f"no row of ours has an attribute of type {kind}")


def _number_bytes(number: str) -> int:
    """One byte for two significant digits, and one more; a sign takes another."""
    digits = number.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + number.startswith("-")


def _text_bytes(text: str) -> int:
    return len(text.encode())
