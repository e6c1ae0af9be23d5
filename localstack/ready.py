"""Whether LocalStack is ready: the scripts of ready.d have all ended well.

    python3 ready.py       exit code 0 where it is ready, else 1 and the reason on stderr

This is the health check of the container too, where nothing but Python's own library is certain. The port
answers long before the stack stands.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from http.client import HTTPException

TIMEOUT_S = 4.0
READY = "ready"
FAILED = "failed"


def readiness(endpoint_url: str) -> str:
    """`ready`, `failed: <scripts>`, or what it still waits for."""
    try:
        with urllib.request.urlopen(f"{endpoint_url}/_localstack/init/ready", timeout=TIMEOUT_S) as answer:  # noqa: S310
            found = json.load(answer)
    except (OSError, HTTPException, ValueError) as error:
        return f"no answer yet: {error}"
    scripts = {script["name"]: script["state"] for script in found["scripts"]}
    failed = [name for name, state in scripts.items() if state == "ERROR"]
    if failed:
        return f"{FAILED}: {', '.join(failed)}; LocalStack's log says why"
    if not scripts:
        return f"{FAILED}: no script found in ready.d"
    if not found["completed"]:
        return f"waiting for {', '.join(name for name, state in scripts.items() if state != 'SUCCESSFUL')}"
    return READY


def main() -> int:
    state = readiness(os.environ.get("AWS_ENDPOINT_URL") or "http://localhost:4566")
    if state == READY:
        return 0
    print(state, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
