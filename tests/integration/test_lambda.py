"""The Lambda function as it is deployed: its archive, and the way from an upload to the row on an emulator.

The emulator runs functions in processes of its own Python, so that the archive is built for that one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Run
from test_flow import wait_until

from ticketmill import bootstrap
from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack, deploy
from ticketmill.settings import load_settings

ROOT = Path(__file__).parents[2]
MAX_UNZIPPED_BYTES = 250 << 20
TICKETS = int(os.environ.get("LAMBDA_TICKETS", "200"))
POISON = 5
STANDARD_LIBRARY = str(Path(os.__file__).parent)

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        "TICKETMILL_TEST_ENDPOINT_URL" in os.environ, reason="only ministack runs functions without Docker"
    ),
]


@pytest.fixture(scope="session")
def archive(bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make lambda-zip` builds."""
    command = [sys.executable, ROOT / "infra" / "lambda_zip.py", "--to", tmp_path_factory.mktemp("archive")]
    environment = {**os.environ, "TICKETMILL_BUNDLE": str(bundle_dir)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture
def stack(clients: Clients, stack_name: str, archive: Path) -> Iterator[Stack]:
    """A stack whose processor is the function."""
    code_bucket = f"{stack_name}-code"
    clients.s3.create_bucket(Bucket=code_bucket)
    clients.s3.put_object(Bucket=code_bucket, Key=archive.name, Body=archive.read_bytes())
    parameters = {
        "Processor": "lambda",
        "CodeBucket": code_bucket,
        "CodeKey": archive.name,
        "LambdaRuntime": f"python{sys.version_info.major}.{sys.version_info.minor}",
        "LambdaMaxConcurrency": "2",
        "MaxReceiveCount": "2",
    }
    yield deploy(clients, stack_name, parameters)
    clients.cloudformation.delete_stack(StackName=stack_name)
    # ministack leaves behind what it unpacked
    for unpacked in Path(tempfile.gettempdir()).glob(f"ministack-lambda-{stack_name}-*"):
        shutil.rmtree(unpacked, ignore_errors=True)


@pytest.fixture
def adapters(stack: Stack, stack_name: str) -> Adapters:
    return bootstrap.connect(load_settings(stack=stack_name))


def put(clients: Clients, stack: Stack, name: str, body: bytes, **more: Any) -> None:
    clients.s3.put_object(Bucket=stack.raw_bucket, Key=f"tickets/{name}.json", Body=body, **more)


def drop_poison(clients: Clients, stack: Stack) -> None:
    """Four tickets that can never succeed, and a later upload of T0 that only its owner's key opens."""
    put(clients, stack, "not-json", b"Dear Sir or Madam")
    put(clients, stack, "list", b'{"ticket_id": "list", "body": []}')
    put(clients, stack, "empty", b'{"ticket_id": "empty", "subject": " ", "body": ""}')
    put(clients, stack, "large", b'{"ticket_id": "large", "body": "' + b"x" * (3 << 20) + b'"}')
    put(clients, stack, "T0", b"{}", SSECustomerAlgorithm="AES256", SSECustomerKey=os.urandom(32))


def ticket(ticket_id: str) -> bytes:
    body = f"I was charged twice for order {ticket_id}. Please refund the second payment."
    return json.dumps({"ticket_id": ticket_id, "subject": "Charged twice", "body": body}).encode()


def test_the_archive_is_small_enough_and_needs_nothing_but_itself(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        assert sum(entry.file_size for entry in packed.infolist()) < MAX_UNZIPPED_BYTES
        names = packed.namelist()
        packed.extractall(tmp_path)
    assert names == sorted(names)
    assert not {name.split("/")[0] for name in names} & {"torch", "typer", "rich", "sklearn", "scipy"}
    code = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ticketmill.entrypoints.lambda_handler import environment
environment()
print(json.dumps([module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)]))
"""
    variables = {f"TICKETMILL_{name}": "x" for name in ("RAW_BUCKET", "ENRICHED_BUCKET", "TABLE")}
    variables |= {f"TICKETMILL_{name}": "http://x/y" for name in ("QUEUE_URL", "DEAD_LETTER_QUEUE_URL")}
    variables |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    # -S: without the packages that are installed here
    command = [sys.executable, "-I", "-S", "-B", "-c", code, tmp_path]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = [name for name in json.loads(done.stdout) if not name.startswith(STANDARD_LIBRARY)]
    assert all(name.startswith(str(tmp_path)) for name in loaded)
    assert any("onnxruntime" in name for name in loaded)


def test_uploads_become_rows_and_poison_is_rejected_or_dead_lettered_with_its_reason(
    clients: Clients, stack: Stack, adapters: Adapters, ticketmill: Run
) -> None:
    good = [f"T{number}" for number in range(TICKETS - POISON)]
    put(clients, stack, "T0", ticket("T0"))
    wait_until(lambda: adapters.rows.get("T0") is not None, timeout_s=60)
    for number, ticket_id in enumerate(good[1:]):
        put(clients, stack, ticket_id, ticket(ticket_id))
        if number == len(good) // 2:
            drop_poison(clients, stack)
    wait_until(lambda: adapters.queue.depths().total == 0, timeout_s=180)

    rows = adapters.rows.get_many([*good, "not-json", "list", "empty", "large"])
    assert Counter(rows[ticket_id].status.value for ticket_id in good) == {"enriched": TICKETS - POISON}
    reasons = {name: row.rejection.code.value for name, row in rows.items() if row.rejection}
    assert reasons == {
        "not-json": "not_json",
        "list": "empty_text",
        "empty": "empty_text",
        "large": "too_large",
    }
    # each was stored once, and its row written once
    pages = clients.s3.get_paginator("list_object_versions").paginate(Bucket=stack.enriched_bucket)
    stored = Counter(version["Key"].split("/")[1] for page in pages for version in page.get("Versions", []))
    assert stored == dict.fromkeys(good, 1)
    assert {rows[ticket_id].revision for ticket_id in good[1:]} == {1}
    letters = [json.loads(line) for line in ticketmill("dlq", "list", "--json").stdout.splitlines()]
    assert [letter["reason"] for letter in letters] == ["InvalidRequest"]
    assert "T0" in json.dumps(letters)
