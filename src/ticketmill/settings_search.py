"""The settings of search and surges: a part of `ticketmill.settings`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_INDEX = re.compile(
    r"(?!\w+://).+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+|"
    # an index's own name gets nine characters more, those of the embedding model
    r"s3vectors://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]/[a-z0-9][a-z0-9.-]{1,44}[a-z0-9]"
)


class SearchSettings(BaseSettings):
    """The search index, and what is built on it."""

    model_config = SettingsConfigDict(env_prefix="TICKETMILL_", env_ignore_empty=True, frozen=True)

    index_queue_url: str | None = None
    """The queue of new enrichments, an output of infra/search-service.yaml. Without it the outputs of the
    stack NAME-search are asked."""

    index: str | None = None
    """Where the search index is: a folder, `s3://BUCKET/PREFIX`, or `s3vectors://BUCKET/INDEX`. The default
    is `index/` in the bucket of enriched tickets. See docs/search.md."""

    index_search: Literal["memory", "store"] = "memory"
    """Who finds the nearest tickets: this process, with all vectors in memory, or the store of the index. For
    many millions of tickets."""

    index_compact_s: Annotated[float, Field(ge=10)] = 600
    """Seconds between two compactions of the search index by an indexer. Nothing is done where nothing has
    changed."""

    surge_false_per_week: Annotated[float, Field(gt=0, le=100)] = 0.5
    """False alarms a week that you put up with. More find surges sooner, and smaller ones."""

    surge_min_tickets: Annotated[int, Field(ge=4, le=1000)] = 4
    """The fewest tickets that are a surge."""

    surge_min_customers: Annotated[int, Field(ge=1, le=1000)] = 3
    """The fewest customers whose tickets are a surge. A ticket of an unknown customer counts as one."""

    surge_every_s: Annotated[float, Field(ge=1, le=3600)] = 15
    """Seconds between two looks of `ticketmill surges watch`."""

    surge_bus: str | None = None
    """An EventBridge bus, by name or ARN, that surges are announced on."""

    surge_topic: Annotated[str, Field(pattern=r"^arn:[a-z0-9-]+:sns:")] | None = None
    """ARN of an SNS topic that surges are announced on."""

    @field_validator("index")
    @classmethod
    def _index_is_a_place(cls, index: str | None) -> str | None:
        if index is not None and _INDEX.fullmatch(index) is None:
            raise ValueError(
                "expected a folder, s3://BUCKET/PREFIX or s3vectors://BUCKET/INDEX, with an index of 3 to 46 "
                "characters a-z 0-9 . -"
            )
        return index
