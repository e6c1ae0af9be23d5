"""The search index in LanceDB: on the bucket's `index/` prefix, or in a folder of this machine."""

from __future__ import annotations

import ctypes
import os
import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ticketmill.aws.lance_table import make_table
from ticketmill.batching import grouped
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import enriched_prefix
from ticketmill.indexed_ticket import Hit, IndexedTicket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from ticketmill.arrays import Floats

TABLE = "tickets"
SCANNED_AT_ONCE = 2048
READ_AHEAD_BYTES = 32 << 20
INDEX_CACHE_BYTES = 256 << 20
METADATA_CACHE_BYTES = 32 << 20
"""LanceDB's own limits are 6 GB and 1 GB."""
KEYS_AT_ONCE = 1000
"""In one condition."""
KEPT = timedelta(hours=1)
"""How long a version of the table is kept for those who still read it."""
COMMITS = 6
"""How often a change is tried that others forestall. LanceDB itself repeats a put up to ten times before."""
COMMIT_PAUSE_S = 0.2
PARTITIONS_PROBED = 64
REFINED = 20
"""So many times the hits asked for are ranked by their vectors as they are."""

_WITHOUT_TEXT = ["enriched_key", "received_at", "vector"]
_PRIMARY = {"lance-schema:unenforced-primary-key": "true"}
"""Of the key's column. Without it two puts of one key at the same time both add a row."""


class LanceVectorStore:
    """Entries in one table. The table is made by the first put."""

    def __init__(
        self,
        location: str,
        storage_options: Mapping[str, str] | None = None,
        s3: S3Client | None = None,
        approximate_from: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`location`: a folder, or `s3://BUCKET/PREFIX` with a client of the same place.

        `storage_options` go to Lance's object store. From `approximate_from` entries on, `compact` makes an
        approximate index of the vectors; None is never.
        """
        self._approximate_from = approximate_from
        self._location = location
        self._s3 = s3
        self._options = dict(storage_options or {})
        self._sleep = sleep

    def put(self, entries: Sequence[IndexedTicket]) -> None:
        """Adds entries. One whose key is there already stays as it is."""
        if not entries:
            return
        different = list({each.enriched_key: each for each in entries}.values())
        rows = _rows(different, datetime.now(UTC))
        table = self._table(rows.schema)
        self._committed(
            table,
            "writing to the search index",
            lambda: table.merge_insert("enriched_key").when_not_matched_insert_all().execute(rows),
        )

    def delete(self, keys: Collection[str]) -> None:
        """Deletes entries by their keys; those that are not there are no fault."""
        if not keys or (table := self._table()) is None:
            return
        for some in _groups(keys):
            condition = f"enriched_key IN ({_quoted(some)})"
            self._committed(table, "deleting from the search index", lambda: table.delete(condition))  # noqa: B023

    def keys_of(self, ticket_id: str) -> list[str]:
        """The keys of all entries of a ticket."""
        begins = enriched_prefix(ticket_id).replace("'", "''")
        found = self._selected(f"starts_with(enriched_key, '{begins}')", ["enriched_key"])
        return [] if found is None else found["enriched_key"].to_pylist()

    def scan(self, since: datetime | None = None) -> Iterator[Sequence[IndexedTicket]]:
        """All entries, without their texts; with `since` those that were put at that time or later."""
        return map(_entries, self._batches(_WITHOUT_TEXT, since))

    def keys(self, since: datetime | None = None) -> Iterator[Sequence[tuple[str, datetime]]]:
        """The keys of all entries and when their tickets were received; `since` as of `scan`."""
        return map(_keys_and_times, self._batches(["enriched_key", "received_at"], since))

    def texts(self, keys: Iterable[str]) -> Mapping[str, str]:
        """The texts of some entries by their keys."""
        texts: dict[str, str] = {}
        for some in _groups(keys):
            found = self._selected(f"enriched_key IN ({_quoted(some)})", ["enriched_key", "text"])
            if found is not None:
                texts |= zip(found["enriched_key"].to_pylist(), found["text"].to_pylist(), strict=True)
        return texts

    def entries(self, keys: Iterable[str]) -> list[IndexedTicket]:
        """Some entries, without their texts, in any order; those that are not there are left out."""
        entries: list[IndexedTicket] = []
        for some in _groups(keys):
            found = self._selected(f"enriched_key IN ({_quoted(some)})", _WITHOUT_TEXT)
            for batch in [] if found is None else found.to_batches():
                entries += _entries(batch)
        return entries

    def count(self) -> int:
        """How many entries there are."""
        table = self._table()
        with _transient("reading the search index"):
            return 0 if table is None else int(table.count_rows())

    def version(self) -> str:
        """Another text after every change."""
        table = self._table()
        with _transient("reading the search index"):
            return "" if table is None else str(table.version)

    def nearest(
        self, vector: Floats, most: int, since: datetime | None = None, until: datetime | None = None
    ) -> list[Hit]:
        """Up to `most` entries by cosine, the nearest first, received from `since` on and before `until`."""
        if (table := self._table()) is None:
            return []
        with _transient("searching the index"):
            query = table.search(vector, vector_column_name="vector").metric("cosine")
            # they do nothing where all vectors are compared
            query = query.nprobes(PARTITIONS_PROBED).refine_factor(REFINED)
            query = _received(query, since, until).select(["enriched_key", "_distance"]).limit(most)
            found = query.to_arrow()
        return _hits(found, 1 - found["_distance"].to_numpy())

    def search_text(
        self, words: str, most: int, since: datetime | None = None, until: datetime | None = None
    ) -> list[Hit] | None:
        """Up to `most` entries by BM25, the best first."""
        if (table := self._table()) is None:
            return []
        from lancedb.query import MatchQuery

        wanted = MatchQuery(words, "text")  # type: ignore[call-arg] # its stubs know no defaults
        with _transient("searching the index"):
            query = table.search(wanted, query_type="fts")
            query = _received(query, since, until).select(["enriched_key", "_score"]).limit(most)
            found = query.to_arrow()
        return _hits(found, found["_score"].to_numpy())

    def compact(self) -> None:
        """Joins what many small puts have left, and indexes what is new."""
        if (table := self._table()) is not None:
            self._add_indexes(table)
            self._committed(
                table, "compacting the search index", lambda: table.optimize(cleanup_older_than=KEPT)
            )

    def _batches(self, columns: list[str], since: datetime | None) -> Iterator[Any]:
        if (table := self._table()) is None:
            return
        with _transient("reading the search index"):
            query = table.search().select(columns)
            if since is not None:
                query = query.where(f"written_at >= {_moment(since)}")
            yield from query.to_batches(batch_size=SCANNED_AT_ONCE)
        if since is None:
            _return_memory()

    def _selected(self, where: str, columns: list[str]) -> Any:
        """A table of the rows that fit; None where there is no table yet."""
        if (table := self._table()) is None:
            return None
        with _transient("reading the search index"):
            return table.search().where(where).select(columns).to_arrow()

    def _table(self, schema: Any = None) -> Any:
        """The table at its latest version; None where there is none yet and no schema to make it by."""
        with _transient("opening the search index"):
            if self._opened is None:
                self._opened = self._open(schema)
            else:
                self._opened.checkout_latest()
            return self._opened

    def _open(self, schema: Any) -> Any:
        database = self._database
        try:
            return database.open_table(TABLE)
        except ValueError as error:
            if "was not found" not in str(error):
                raise
            if schema is None:
                return None
        make_table(self._location, TABLE, schema, self._s3)
        table = database.open_table(TABLE)
        self._add_indexes(table)
        return table

    def _add_indexes(self, table: Any) -> None:
        """Makes those that are missing. Without that of the keys each put reads all of them."""
        from lancedb.index import FTS, BTree, IvfRq

        # no stop words: "not able" is what a ticket is about
        full_text = FTS(with_position=False, stem=True, remove_stop_words=False, ascii_folding=True)
        wanted: dict[str, Any] = {"enriched_key": BTree(), "text": full_text}
        with _transient("reading the search index"):
            entries = table.count_rows()
            if self._approximate_from is not None and entries >= self._approximate_from:
                wanted["vector"] = IvfRq(distance_type="cosine", num_partitions=round(entries**0.5))
            present = {column for index in table.list_indices() for column in index.columns}
        for column in wanted.keys() - present:
            self._committed(
                table,
                "indexing the search index",
                lambda: table.create_index(column, config=wanted[column]),  # noqa: B023
            )

    def _committed(self, table: Any, doing: str, change: Callable[[], Any]) -> None:
        """Makes a change, again where others changed the table meanwhile."""
        for left in reversed(range(COMMITS)):
            with _transient(doing):
                try:
                    change()
                except (RuntimeError, OSError) as error:
                    if left == 0 or "conflict" not in str(error).lower():
                        raise
                else:
                    return
            self._sleep(random.uniform(0.5, 1) * COMMIT_PAUSE_S * 2 ** (COMMITS - 1 - left))  # noqa: S311
            with _transient(doing):
                table.checkout_latest()

    _opened: Any = None

    @cached_property
    def _database(self) -> Any:
        # Lance reads it once, at its first scan: by default it reads 2 GB ahead
        os.environ.setdefault("LANCE_DEFAULT_IO_BUFFER_SIZE", str(READ_AHEAD_BYTES))
        import lancedb

        session = lancedb.Session(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES)
        return lancedb.connect(self._location, storage_options=self._options or None, session=session)


def _rows(entries: Sequence[IndexedTicket], now: datetime) -> Any:
    import pyarrow as pa

    matrix = np.stack([each.vector for each in entries]).astype(np.float32)
    moment = pa.timestamp("us", "UTC")
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
    schema = pa.schema(
        [
            pa.field("enriched_key", pa.string(), nullable=False, metadata=_PRIMARY),
            pa.field("received_at", moment),
            pa.field("written_at", moment),
            pa.field("text", pa.string()),
            pa.field("vector", vectors.type),
        ]
    )
    return pa.table(
        {
            "enriched_key": [each.enriched_key for each in entries],
            "received_at": [each.received_at for each in entries],
            "written_at": [now] * len(entries),
            "text": [each.text for each in entries],
            "vector": vectors,
        },
        schema,
    )


def _keys_and_times(batch: Any) -> list[tuple[str, datetime]]:
    moments = [each.astimezone(UTC) for each in batch["received_at"].to_pylist()]
    return list(zip(batch["enriched_key"].to_pylist(), moments, strict=True))


def _entries(batch: Any) -> list[IndexedTicket]:
    vectors = batch["vector"]
    matrix = vectors.flatten().to_numpy().reshape(len(vectors), -1)
    named = _keys_and_times(batch)
    return [IndexedTicket(key, at, vector, "") for (key, at), vector in zip(named, matrix, strict=True)]


def _hits(found: Any, scores: Any) -> list[Hit]:
    keys = found["enriched_key"].to_pylist()
    return [Hit(key, float(score)) for key, score in zip(keys, scores, strict=True)]


def _received(query: Any, since: datetime | None, until: datetime | None) -> Any:
    bounds = [f"received_at >= {_moment(since)}"] if since is not None else []
    bounds += [f"received_at < {_moment(until)}"] if until is not None else []
    return query.where(" AND ".join(bounds), prefilter=True) if bounds else query


def _moment(moment: datetime) -> str:
    return f"timestamp '{moment.astimezone(UTC).isoformat(timespec='microseconds')}'"


def _return_memory() -> None:
    """Gives the system what Lance's threads have freed: after a million rows glibc keeps over 100 MB."""
    with suppress(OSError, AttributeError):  # another C library has no such function
        ctypes.CDLL(None).malloc_trim(0)


def _groups(keys: Iterable[str]) -> Iterator[list[str]]:
    return grouped(keys, lambda _key: 1, KEYS_AT_ONCE)


def _quoted(keys: Iterable[str]) -> str:
    return ", ".join("'" + key.replace("'", "''") + "'" for key in keys)


@contextmanager
def _transient(doing: str) -> Iterator[None]:
    """Turns LanceDB's errors into TransientFailure. Their texts name files and never a ticket's words.

    Where it cannot reach the bucket at first, that is a ValueError.
    """
    try:
        yield
    except (RuntimeError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise TransientFailure(f"{doing}: {reason}", "index", "index") from error
