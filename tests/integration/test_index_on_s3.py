"""The search index on the bucket."""

from __future__ import annotations

import pytest
from vector_store_contract import Connect, VectorStoreContract, entry

from ticketmill.aws.clients import Clients
from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.aws.lance_storage import storage_options
from ticketmill.deploy.stack import Stack
from ticketmill.domain.errors import TransientFailure


@pytest.fixture
def connect(clients: Clients, stack: Stack) -> Connect:
    location, options = f"s3://{stack.enriched_bucket}/index/model-1", storage_options(clients)
    return lambda: LanceVectorStore(location, options, clients.s3)


class TestLanceVectorStoreOnS3(VectorStoreContract):
    """On the enriched bucket of a stack."""


def test_a_bucket_that_is_not_there_is_a_transient_failure(clients: Clients) -> None:
    store = LanceVectorStore("s3://ticketmill-no-such-bucket/index", storage_options(clients), clients.s3)
    with pytest.raises(TransientFailure, match="search index"):
        store.put([entry()])


def test_an_endpoint_that_does_not_answer_is_a_transient_failure(
    clients: Clients, stack: Stack, unused_endpoint: str
) -> None:
    options = {**storage_options(clients), "aws_endpoint": unused_endpoint}
    store = LanceVectorStore(f"s3://{stack.enriched_bucket}/index/model-1", options, clients.s3)
    with pytest.raises(TransientFailure, match="search index"):
        store.count()
