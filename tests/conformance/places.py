"""The places that can be asked: each gives clients, and ends when it is closed."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from ticketmill.deploy import emulator

REGION = "us-east-1"
_CONFIG = Config(connect_timeout=3, read_timeout=30, retries={"total_max_attempts": 1})


class NotAsked(Exception):
    """The place is not set up for the question, which says nothing about what it can do."""


@dataclass(frozen=True)
class Place:
    """A place that answers; `endpoint_url` is None for moto, which answers in this process.

    `without` has the services that it was started without.
    """

    name: str
    version: str
    endpoint_url: str | None
    without: frozenset[str] = frozenset()

    def client(self, service: str) -> Any:
        """A client of one service. Raises NotAsked for one that the place was started without."""
        if service in self.without:
            raise NotAsked(service)
        session = boto3.Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint_url, config=_CONFIG)


@contextmanager
def ministack() -> Iterator[Place]:
    """A ministack of its own, gone in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint_url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as state_dir:
        emulator.start(endpoint_url, Path(state_dir))
        try:
            yield Place("ministack", version("ministack"), endpoint_url)
        finally:
            emulator.stop(endpoint_url, Path(state_dir))


@contextmanager
def moto() -> Iterator[Place]:
    """moto, in this process; endpoints of the environment would lead around it."""
    from moto import mock_aws

    elsewhere = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_ENDPOINT")}
    try:
        with mock_aws():
            # its CloudFormation wants a dozen packages that nothing else here needs
            yield Place("moto", version("moto"), None, without=frozenset({"cloudformation"}))
    finally:
        os.environ.update(elsewhere)


@contextmanager
def localstack(endpoint_url: str) -> Iterator[Place]:
    """The LocalStack that answers at `endpoint_url`; it runs on."""
    with urllib.request.urlopen(f"{endpoint_url}/_localstack/health", timeout=5) as answer:  # noqa: S310
        health = json.load(answer)
    disabled = frozenset(name for name, state in health["services"].items() if state == "disabled")
    yield Place("LocalStack", health["version"], endpoint_url, without=disabled)
