"""The search index in a folder."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import lancedb
import numpy as np
import pytest
from vector_store_contract import NOON, Connect, VectorStoreContract, entry, key

from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.domain.errors import TransientFailure
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.queries.index_ports import VectorStore


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    return lambda: LanceVectorStore(str(tmp_path / "index"))


def words(store: VectorStore, query: str, most: int = 10, **bounds: object) -> list[str]:
    found = store.search_text(query, most, **bounds)  # type: ignore[arg-type]
    assert found is not None
    return [hit.ticket_id for hit in found]


class TestLanceVectorStore(VectorStoreContract):
    """In a folder of this machine."""


@pytest.fixture
def shop(connect: Connect) -> VectorStore:
    """Four tickets, one of them put after the last compaction."""
    store = connect()
    store.put(
        [
            entry(
                "INVOICE", 0, text="Invoices are wrong\nThe invoice of order ORD-48213-7 was charged twice"
            ),
            entry(
                "CRASH",
                1,
                NOON + timedelta(hours=1),
                text="App crashes\nError 0x80070005 and ERR_CONN_RESET since v3.12.4",
            ),
            entry("CAFE", 2, text="Café Größe\nI am not able to change the size"),
        ]
    )
    store.compact()
    store.put([entry("FRESH", 3, text="Refunds\nWe were refunded too little")])
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("invoice", "INVOICE"),
        ("charging", "INVOICE"),
        ("crashed", "CRASH"),
        ("ORD-48213-7", "INVOICE"),
        ("48213", "INVOICE"),
        ("0x80070005", "CRASH"),
        ("err_conn_reset", "CRASH"),
        ("3.12.4", "CRASH"),
        ("cafe grosse", "CAFE"),
        ("not", "CAFE"),
        ("refund", "FRESH"),
    ],
)
def test_words_find_other_forms_numbers_and_codes(shop: VectorStore, query: str, found: str) -> None:
    assert words(shop, query)[:1] == [found]


def test_words_are_searched_within_the_bounds(shop: VectorStore) -> None:
    later = NOON + timedelta(hours=1)
    assert words(shop, "error invoice", since=later) == ["CRASH"]
    assert words(shop, "error invoice", until=later) == ["INVOICE"]
    assert words(shop, "error invoice refund", most=1, until=later) in (["INVOICE"], ["FRESH"])


@pytest.mark.parametrize(
    "query", ["", "   ", "?!", '"', "it's a \"quote", "*", "(", "text:x AND", "🎻" * 300]
)
def test_any_words_are_words_and_no_syntax(shop: VectorStore, query: str) -> None:
    assert isinstance(words(shop, query), list)


def test_what_is_deleted_is_not_found_in_words(shop: VectorStore) -> None:
    shop.delete([key("INVOICE")])
    assert words(shop, "invoice") == []


def test_a_store_that_cannot_be_reached_is_a_transient_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TransientFailure, match="search index"):
        LanceVectorStore(str(tmp_path / "file" / "index")).put([entry()])


def test_a_large_table_gets_an_approximate_index_that_finds_old_and_new(tmp_path: Path) -> None:
    drawn = np.random.default_rng(1).standard_normal((3000, 64)).astype(np.float32)
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    made = [IndexedTicket(key(f"TKT-{at}"), NOON, vector, "") for at, vector in enumerate(vectors)]
    store = LanceVectorStore(str(tmp_path / "index"), approximate_from=2500)
    store.put(made[:2000])
    store.compact()
    assert "vector" not in indexed_columns(tmp_path)
    store.put(made[2000:2900])
    store.compact()
    assert "vector" in indexed_columns(tmp_path)
    store.put(made[2900:])
    for at in (0, 2500, 2950):
        (hit,) = store.nearest(vectors[at], 1)
        assert (hit.enriched_key, hit.score) == (key(f"TKT-{at}"), pytest.approx(1, abs=1e-5))


def indexed_columns(tmp_path: Path) -> set[str]:
    table = lancedb.connect(str(tmp_path / "index")).open_table("tickets")
    return {column for index in table.list_indices() for column in index.columns}
