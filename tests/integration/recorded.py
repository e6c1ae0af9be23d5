"""Runs a command of ours and writes down what it asks of AWS: `recorded.py FILE COMMAND…`.

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
from ticketmill.entrypoints.cli import main


def _record(calls: TextIO, params: dict[str, Any], model: Any, **_: Any) -> None:
    if model.name == "HeadBucket":  # answered before it is sent: how a bucket's address is found
        return
    known = {name: value for name, value in params.items() if name not in ("Body", "Item")}
    call = (model.service_model.service_name, model.name, known)
    calls.write(json.dumps(call, default=str) + "\n")


if __name__ == "__main__":
    path, *sys.argv[1:] = sys.argv[1:]
    with Path(path).open("a", encoding="utf-8", buffering=1) as opened:

        def record_calls(session: Session) -> None:
            session.register("provide-client-params.*.*", partial(_record, opened))

        botocore.register_initializer(record_calls)
        # obstore asks for the same rights; where it gives up, botocore is asked, whose calls can be recorded
        ObjectStore.get = lambda *_: None  # type: ignore[method-assign]
        ObjectStore.put = lambda *_: False  # type: ignore[method-assign]
        main()
