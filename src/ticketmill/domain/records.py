"""What every stored record follows: rows in DynamoDB, objects in S3.

Records outlive versions. A new version may add fields and words to a vocabulary; it never changes what a
field means. So a reader keeps fields that it does not know, and takes a word that it does not know as text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 2
"""Of the rows and objects that this version writes. Version 1 wrote no `schema_version`."""
FIRST_SCHEMA_VERSION = 1


class Frozen(BaseModel):
    """An immutable value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Record(Frozen):
    """An immutable part of a stored record: it keeps the fields that a newer version added."""

    model_config = ConfigDict(extra="allow", ser_json_bytes="base64")


Word = TypeVar("Word", bound=StrEnum)
Open = Annotated[Word | str, Field(union_mode="left_to_right")]
"""A word of a vocabulary as its enum, as in `Open[Status]`; a word of a newer version stays text."""
