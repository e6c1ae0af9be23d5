"""The records of other versions in tests/fixtures/records, and how a test reads them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "fixtures" / "records"


def frozen_item(name: str) -> dict[str, Any]:
    """A DynamoDB item as boto3 gives it: binary values are bytes."""
    item: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {
        key: {"B": base64.b64decode(value["B"])} if "B" in value else value for key, value in item.items()
    }


def frozen_bytes(name: str) -> bytes:
    """An object as S3 gives it."""
    return (FOLDER / f"{name}.json").read_bytes()
