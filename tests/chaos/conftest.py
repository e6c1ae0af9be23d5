"""Where chaos runs: a fresh ministack for each test, and a stack in it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ticketmill.aws.clients import Clients, connect
from ticketmill.deploy import emulator as ministack
from ticketmill.deploy.stack import Stack, deploy

STACK = "chaos"
_PLACE = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def endpoint_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The emulator's own address, past any proxy."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    for name in list(os.environ):
        if name.startswith("AWS_"):  # a developer's own profile or endpoints
            monkeypatch.delenv(name)
    for name, value in {**_PLACE, "AWS_ENDPOINT_URL": url}.items():
        monkeypatch.setenv(name, value)
    ministack.start(url, tmp_path)
    yield url
    ministack.stop(url, tmp_path)


@pytest.fixture
def clients(endpoint_url: str) -> Iterator[Clients]:
    made = connect()
    yield made
    for client in (made.s3, made.sqs, made.dynamodb, made.cloudformation):
        client.close()


@pytest.fixture
def stack(clients: Clients) -> Stack:
    return deploy(clients, STACK)


@pytest.fixture
def environment(bundle_dir: Path) -> dict[str, str]:
    """What workers need to know of the place."""
    return {"TICKETMILL_STACK": STACK, "TICKETMILL_BUNDLE": str(bundle_dir)}
