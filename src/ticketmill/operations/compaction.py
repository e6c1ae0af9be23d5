"""The compaction of the search index, again and again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from ticketmill.domain.errors import TransientFailure
from ticketmill.queries.index_ports import VectorStore

log = logging.getLogger(__name__)


@dataclass
class Compaction:
    """Compacts each store that has changed since it was last looked at. The first look changes nothing."""

    stores: Mapping[str, VectorStore]
    """By name. Some may be added meanwhile."""
    _seen: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> None:
        """One look at all of them. Where others write meanwhile, one may fail; the next look repeats it."""
        for name, store in list(self.stores.items()):
            try:
                version = store.version()
                if self._seen.setdefault(name, version) != version:
                    store.compact()
                    self._seen[name] = store.version()
            except TransientFailure as failure:
                log.warning("the index of %s is compacted another time: %s", name, failure)
