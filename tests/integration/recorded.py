"""Runs commands of ours and writes down what they ask of AWS: `recorded.py FILE`, the commands on stdin.

The commands are a JSON list of lists of arguments. The first that fails ends the process.

Each line of FILE is one call: the service, the operation and its parameters.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import botocore
from botocore.session import Session

from ticketmill.aws.object_store import ObjectStore
from ticketmill.entrypoints.cli import run


def _record(calls: TextIO, params: dict[str, Any], model: Any, **_: Any) -> None:
    if model.name == "HeadBucket":  # answered before it is sent: how a bucket's address is found
        return
    known = {name: value for name, value in params.items() if name != "Body"}
    call = (model.service_model.service_name, model.name, known)
    calls.write(json.dumps(call, default=str) + "\n")


def _record_signed(calls: TextIO, request: Any, operation_name: str, **_: Any) -> None:
    """A call of Celery's own HTTP client, which asks botocore for the signature alone, without a context."""
    if not request.context:
        calls.write(json.dumps(("sqs", operation_name, json.loads(request.data))) + "\n")


if __name__ == "__main__":
    with Path(sys.argv[1]).open("a", encoding="utf-8", buffering=1) as opened:

        def record_calls(session: Session) -> None:
            session.register("provide-client-params.*.*", partial(_record, opened))
            session.register("before-sign.sqs.*", partial(_record_signed, opened))

        botocore.register_initializer(record_calls)
        # obstore asks for the same rights; where it gives up, botocore is asked, whose calls can be recorded
        ObjectStore.get = lambda *_: None  # type: ignore[method-assign]
        ObjectStore.put = lambda *_: False  # type: ignore[method-assign]
        for command in json.load(sys.stdin):
            if code := run(command):
                sys.exit(f"{command} ended with {code}")
