"""Webhooks of helpdesks: what they deliver becomes raw tickets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.web.intake import Received, receive_payload
from ticketmill.entrypoints.web.parts import API, Parts, WebParts
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.rows import JSON
from ticketmill.entrypoints.web.signatures import BadSignature, Delivery, scheme_of
from ticketmill.importers.sources import SOURCES

Secrets = Mapping[str, tuple[str, ...]]
MIN_SECRET_CHARS = 8

router = APIRouter(prefix=API, tags=["webhooks"])


Source = Annotated[
    str, Path(description="The helpdesk that delivers.", json_schema_extra={"enum": sorted(SOURCES)})
]
PAYLOAD = {
    "required": True,
    "content": {JSON: {"schema": {"description": "What the helpdesk sends."}}},
}


@router.post(
    "/webhooks/{source}", status_code=202, response_model=Received, openapi_extra={"requestBody": PAYLOAD}
)
async def receive_webhook(request: Request, parts: Parts, source: Source) -> Response:
    """Takes in what a helpdesk delivers. The signature is checked over the bytes as they came.

    Old and repeated deliveries are refused. A delivery without a ticket, as a ping, is answered by 202 with
    the reason in `refused`: to send it again would not help.
    """
    body = await request.body()
    url = request.url
    path = f"{url.path}?{url.query}" if url.query else url.path
    host = request.headers.get("host", "")
    delivery = Delivery(
        dict(request.headers), body, [f"{scheme}://{host}{path}" for scheme in ("https", "http")]
    )
    received = await run_in_threadpool(_take_in, parts, source, delivery)
    return Response(received.model_dump_json(), 202, media_type=JSON)


def read_secrets(file: FilePath) -> Secrets:
    """The secrets by source. SetupError where the file is none of secrets."""
    return _read_version(file, _version_of(file))


def _take_in(parts: WebParts, source: str, delivery: Delivery) -> Received:
    secrets = read_secrets(parts.settings.webhook_secrets_file) if parts.settings.webhook_secrets_file else {}
    if source not in SOURCES or source not in secrets:
        raise Problem(
            404,
            "no_such_webhook",
            "there is no webhook of that source",
            "add its secret to the file of TICKETMILL_WEBHOOK_SECRETS_FILE, see docs/http-api.md",
        )
    scheme = scheme_of(source)
    try:
        scheme.verify(delivery, secrets[source], parts.now())
    except BadSignature as refused:
        raise Problem(
            401, "bad_signature", str(refused), "compare the secret and the clock with the helpdesk's"
        ) from None
    replay_ids = scheme.replay_ids(delivery)
    if any(parts.deliveries.is_known(source, each) for each in replay_ids):
        raise Problem(409, "repeated_delivery", "the delivery was taken in before", "do not send it again")
    received = _received(parts, source, delivery.body)
    # afterwards: what could not be stored is sent again, and what is stored twice has the same content
    for each in replay_ids:
        parts.deliveries.note(source, each)
    return received


def _received(parts: WebParts, source: str, body: bytes) -> Received:
    try:
        return receive_payload(parts, body, source)
    except Problem as problem:
        if problem.code != "no_ticket":
            raise
        return Received(tickets=[], refused=problem.more["refused"])


def _version_of(file: FilePath) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError as error:
        raise SetupError(
            f"TICKETMILL_WEBHOOK_SECRETS_FILE: {file} cannot be read: {error.strerror}"
        ) from None
    return found.st_mtime_ns, found.st_ino


@lru_cache(maxsize=4)
def _read_version(file: FilePath, _version: tuple[int, int]) -> Secrets:
    try:
        document: Any = json.loads(file.read_bytes())
        secrets = {
            str(source): (each,) if isinstance(each, str) else tuple(map(str, each))
            for source, each in document.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        raise SetupError(
            f'TICKETMILL_WEBHOOK_SECRETS_FILE: {file} is no JSON object as {{"zendesk": "SECRET"}}'
        ) from None
    unknown = sorted(secrets.keys() - SOURCES.keys())
    if unknown:
        known = ", ".join(sorted(SOURCES))
        raise SetupError(
            f"TICKETMILL_WEBHOOK_SECRETS_FILE: there is no source {unknown[0]}; there are: {known}"
        )
    if any(len(each) < MIN_SECRET_CHARS for group in secrets.values() for each in group):
        raise SetupError(
            f"TICKETMILL_WEBHOOK_SECRETS_FILE: expected secrets of at least {MIN_SECRET_CHARS} characters"
        )
    return secrets
