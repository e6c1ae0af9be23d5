"""The store of learning in a stack: objects on S3, items on DynamoDB."""

from __future__ import annotations

import pytest
from jobs_contract import JobRecordsContract
from learning_contract import LearningItemsContract, LearningObjectsContract, LearningStoreContract

from ticketmill.aws.clients import Clients
from ticketmill.aws.learning_items import DynamoLearningItems
from ticketmill.aws.learning_objects import S3LearningObjects
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack
from ticketmill.domain.errors import TransientFailure
from ticketmill.learning.store import LearningStore


class TestS3LearningObjects(LearningObjectsContract):
    @pytest.fixture
    def objects(self, clients: Clients, stack: Stack) -> S3LearningObjects:
        return S3LearningObjects(clients.s3, stack.enriched_bucket)


class TestDynamoLearningItems(LearningItemsContract):
    @pytest.fixture
    def items(self, clients: Clients, stack: Stack) -> DynamoLearningItems:
        assert stack.learning_table is not None
        return DynamoLearningItems(clients.dynamodb, stack.learning_table)


class TestLearningStoreOfAStack(LearningStoreContract):
    @pytest.fixture
    def store(self, adapters: Adapters) -> LearningStore:
        assert adapters.learning is not None
        return adapters.learning


class TestJobsOfAStack(JobRecordsContract):
    @pytest.fixture
    def store(self, adapters: Adapters) -> LearningStore:
        assert adapters.learning is not None
        return adapters.learning


def test_no_version_of_a_deleted_object_is_left(clients: Clients, stack: Stack) -> None:
    objects = S3LearningObjects(clients.s3, stack.enriched_bucket)
    for body in (b"one", b"two"):
        objects.put("learning/a", body)
    clients.s3.delete_object(Bucket=stack.enriched_bucket, Key="learning/a")
    objects.delete(["learning/a"])
    left = clients.s3.list_object_versions(Bucket=stack.enriched_bucket, Prefix="learning/")
    assert left.get("Versions", []) == left.get("DeleteMarkers", []) == []


def test_failures_of_aws_are_transient_and_name_their_code(clients: Clients) -> None:
    with pytest.raises(TransientFailure, match="reading the learning table: ResourceNotFound"):
        DynamoLearningItems(clients.dynamodb, "no-such-table").latest("rollout")
    with pytest.raises(TransientFailure, match="reading an object of learning from S3: NoSuchBucket"):
        S3LearningObjects(clients.s3, "no-such-bucket").get("learning/a")
