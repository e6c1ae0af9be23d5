"""How many bytes DynamoDB counts an item as, by the rules that it charges by.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLLECTION_BYTES = 3
ELEMENT_BYTES = 1


def item_bytes(item: Mapping[str, Any]) -> int:
    """An item as the low-level client spells it: `{"ticket_id": {"S": "TKT-1"}, …}`."""
    return sum(_text_bytes(name) + _value_bytes(value) for name, value in item.items())


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
