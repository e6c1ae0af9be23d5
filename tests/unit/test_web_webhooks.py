"""Webhooks: signatures over the raw bytes, old and repeated deliveries, and what becomes of the rest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from web_parts import NOON, WebWorld

from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.signatures import SCHEMES, SECRET_HEADER
from ticketmill.entrypoints.web.webhooks import read_secrets

BASE = "http://127.0.0.1:8080"
SECRET = "a-shared-secret"
FIXTURES = Path(__file__).parents[1] / "fixtures" / "vendor"
PAYLOADS = {
    "zendesk": "zendesk_event_webhook.json",
    "intercom": "intercom_conversation.json",
    "github": "github_issue.json",
    "jira": "jira_issue_created_webhook.json",
    "hubspot": "hubspot_ticket.json",
    "helpscout": "helpscout_conversation.json",
    "zammad": "zammad_trigger_webhook.json",
    "freshdesk": "freshdesk_ticket.json",
}
Headers = dict[str, str]


def mac(message: bytes, digest: str, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), message, getattr(hashlib, digest)).digest()


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def zendesk(body: bytes, secret: str = SECRET, at: Any = NOON) -> Headers:
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "X-Zendesk-Webhook-Signature": b64(mac(moment.encode() + body, "sha256", secret)),
        "X-Zendesk-Webhook-Signature-Timestamp": moment,
    }


def hubspot(body: bytes, secret: str = SECRET, at: Any = NOON) -> Headers:
    ms = str(int(at.timestamp() * 1000))
    url = "https://127.0.0.1:8080/api/v1/webhooks/hubspot"
    signed = b"POST" + url.encode() + body + ms.encode()
    return {
        "X-HubSpot-Signature-v3": b64(mac(signed, "sha256", secret)),
        "X-HubSpot-Request-Timestamp": ms,
    }


SIGNERS: dict[str, Callable[..., Headers]] = {
    "zendesk": zendesk,
    "hubspot": hubspot,
    "intercom": lambda body, secret=SECRET: {"X-Hub-Signature": f"sha1={mac(body, 'sha1', secret).hex()}"},
    "github": lambda body, secret=SECRET: {
        "X-Hub-Signature-256": f"sha256={mac(body, 'sha256', secret).hex()}",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    },
    "jira": lambda body, secret=SECRET: {"X-Hub-Signature": f"sha256={mac(body, 'sha256', secret).hex()}"},
    "helpscout": lambda body, secret=SECRET: {"X-HelpScout-Signature": b64(mac(body, "sha1", secret))},
    "zammad": lambda body, secret=SECRET: {"X-Hub-Signature": f"sha1={mac(body, 'sha1', secret).hex()}"},
    "freshdesk": lambda _body, secret=SECRET: {SECRET_HEADER: secret},
}
SIGNED = sorted(SIGNERS)


@pytest.fixture
def world() -> WebWorld:
    return WebWorld()


@pytest.fixture
def client(world: WebWorld, tmp_path: Path) -> TestClient:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(dict.fromkeys(SIGNED, SECRET) | {"jira": ["an-older-one", SECRET]}))
    return TestClient(make_app(world.parts(webhook_secrets_file=file)), base_url=BASE)


def payload(source: str) -> bytes:
    return (FIXTURES / PAYLOADS[source]).read_bytes()


def deliver(client: TestClient, source: str, body: bytes, headers: Headers) -> Any:
    return client.post(f"/api/v1/webhooks/{source}", content=body, headers=headers)


@pytest.mark.parametrize("source", SIGNED)
def test_a_signed_delivery_becomes_a_raw_ticket(client: TestClient, world: WebWorld, source: str) -> None:
    body = payload(source)
    answer = deliver(client, source, body, SIGNERS[source](body))
    assert answer.status_code == 202, answer.text
    (ticket,) = answer.json()["tickets"]
    assert ticket["ticket_id"].startswith(f"{source}-")
    assert list(world.raw.objects) == [ticket["key"]]


@pytest.mark.parametrize("source", SIGNED)
def test_another_secret_another_body_or_no_signature_is_refused(
    client: TestClient, world: WebWorld, source: str
) -> None:
    body = payload(source)
    forged = [(body, SIGNERS[source](body, "another-secret")), (body, {})]
    if source in SCHEMES:
        forged.append((body + b" ", SIGNERS[source](body)))
    for content, headers in forged:
        answer = deliver(client, source, content, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert world.raw.objects == {}


@pytest.mark.parametrize("source", sorted(SCHEMES))
def test_a_repeated_delivery_is_refused(client: TestClient, source: str) -> None:
    body = payload(source)
    headers = SIGNERS[source](body)
    assert deliver(client, source, body, headers).status_code == 202
    answer = deliver(client, source, body, headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "repeated_delivery")


def test_a_delivery_id_is_taken_once(client: TestClient) -> None:
    first = payload("github")
    second = first + b"\n"
    assert deliver(client, "github", first, SIGNERS["github"](first)).status_code == 202
    assert deliver(client, "github", second, SIGNERS["github"](second)).status_code == 409


@pytest.mark.parametrize("source", ["zendesk", "hubspot"])
@pytest.mark.parametrize("off_by", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_delivery_of_another_time_is_refused(client: TestClient, source: str, off_by: timedelta) -> None:
    body = payload(source)
    answer = deliver(client, source, body, SIGNERS[source](body, at=NOON + off_by))
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


def test_what_could_not_be_stored_is_taken_in_when_it_comes_again(
    client: TestClient, world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_key: str, _body: bytes) -> None:
        raise TransientFailure("dropping a ticket into S3: SlowDown")

    body = payload("github")
    with monkeypatch.context() as patched:
        patched.setattr(world.raw, "put", fail)
        assert deliver(client, "github", body, SIGNERS["github"](body)).status_code == 503
    assert deliver(client, "github", body, SIGNERS["github"](body)).status_code == 202


def test_a_delivery_without_a_ticket_is_answered_with_the_reason(client: TestClient, world: WebWorld) -> None:
    body = b'{"zen": "Keep it logically awesome.", "hook_id": 1}'
    answer = deliver(client, "github", body, SIGNERS["github"](body))
    assert (answer.status_code, answer.json()["tickets"], len(answer.json()["refused"])) == (202, [], 1)
    assert world.raw.objects == {}


def test_a_source_without_a_secret_has_no_webhook(client: TestClient, world: WebWorld) -> None:
    for source in ("gorgias", "nobody"):
        answer = deliver(client, source, b"{}", {SECRET_HEADER: ""})
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_webhook")
    unconfigured = TestClient(make_app(world.parts()), base_url=BASE)
    assert deliver(unconfigured, "zendesk", b"{}", {}).status_code == 404


@pytest.mark.parametrize(
    ("text", "told"),
    [("[]", "no JSON object"), ('{"zendesc": "12345678"}', "no source zendesc"), ('{"jira": "x"}', "8 char")],
)
def test_a_file_of_secrets_that_is_none_says_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(text)
    with pytest.raises(SetupError, match=told):
        read_secrets(file)
