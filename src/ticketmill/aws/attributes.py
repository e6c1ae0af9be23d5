"""How a value becomes an attribute of DynamoDB and comes back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ticketmill.domain.keys import utc_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

DIGITS = 4
"""Of confidences and milliseconds: more would only lengthen the rows."""


def attribute_of(value: Any) -> AttributeValueTypeDef:
    match value:
        case str():
            return {"S": str(value)}  # an enum's value, where it is one
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case float():
            return {"N": str(round(value, DIGITS))}
        case datetime():
            return {"S": utc_text(value)}
        case frozenset():
            return {"SS": sorted(value)}
        case dict():
            return {"M": {name: attribute_of(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [attribute_of(inner) for inner in value]}
        case _:  # a part of the row that is a model of its own
            return {"M": {name: attribute_of(inner) for name, inner in value}}


def value_of(attribute: AttributeValueTypeDef) -> Any:
    (kind, value), *_ = attribute.items()
    match kind:
        case "N":
            digits = str(value)
            return int(digits) if digits.lstrip("-").isdigit() else float(digits)
        case "NULL":
            return None
        case "L":
            return [value_of(inner) for inner in attribute["L"]]
        case "M":
            return {name: value_of(inner) for name, inner in attribute["M"].items()}
        case _:
            return value
