"""A bare Starlette route that answers with the bytes in BODY, on uvicorn as `serve` sets it up."""

from __future__ import annotations

import os
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BODY = os.environ["BODY"].encode()


async def answer(_request: Request) -> Response:
    """The bytes."""
    return Response(BODY, media_type="application/json")


def main() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(Starlette(routes=[Route("/", answer)]), log_config=None, access_log=False)
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
        listening.listen()
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
