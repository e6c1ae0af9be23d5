"""What a million tickets cost, and what DynamoDB counts an item as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cost import Load, Prices, costs, indexes, measured, table
from item_size import item_bytes

FREE = Prices(*(0.0 for _ in Prices.__dataclass_fields__))


def test_every_index_repeats_a_write() -> None:
    load, prices = Load(row_write_units=2.0, indexes=4), replace(FREE, dynamodb_million_writes=0.5)
    assert costs(load, prices)["DynamoDB: write row and indexes"] == pytest.approx(2 * 5 * 0.5)


def test_the_indexes_are_those_of_the_template() -> None:
    assert indexes() == Load().indexes == 4


def test_idle_time_is_paid_for() -> None:
    load, prices = Load(tickets_per_s_per_core=100, busy=0.5), replace(FREE, fargate_vcpu_hour=0.36)
    assert costs(load, prices)["Fargate: vCPU"] == pytest.approx(1_000_000 / 100 / 0.5 / 3600 * 0.36)


def test_nothing_costs_anything_where_nothing_has_a_price() -> None:
    assert sum(costs(Load(), FREE).values()) == 0


def test_a_measured_run_replaces_what_was_assumed() -> None:
    found = {
        "threads": 2,
        "in_memory_per_s": 80.0,
        "sizes": {"enriched_bytes": 5000.0, "row_bytes": 900.0, "row_write_units": 1.0},
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


def test_the_table_shows_every_input_and_the_sum() -> None:
    printed = table(Load(), Prices())
    assert all(f"| {name} |" in printed for name in (*Load.__slots__, *Prices.__slots__))
    assert f"**{sum(costs(Load(), Prices()).values()):,.2f}**" in printed


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"a": {"S": "ü"}}, 1 + 2),
        ({"ab": {"BOOL": True}}, 2 + 1),
        ({"a": {"NULL": True}}, 1 + 1),
        ({"a": {"N": "1234"}}, 1 + 3),
        ({"a": {"N": "-0.5"}}, 1 + 3),
        ({"a": {"L": [{"S": "xy"}, {"S": "z"}]}}, 1 + 3 + (1 + 2) + (1 + 1)),
        ({"a": {"M": {"b": {"S": "xy"}}}}, 1 + 3 + (1 + 1 + 2)),
    ],
)
def test_an_item_is_as_large_as_dynamodb_says(item: dict[str, Any], size: int) -> None:
    assert item_bytes(item) == size
