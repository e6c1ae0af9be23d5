"""What a ticket's requests cost in CPU time, through botocore and through obstore, on an emulator of its own.

    python tests/benchmarks/request_cost.py [--requests N] [--threads N] [--rounds N]

Each round makes so many requests of each kind by so many threads, and counts the CPU time of this process. It
prints the median and the least of the rounds: what else the machine does only makes requests dearer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from local_place import fresh_place, local_emulator
from report import markdown

from ticketmill.aws.clients import Clients
from ticketmill.aws.object_store import JSON, ObjectStore
from ticketmill.deploy.stack import Stack

TICKET = b"x" * 600
ENRICHMENT = b"x" * 6400  # about the mean of docs/capacity.md
ATTRIBUTES = {f"attribute_{number}": {"S": "of 24 characters, so long"} for number in range(30)}
WARM_UP = 32

Request = Callable[[int], object]


def requests_of(clients: Clients, stack: Stack) -> dict[str, Request]:
    """The requests by name; each takes a number that makes its key."""
    raw = ObjectStore(clients.s3, clients.session, stack.raw_bucket)
    enriched = ObjectStore(clients.s3, clients.session, stack.enriched_bucket)
    clients.s3.put_object(Bucket=stack.raw_bucket, Key="cost.json", Body=TICKET)

    def get_by_botocore(_: int) -> object:
        return clients.s3.get_object(Bucket=stack.raw_bucket, Key="cost.json")["Body"].read()

    def put_by_botocore(number: int) -> object:
        key = f"cost/{number}.json"
        return clients.s3.put_object(Bucket=stack.enriched_bucket, Key=key, Body=ENRICHMENT, ContentType=JSON)

    def put_row(number: int) -> object:
        item = {"ticket_id": {"S": f"cost-{number}"}, **ATTRIBUTES}
        condition = "attribute_not_exists(ticket_id) OR ticket_id <> :none"
        return clients.dynamodb.put_item(
            TableName=stack.table,
            Item=item,
            ConditionExpression=condition,
            ExpressionAttributeValues={":none": {"S": "-"}},
        )

    def get_by_obstore(_: int) -> object:
        return _answered(raw.get("cost.json", 10_000))

    def put_by_obstore(number: int) -> object:
        return _answered(enriched.put(f"cost/{number}.json", ENRICHMENT))

    return {
        "S3 get, botocore": get_by_botocore,
        "S3 get, obstore": get_by_obstore,
        "S3 put, botocore": put_by_botocore,
        "S3 put, obstore": put_by_obstore,
        "DynamoDB put, botocore": put_row,
    }


def _answered(answer: object) -> object:
    if not answer:
        raise SystemExit("obstore did not answer; a worker would ask botocore")
    return answer


def cpu_ms(pool: ThreadPoolExecutor, request: Request, count: int) -> float:
    """CPU time of a request, in milliseconds of one core."""
    list(pool.map(request, range(WARM_UP)))
    started = time.process_time()
    list(pool.map(request, range(count)))
    return (time.process_time() - started) / count * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=300, help="of each kind in a round")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with local_emulator() as clients, ThreadPoolExecutor(arguments.threads) as pool:
        _, adapters = fresh_place(clients)
        requests = requests_of(clients, adapters.stack)
        rounds = [
            {name: cpu_ms(pool, request, arguments.requests) for name, request in requests.items()}
            for _ in range(arguments.rounds)
        ]
    rows = []
    for name in requests:
        found = [each[name] for each in rounds]
        rows.append((name, f"{median(found):.2f} ms", f"{min(found):.2f} ms"))
    print(markdown(("request", "CPU time, median", "least"), rows))


if __name__ == "__main__":
    main()
