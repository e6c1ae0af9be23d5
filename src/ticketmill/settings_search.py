"""The settings of search: a part of `ticketmill.settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SearchSettings(BaseSettings):
    """The index, and what fills it."""

    model_config = SettingsConfigDict(env_prefix="TICKETMILL_", env_ignore_empty=True, frozen=True)

    index_queue_url: str | None = None
    """The queue of new enrichments, an output of infra/search-service.yaml. Without it the outputs of the
    stack NAME-search are asked."""

    index_compact_s: Annotated[float, Field(ge=10)] = 600
    """Seconds between two compactions of the search index by an indexer. Nothing is done where nothing has
    changed."""
