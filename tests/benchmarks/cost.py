"""What a million tickets cost at AWS's list prices, from inputs that are all told.

    python tests/benchmarks/cost.py [--json] [--measured FILE] [--INPUT VALUE …]

FILE is what tests/benchmarks/pipeline.py --json printed: speed, sizes and requests are then taken from it.
Every input and every price can be given; `--help` lists them. The prices are those of us-east-1 as known in
2025, without the free tier: look them up before you rely on a sum.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from report import markdown

from ticketmill.deploy.stack import template_body

MILLION = 1_000_000
GB = 1_000_000_000
SQS_BATCH = 10


def indexes() -> int:
    """How many indexes of the table every write of a row is repeated in."""
    return template_body().count("- IndexName:")


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
    row_bytes: float = 1421.0
    row_write_units: float = 2.0
    indexes: int = 4
    rows_read: float = 1.0  # before the model runs: is this ticket known?
    raw_gets: float = 1.0
    enriched_puts: float = 1.0
    receives: float = 1 / SQS_BATCH
    deletes: float = 1 / SQS_BATCH


def costs(load: Load, prices: Prices) -> dict[str, float]:
    """Dollars for a million tickets, by what they are paid for; the last two for a month of keeping them."""
    vcpu_hours = MILLION / load.tickets_per_s_per_core / load.busy / 3600
    writes = load.row_write_units * (1 + load.indexes)
    table_gb = MILLION * load.row_bytes * (1 + load.indexes) / GB
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


def measured(found: dict[str, Any], load: Load) -> Load:
    """`load` with what a run of pipeline.py found. In memory no emulator takes a part of the cores."""
    requests, sizes = found["requests_per_ticket"], found["sizes"]
    return replace(
        load,
        tickets_per_s_per_core=found["in_memory_per_s"] / found["threads"],
        enriched_bytes=sizes["enriched_bytes"],
        row_bytes=sizes["row_bytes"],
        row_write_units=sizes["row_write_units"] * requests["rows.put"],
        raw_gets=requests["raw.fetch"] + requests.get("raw.is_current", 0.0),
        enriched_puts=requests["enriched.put"],
        receives=requests["queue.receive"],
        # and whatever else the worker asks of the queue, as to keep what it has in hand
        deletes=sum(
            count for name, count in requests.items() if name.startswith("queue.") and name != "queue.receive"
        ),
    )


def table(load: Load, prices: Prices) -> str:
    """Inputs and costs as Markdown."""
    inputs = [(name, f"{value:,.5g}") for name, value in {**asdict(load), **asdict(prices)}.items()]
    found = costs(load, prices)
    rows = [(name, f"{dollars:,.2f}") for name, dollars in found.items()]
    rows.append(("**sum**", f"**{sum(found.values()):,.2f}**"))
    return "\n\n".join([markdown(("input", "value"), inputs), markdown(("a million tickets", "USD"), rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measured", type=Path, help="what pipeline.py --json printed")
    defaults = {**asdict(Load(indexes=indexes())), **asdict(Prices())}
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), help=f"default {value:g}")
    arguments = vars(parser.parse_args())
    load = Load(indexes=indexes())
    if arguments["measured"]:
        load = measured(json.loads(arguments["measured"].read_text()), load)
    given = {name: arguments[name] for name in defaults if arguments[name] is not None}
    ours = {each.name for each in fields(Load)}
    load = replace(load, **{name: value for name, value in given.items() if name in ours})
    prices = replace(Prices(), **{name: value for name, value in given.items() if name not in ours})
    if arguments["json"]:
        print(json.dumps({"inputs": {**asdict(load), **asdict(prices)}, "usd": costs(load, prices)}))
    else:
        print(table(load, prices))


if __name__ == "__main__":
    main()
