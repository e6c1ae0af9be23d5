"""What the API costs beside what it stands on, in one run on an emulator of its own.

    python tests/benchmarks/api.py [--rows N] [--requests N]

list      GET /tickets of 50 rows among many, beside the same queries of DynamoDB by botocore alone
enrich    POST /enrich of one ticket, beside the encoder's own time for the same text
requests  GET /tickets of 50 rows, beside a bare Starlette route that gives the same bytes: requests in a
          second of the server's own CPU time, so that what else the machine does counts little

The first two are measured in turns, without kept answers; the last with the settings' own defaults.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from local_place import fresh_place, local_emulator
from report import markdown

from ticketmill import bootstrap
from ticketmill.aws.clients import Clients
from ticketmill.aws.dynamodb import item_of
from ticketmill.aws.ticket_index import BY_TIME
from ticketmill.bootstrap import Adapters
from ticketmill.domain.keys import SHARDS, utc_text
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
from ticketmill.settings import load_settings

TICKETMILL = Path(sys.executable).with_name("ticketmill")
LIST = "/api/v1/tickets?since=30d&limit=50"
WRITES_AT_ONCE = 8
MOST_IN_A_WRITE = 25
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20, method="inclusive")[-1]


def row_of(number: int, now: datetime) -> TicketRow:
    """A row of usual size, a second older than the one before."""
    at = now - timedelta(seconds=number)
    ticket_id = f"T{number:06}"
    raw = RawVersion(
        bucket="raw", key=f"tickets/{ticket_id}.json", version_id="v", etag="e" * 32, last_modified=at
    )
    return TicketRow(
        ticket_id=ticket_id,
        status=Status.ENRICHED,
        raw=raw,
        content_hash="0f" * 16,
        enriched_key=f"tickets/{ticket_id}/k.json",
        subject="The invoice of March was charged twice",
        customer_id=f"C-{number % 500}",
        intent="payment_issue",
        intent_confidence=0.91,
        intent_source=Source.HEAD,
        urgency=list(Urgency)[number % 4],
        urgency_confidence=0.77,
        urgency_source=Source.HEAD,
        sentiment=list(Sentiment)[number % 3],
        sentiment_confidence=0.66,
        sentiment_source=Source.HEAD,
        summary="The customer was charged twice and asks for a refund of the second payment.",
        summary_display="The customer was charged twice and asks for a refund.",
        summary_source=Source.EXTRACTIVE,
        language="en",
        models=dict.fromkeys(("intent", "urgency", "sentiment", "topics", "summary"), "onepass"),
        fingerprint="0123456789ab",
        processed_at=at,
    )


def fill(clients: Clients, table: str, rows: int) -> None:
    """Writes so many rows into the table, as a worker would have."""
    now = datetime.now(UTC)

    def write(start: int) -> None:
        numbers = range(start, min(start + MOST_IN_A_WRITE, rows))
        puts: Any = [{"PutRequest": {"Item": item_of(row_of(number, now))}} for number in numbers]
        while puts:
            answer: Any = clients.dynamodb.batch_write_item(RequestItems={table: puts})
            puts = answer.get("UnprocessedItems", {}).get(table, [])

    with ThreadPoolExecutor(WRITES_AT_ONCE) as pool:
        list(pool.map(write, range(0, rows, MOST_IN_A_WRITE)))


def bare_queries(clients: Clients, table: str) -> Callable[[], None]:
    """The requests that a page of 50 needs, by botocore alone: the shards side by side, then the rows."""
    pool = ThreadPoolExecutor(len(SHARDS))
    since = utc_text(datetime.now(UTC) - timedelta(days=30))

    def query(shard: str) -> list[Any]:
        answer = clients.dynamodb.query(
            TableName=table,
            IndexName=BY_TIME,
            KeyConditionExpression="#shard = :shard AND #position >= :since",
            ExpressionAttributeNames={"#shard": "shard", "#position": "position"},
            ExpressionAttributeValues={":shard": {"S": shard}, ":since": {"S": since}},
            ScanIndexForward=False,
            Limit=14,
        )
        return answer["Items"]

    def page() -> None:
        found = [item for items in pool.map(query, SHARDS) for item in items]
        found.sort(key=lambda item: str(item["position"]["S"]), reverse=True)
        keys: Any = [{"ticket_id": item["ticket_id"]} for item in found[:50]]
        rows = clients.dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
        assert len(rows["Responses"][table]) == 50

    return page


class Server:
    """A server in a process of its own, and one connection to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        for line in process.stderr or ():
            if found := re.search(r"http://([\w.]+):(\d+)", line):
                break
        else:
            raise SystemExit("the server did not start")
        self.connection = http.client.HTTPConnection(found[1], int(found[2]), timeout=60)

    def request(self, method: str, path: str, body: str | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body else {}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]!r}")
        return content

    def cpu_s(self) -> float:
        """CPU time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def requests_per_cpu_s(self, path: str, requests: int) -> float:
        """Requests in a second of the server's CPU time."""
        for _ in range(50):
            self.request("GET", path)
        before = self.cpu_s()
        for _ in range(requests):
            self.request("GET", path)
        return requests / (self.cpu_s() - before)


@contextmanager
def server(command: Sequence[str | Path], **variables: str) -> Iterator[Server]:
    process = subprocess.Popen(command, env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True)
    try:
        yield Server(process)
    finally:
        process.kill()
        process.communicate()


def serve(**variables: str) -> Any:
    usual = {"TICKETMILL_WEB_REQUESTS_PER_MINUTE": "10000000", "TICKETMILL_LOG_FORMAT": "text"}
    return server([TICKETMILL, "serve", "--port", "0"], **usual, **variables)


def timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def measure_list(clients: Clients, adapters: Adapters, requests: int) -> tuple[list[float], list[float]]:
    """Seconds of lists and of bare queries, in turns."""
    bare = bare_queries(clients, adapters.stack.table)
    with serve(TICKETMILL_WEB_LIST_KEPT_S="0") as api:

        def listed() -> None:
            # the bare queries may take longer than the server keeps a silent connection
            api.connection.close()
            api.request("GET", LIST)

        for _ in range(2):
            listed()
            bare()
        pairs = [(timed(listed), timed(bare)) for _ in range(requests)]
    return [each for each, _ in pairs], [each for _, each in pairs]


def measure_enrich(requests: int) -> tuple[list[float], list[float]]:
    """Seconds of requests for one ticket and of the encoder for its text, in turns."""
    corpus = read_corpus(PLAIN_TICKETS)[: requests + 5]
    encoder = bootstrap.load_enricher(load_settings(encode_cache_bytes=0)).encoder
    told, encoded = [], []
    with serve(TICKETMILL_ENCODE_CACHE_BYTES="0") as api:
        while b'"loaded":true' not in api.request("GET", "/api/v1/admin/ml-status"):
            time.sleep(0.2)
        for number, ticket in enumerate(corpus):
            raw = {"ticket_id": f"T{number}", "subject": ticket.subject, "body": ticket.body}
            body = json.dumps({"tickets": [raw]})
            text = f"{ticket.subject}\n{ticket.body}"
            told.append(timed(lambda body=body: api.request("POST", "/api/v1/enrich", body)))  # type: ignore[misc]
            encoded.append(timed(lambda text=text: encoder.encode([text])))  # type: ignore[misc]
    return told[5:], encoded[5:]


def measure_requests(requests: int) -> dict[str, float]:
    """Requests in a second of CPU time: of the API, of it without kept answers, of the bare route."""
    found = {}
    with serve() as api:
        body = api.request("GET", LIST)
        found["api"] = api.requests_per_cpu_s(LIST, requests)
    with serve(TICKETMILL_WEB_LIST_KEPT_S="0") as api:
        found["unkept"] = api.requests_per_cpu_s(LIST, max(requests // 20, 10))
    with server([sys.executable, Path(__file__).with_name("bare_route.py")], BODY=body.decode()) as bare:
        assert bare.request("GET", "/") == body
        found["bare"] = bare.requests_per_cpu_s("/", requests)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=100)
    arguments = parser.parse_args()
    with local_emulator() as clients:
        os.environ["TICKETMILL_STACK"], adapters = fresh_place(clients)
        seconds = timed(lambda: fill(clients, adapters.stack.table, arguments.rows))
        print(f"{arguments.rows} rows in {seconds:.0f} s", file=sys.stderr)
        listed, bare = measure_list(clients, adapters, arguments.requests)
        enriched, encoded = measure_enrich(arguments.requests)
        per_cpu_s = measure_requests(arguments.requests * 20)
    more_ms = (p95(enriched) - p95(encoded)) * 1000
    rows = [
        (
            f"list of 50 among {arguments.rows:,} rows, p95",
            f"{p95(listed) * 1000:.0f} ms",
            f"bare queries {p95(bare) * 1000:.0f} ms",
            f"{p95(listed) / p95(bare):.2f} times (medians {median(listed) / median(bare):.2f})",
            "at most 1.5",
        ),
        (
            "enrich one ticket, p95",
            f"{p95(enriched) * 1000:.0f} ms",
            f"encoder {p95(encoded) * 1000:.0f} ms",
            f"{more_ms:.0f} ms more",
            "under 60 ms",
        ),
        (
            "list of 50, requests a CPU second",
            f"{per_cpu_s['api']:.0f}",
            f"bare route {per_cpu_s['bare']:.0f}",
            f"{per_cpu_s['api'] / per_cpu_s['bare']:.2f} of it",
            "at least 0.33",
        ),
        (
            "the same without kept answers",
            f"{per_cpu_s['unkept']:.0f}",
            f"bare route {per_cpu_s['bare']:.0f}",
            f"{per_cpu_s['unkept'] / per_cpu_s['bare']:.3f} of it",
            "",
        ),
    ]
    print(markdown(("what", "API", "beside", "ratio", "target"), rows))


if __name__ == "__main__":
    main()
