"""The search index in Amazon S3 Vectors, never run against AWS.

The contract runs against moto's copy of the service. That copy knows no QueryVectors: `answer_query` stands
in for it, after AWS's documentation. And moto lets a second CreateIndex replace the first: `create_once` does
not. The other tests have answers that are written from that documentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Lock
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from botocore.session import Session
from botocore.stub import ANY, Stubber
from moto import mock_aws
from vector_store_contract import DIMENSIONS, NOON, Connect, VectorStoreContract, entry, key

from ticketmill.aws.s3_vectors import VERSION, S3VectorStore
from ticketmill.domain.errors import SetupError, TransientFailure

ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/tickets-vectors/index/model-1"
NAMES = {"vectorBucketName": "tickets-vectors", "indexName": "model-1"}


def made_client(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return Session().create_client("s3vectors", region_name="us-east-1")


def meets(metadata: dict[str, Any], bounds: dict[str, Any]) -> bool:
    if "$and" in bounds:
        return all(meets(metadata, each) for each in bounds["$and"])
    ((name, condition),) = bounds.items()
    ((operator, value),) = condition.items()
    found = metadata.get(name)
    if operator == "$exists":
        return bool((found is not None) == value)
    return found is not None and bool(found >= value if operator == "$gte" else found < value)


def answer_query(client: Any, sent: dict[str, Any]) -> dict[str, Any]:
    """What QueryVectors answers, exactly and two results a page."""
    asked = json.loads(sent["body"])
    pages = client.get_paginator("list_vectors").paginate(**NAMES, returnData=True, returnMetadata=True)
    question = np.array(asked["queryVector"]["float32"])
    found = [
        {"key": each["key"], "distance": 1 - float(question @ each["data"]["float32"])}
        for page in pages
        for each in page["vectors"]
        if meets(each["metadata"], asked["filter"])
    ]
    found = sorted(found, key=lambda each: float(each["distance"]))[: asked["topK"]]
    start = int(asked.get("nextToken", 0))
    answer = {"vectors": found[start : start + 2], "distanceMetric": "cosine"}
    return answer if start + 2 >= len(found) else {**answer, "nextToken": str(start + 2)}


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    with mock_aws():
        client, plain, lock = made_client(monkeypatch), made_client(monkeypatch), Lock()
        client.create_vector_bucket(vectorBucketName=NAMES["vectorBucketName"])

        def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
            return SimpleNamespace(status_code=200), answer_query(client, params)

        def create_once(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
            with lock:
                if plain.list_indexes(vectorBucketName=NAMES["vectorBucketName"])["indexes"]:
                    return SimpleNamespace(status_code=409), {"Error": {"Code": "ConflictException"}}
                return SimpleNamespace(status_code=200), plain.create_index(**json.loads(params["body"]))

        client.meta.events.register("before-call.s3vectors.QueryVectors", answer)
        client.meta.events.register("before-call.s3vectors.CreateIndex", create_once)
        yield lambda: S3VectorStore(client, *NAMES.values())


class TestS3VectorStore(VectorStoreContract):
    """Against moto."""


def test_words_are_not_searched(connect: Connect) -> None:
    assert connect().search_text("invoice", 5) is None


def test_a_vector_bucket_that_nobody_made_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        store = S3VectorStore(made_client(monkeypatch), *NAMES.values())
        with pytest.raises(SetupError, match="create-vector-bucket --vector-bucket-name tickets-vectors"):
            store.count()
        with pytest.raises(SetupError, match="create-vector-bucket"):
            store.put([entry()])


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stubber, S3VectorStore]]:
    client = made_client(monkeypatch)
    with Stubber(client) as stubber:
        yield stubber, S3VectorStore(client, *NAMES.values())
        stubber.assert_no_pending_responses()


def test_the_first_put_makes_the_index(stubbed: tuple[Stubber, S3VectorStore]) -> None:
    stubber, store = stubbed
    stubber.add_client_error("put_vectors", "NotFoundException", http_status_code=404)
    about = {
        "vectorBucketName": "tickets-vectors",
        "vectorBucketArn": ARN.partition("/index")[0],
        "creationTime": NOON,
    }
    stubber.add_response("get_vector_bucket", {"vectorBucket": about})
    expected = {"dataType": "float32", "dimension": DIMENSIONS, "distanceMetric": "cosine"}
    kept = {"nonFilterableMetadataKeys": ["text", "written_at"]}
    stubber.add_response(
        "create_index", {"indexArn": ARN}, {**NAMES, **expected, "metadataConfiguration": kept}
    )
    stubber.add_response("put_vectors", {}, {**NAMES, "vectors": ANY})
    store.put([entry(text="Printer\nIt burns")])


def test_a_search_asks_within_its_bounds_and_follows_the_pages(
    stubbed: tuple[Stubber, S3VectorStore],
) -> None:
    stubber, store = stubbed
    bound = {"received_at": {"$gte": NOON.timestamp()}}
    asked = {
        **NAMES,
        "queryVector": {"float32": ANY},
        "topK": 3,
        "filter": {"$and": [{"received_at": {"$exists": True}}, bound]},
        "returnDistance": True,
    }
    first = {"vectors": [{"key": key("TKT-001"), "distance": 0.25}], "distanceMetric": "cosine"}
    last = {"vectors": [{"key": key("TKT-002"), "distance": 0.5}], "distanceMetric": "cosine"}
    stubber.add_response("query_vectors", {**first, "nextToken": "more"}, asked)
    stubber.add_response("query_vectors", last, {**asked, "nextToken": "more"})
    hits = store.nearest(entry().vector, 3, since=NOON)
    assert [(hit.ticket_id, hit.score) for hit in hits] == [("TKT-001", 0.75), ("TKT-002", 0.5)]


@pytest.mark.parametrize(
    ("code", "status", "dependency"),
    [
        ("TooManyRequestsException", 429, "s3vectors"),
        ("ServiceUnavailableException", 503, "s3vectors"),
        ("AccessDeniedException", 403, "s3vectors"),
        ("ValidationException", 400, None),
    ],
)
def test_the_services_errors_are_transient_failures(
    stubbed: tuple[Stubber, S3VectorStore], code: str, status: int, dependency: str | None
) -> None:
    stubber, store = stubbed
    stubber.add_client_error("get_vectors", code, http_status_code=status)
    with pytest.raises(TransientFailure, match=code) as failure:
        store.texts([key("TKT-001")])
    assert failure.value.dependency == dependency


def test_the_version_is_no_entry(connect: Connect) -> None:
    store = connect()
    store.put([entry()])
    assert [each.enriched_key for some in store.scan() for each in some] == [key("TKT-001")]
    assert VERSION not in store.texts([key("TKT-001")])
