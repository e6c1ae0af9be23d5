"""What a million tickets cost at AWS's list prices, from inputs that are all told.

    python tests/benchmarks/cost.py [--json] [--measured FILE] [--INPUT VALUE …]

FILE is what tests/benchmarks/pipeline.py --json printed: speed, sizes and requests are then taken from it; or
what tests/benchmarks/row_sizes.py printed, for the sizes of the rows alone. The costs are told twice: of
today, and with the four indexes of version 1, each of which repeated every row. Every input and price can
be given; `--help` lists them. The prices are those of us-east-1 as known in 2025, without the free tier: look
them up before you rely on a sum.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from report import markdown

MILLION = 1_000_000
GB = 1_000_000_000
SQS_BATCH = 10
QUERIED_BYTES = 8192
"""Of an index, for one read unit: it is read with eventual consistency."""

ROW_SIZES = (
    "row_bytes",
    "row_write_units",
    "index_bytes",
    "index_write_units",
    "by_time_entry_bytes",
    "by_status_entry_bytes",
)
CORPUS_SIZES = {
    "row_bytes": 1568.0,
    "row_write_units": 2.0,
    "index_bytes": 469.3,
    "index_write_units": 2.0,
    "by_time_entry_bytes": 187.9,
    "by_status_entry_bytes": 81.4,
    "row_bytes_version_1": 1496.5,
    "row_write_units_version_1": 2.0,
    "index_bytes_version_1": 6385.9,
    "index_write_units_version_1": 8.0,
}
"""What tests/benchmarks/row_sizes.py prints."""


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars, us-east-1, list prices as known in 2025."""

    s3_million_puts: float = 5.00
    s3_million_gets: float = 0.40
    s3_gb_month: float = 0.023
    sqs_million_requests: float = 0.40
    dynamodb_million_writes: float = 0.625
    dynamodb_million_reads: float = 0.125
    dynamodb_gb_month: float = 0.25
    dynamodb_backup_gb_month: float = 0.20
    fargate_vcpu_hour: float = 0.04048
    fargate_gb_hour: float = 0.004445


@dataclass(frozen=True, slots=True)
class Load:
    """What one ticket asks of each service. The defaults are those of the shipped corpus."""

    tickets_per_s_per_core: float = 40.0
    busy: float = 0.7  # share of the paid time that a worker has work
    gb_per_vcpu: float = 2.0  # the least that Fargate gives with a vCPU
    raw_bytes: float = 474.0
    enriched_bytes: float = 6230.0
    row_bytes: float = CORPUS_SIZES["row_bytes"]
    row_write_units: float = CORPUS_SIZES["row_write_units"]
    index_bytes: float = CORPUS_SIZES["index_bytes"]  # of all indexes together
    index_write_units: float = CORPUS_SIZES["index_write_units"]
    by_time_entry_bytes: float = CORPUS_SIZES["by_time_entry_bytes"]
    by_status_entry_bytes: float = CORPUS_SIZES["by_status_entry_bytes"]
    rows_read: float = 1.0  # before the model runs: is this ticket known?
    raw_gets: float = 1.0
    enriched_puts: float = 1.0
    receives: float = 1 / SQS_BATCH
    deletes: float = 1 / SQS_BATCH


def costs(load: Load, prices: Prices) -> dict[str, float]:
    """Dollars for a million tickets, by what they are paid for; the last two for a month of keeping them."""
    vcpu_hours = MILLION / load.tickets_per_s_per_core / load.busy / 3600
    writes = load.row_write_units + load.index_write_units
    table_gb = MILLION * (load.row_bytes + load.index_bytes) / GB
    row_gb = MILLION * load.row_bytes / GB
    return {
        "S3: put raw ticket and enrichment": (1 + load.enriched_puts) * prices.s3_million_puts,
        "S3: get raw ticket": load.raw_gets * prices.s3_million_gets,
        # S3 pays nothing to SQS: the event's SendMessage is on the queue's bill
        "SQS: event, receive, delete": (1 + load.receives + load.deletes) * prices.sqs_million_requests,
        "DynamoDB: write row and indexes": writes * prices.dynamodb_million_writes,
        "DynamoDB: read row": load.rows_read * prices.dynamodb_million_reads,
        "Fargate: vCPU": vcpu_hours * prices.fargate_vcpu_hour,
        "Fargate: memory": vcpu_hours * load.gb_per_vcpu * prices.fargate_gb_hour,
        "kept a month in S3": MILLION * (load.raw_bytes + load.enriched_bytes) / GB * prices.s3_gb_month,
        "kept a month in DynamoDB, with its backup": table_gb * prices.dynamodb_gb_month
        + row_gb * prices.dynamodb_backup_gb_month,
    }


def read_costs(load: Load, prices: Prices) -> dict[str, float]:
    """Dollars for looking through a million entries of an index."""

    def million_of(entry_bytes: float) -> float:
        return entry_bytes / QUERIED_BYTES * prices.dynamodb_million_reads

    return {
        "`stats` of a million tickets": million_of(load.by_time_entry_bytes),
        "`status` of a million tickets": million_of(load.by_status_entry_bytes),
    }


def measured(found: dict[str, Any], load: Load) -> Load:
    """`load` with what a run of pipeline.py or row_sizes.py found.

    In memory no emulator takes a part of the cores.
    """
    sizes = found["sizes"]
    load = replace(load, **{name: sizes[name] for name in ROW_SIZES})
    if "requests_per_ticket" not in found:
        return load
    requests = found["requests_per_ticket"]
    return replace(
        load,
        tickets_per_s_per_core=found["in_memory_per_s"] / found["threads"],
        enriched_bytes=sizes["enriched_bytes"],
        row_write_units=sizes["row_write_units"] * requests["rows.put"],
        index_write_units=sizes["index_write_units"] * requests["rows.put"],
        raw_gets=requests["raw.fetch"] + requests.get("raw.is_current", 0.0),
        enriched_puts=requests["enriched.put"],
        receives=requests["queue.receive"],
        # and whatever else the worker asks of the queue, as to keep what it has in hand
        deletes=sum(
            count for name, count in requests.items() if name.startswith("queue.") and name != "queue.receive"
        ),
    )


def with_rows_of_version_1(load: Load, sizes: dict[str, float]) -> Load:
    """`load` with the rows and indexes of version 1, as they were measured with those of today."""
    row_bytes = sizes["row_bytes_version_1"]
    return replace(
        load,
        row_bytes=row_bytes,
        row_write_units=sizes["row_write_units_version_1"],
        index_bytes=sizes["index_bytes_version_1"],
        index_write_units=sizes["index_write_units_version_1"],
        by_time_entry_bytes=row_bytes,
        by_status_entry_bytes=row_bytes,
    )


def table(load: Load, version_1: Load, prices: Prices) -> str:
    """Inputs and costs as Markdown."""
    prior = asdict(version_1)
    inputs = [(name, f"{value:,.5g}", f"{prior[name]:,.5g}") for name, value in asdict(load).items()]
    inputs += [(name, f"{value:,.5g}", f"{value:,.5g}") for name, value in asdict(prices).items()]
    today, before = costs(load, prices), costs(version_1, prices)
    rows = [(name, f"{dollars:,.2f}", f"{before[name]:,.2f}") for name, dollars in today.items()]
    rows.append(("**sum**", f"**{sum(today.values()):,.2f}**", f"**{sum(before.values()):,.2f}**"))
    read_before = read_costs(version_1, prices)
    reads = [
        (name, f"{dollars:,.4f}", f"{read_before[name]:,.4f}")
        for name, dollars in read_costs(load, prices).items()
    ]
    return "\n\n".join(
        [
            markdown(("input", "today", "version 1"), inputs),
            markdown(("a million tickets", "USD today", "USD version 1"), rows),
            markdown(("one look", "USD today", "USD version 1"), reads),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measured", type=Path, help="what pipeline.py --json printed")
    defaults = {**asdict(Load()), **asdict(Prices())}
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), help=f"default {value:g}")
    arguments = vars(parser.parse_args())
    load, sizes = Load(), CORPUS_SIZES
    if arguments["measured"]:
        found = json.loads(arguments["measured"].read_text())
        load, sizes = measured(found, load), found["sizes"]
    given = {name: arguments[name] for name in defaults if arguments[name] is not None}
    ours = {each.name for each in fields(Load)}
    load = replace(load, **{name: value for name, value in given.items() if name in ours})
    prices = replace(Prices(), **{name: value for name, value in given.items() if name not in ours})
    version_1 = with_rows_of_version_1(load, sizes)
    if arguments["json"]:
        told = {"usd": costs(load, prices), "usd_version_1": costs(version_1, prices)}
        print(json.dumps({"inputs": {**asdict(load), **asdict(prices)}, **told}))
    else:
        print(table(load, version_1, prices))


if __name__ == "__main__":
    main()
