"""What a million tickets cost, and what DynamoDB counts an item as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cost import Load, Prices, costs, measured, read_costs, table, with_rows_of_version_1
from item_size import INDEXES, STORED_ENTRY_BYTES, as_version_1, item_bytes, sizes_of
from test_infra import template

FREE = Prices(*(0.0 for _ in Prices.__dataclass_fields__))


SIZES = {
    "row_bytes": 900.0,
    "row_write_units": 1.0,
    "index_bytes": 400.0,
    "index_write_units": 2.0,
    "by_time_entry_bytes": 200.0,
    "by_status_entry_bytes": 80.0,
    "row_bytes_version_1": 800.0,
    "row_write_units_version_1": 1.0,
    "index_bytes_version_1": 3200.0,
    "index_write_units_version_1": 4.0,
}


def test_the_indexes_are_written_too() -> None:
    load = Load(row_write_units=2.0, index_write_units=3.0)
    prices = replace(FREE, dynamodb_million_writes=0.5)
    assert costs(load, prices)["DynamoDB: write row and indexes"] == pytest.approx((2 + 3) * 0.5)


def test_the_entries_are_those_of_the_indexes_of_the_template() -> None:
    indexes = template("template.yaml")["Resources"]["TicketsTable"]["Properties"]["GlobalSecondaryIndexes"]
    assert {
        index["IndexName"]: {
            "ticket_id",
            *(key["AttributeName"] for key in index["KeySchema"]),
            *index["Projection"].get("NonKeyAttributes", []),
        }
        for index in indexes
    } == {name: set(attributes) for name, attributes in INDEXES.items()}


def test_version_1_repeated_the_whole_row_in_each_index_of_a_label_that_it_had() -> None:
    item = {
        "ticket_id": {"S": "T1"},
        "received_at": {"S": "2026-11-21T09:30:00.000000Z"},
        "status": {"S": "failed"},
        "body": {"S": "x" * 1500},
        "shard": {"S": "7"},
        "status_shard": {"S": "failed#7"},
        "position": {"S": "2026-11-21T09:30:00.000000Z#T1"},
        "facets": {"SS": ["status=failed"]},
    }
    old = as_version_1(item)
    assert old == {
        **{name: item[name] for name in ("ticket_id", "received_at", "status", "body")},
        "status_day": {"S": "failed#2026-11-21"},
    }
    sizes = sizes_of([item])
    assert (sizes["index_write_units"], sizes["index_write_units_version_1"]) == (2, 2)
    assert sizes["index_bytes_version_1"] == sizes["row_bytes_version_1"] + STORED_ENTRY_BYTES


def test_idle_time_is_paid_for() -> None:
    load, prices = Load(tickets_per_s_per_core=100, busy=0.5), replace(FREE, fargate_vcpu_hour=0.36)
    assert costs(load, prices)["Fargate: vCPU"] == pytest.approx(1_000_000 / 100 / 0.5 / 3600 * 0.36)


def test_nothing_costs_anything_where_nothing_has_a_price() -> None:
    assert sum(costs(Load(), FREE).values()) == 0


def test_a_measured_run_replaces_what_was_assumed() -> None:
    found = {
        "threads": 2,
        "in_memory_per_s": 80.0,
        "sizes": {"enriched_bytes": 5000.0, **SIZES},
        "requests_per_ticket": {
            "raw.fetch": 1.0,
            "enriched.put": 1.0,
            "rows.put": 1.0,
            "queue.receive": 0.2,
            "queue.acknowledge": 0.1,
            "queue.is_empty": 0.01,
        },
    }
    load = measured(found, Load())
    assert (load.tickets_per_s_per_core, load.row_write_units, load.receives) == (40.0, 1.0, 0.2)
    assert load.deletes == pytest.approx(0.11)


def test_sizes_of_rows_alone_replace_nothing_else() -> None:
    load = measured({"sizes": SIZES}, Load())
    assert load == replace(
        Load(),
        row_bytes=900.0,
        row_write_units=1.0,
        index_bytes=400.0,
        index_write_units=2.0,
        by_time_entry_bytes=200.0,
        by_status_entry_bytes=80.0,
    )


def test_who_looks_through_an_index_pays_for_the_bytes_of_its_entries() -> None:
    load, prices = Load(by_time_entry_bytes=819.2), replace(FREE, dynamodb_million_reads=0.5)
    assert read_costs(load, prices)["`stats` of a million tickets"] == pytest.approx(0.1 * 0.5)


def test_the_table_shows_every_input_and_the_sum() -> None:
    before = with_rows_of_version_1(Load(), SIZES)
    printed = table(Load(), before, Prices())
    assert all(f"| {name} |" in printed for name in (*Load.__slots__, *Prices.__slots__))
    for load in (Load(), before):
        assert f"**{sum(costs(load, Prices()).values()):,.2f}**" in printed


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"a": {"S": "ü"}}, 1 + 2),
        ({"ab": {"BOOL": True}}, 2 + 1),
        ({"a": {"NULL": True}}, 1 + 1),
        ({"a": {"N": "1234"}}, 1 + 3),
        ({"a": {"N": "-0.5"}}, 1 + 3),
        ({"a": {"SS": ["xy", "z"]}}, 1 + 3 + (1 + 2) + (1 + 1)),
        ({"a": {"L": [{"S": "xy"}, {"S": "z"}]}}, 1 + 3 + (1 + 2) + (1 + 1)),
        ({"a": {"M": {"b": {"S": "xy"}}}}, 1 + 3 + (1 + 1 + 2)),
    ],
)
def test_an_item_is_as_large_as_dynamodb_says(item: dict[str, Any], size: int) -> None:
    assert item_bytes(item) == size
