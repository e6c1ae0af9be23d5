"""How large the rows of the shipped corpus are, as JSON for cost.py: python tests/benchmarks/row_sizes.py

The models of the settings enrich the corpus in this process; nothing is stored.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

from item_size import sizes_of
from local_place import raw

from ticketmill.aws.dynamodb import item_of
from ticketmill.bootstrap import load_enricher
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.keys import enriched_key, raw_key
from ticketmill.domain.message import RawObject
from ticketmill.domain.row import enriched_row
from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
from ticketmill.settings import load_settings
from ticketmill.tasks.table import row_attributes

BUCKET = "ticketmill-raw-000000000000-us-east-1"
VERSION_ID = "x" * 32  # as long as one of S3
ATTEMPT = "x" * 8  # as long as the pipeline's


def main() -> None:
    settings = load_settings()
    contents = [raw(ticket, f"M{number:06d}") for number, ticket in enumerate(read_corpus(PLAIN_TICKETS))]
    tickets = [parse_ticket(content, settings.max_ticket_bytes) for content in contents]
    items = []
    for ticket, content, enrichment in zip(
        tickets, contents, load_enricher(settings).enrich(tickets), strict=True
    ):
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        key = raw_key(ticket.ticket_id)
        uploaded = RawObject(BUCKET, key, VERSION_ID, etag, datetime.now(UTC), len(content), content)
        stored_at = enriched_key(ticket.ticket_id, uploaded.content_hash, enrichment.fingerprint, ATTEMPT)
        items.append(
            item_of(enriched_row(ticket, enrichment, uploaded, stored_at, row_attributes(enrichment)))
        )
    print(json.dumps({"tickets": len(items), "sizes": sizes_of(items)}))


if __name__ == "__main__":
    main()
