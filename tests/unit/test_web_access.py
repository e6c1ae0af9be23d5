"""Who may use the server, and how much: keys, sign-in by a load balancer, hosts, origins, sizes and rates."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.testclient import TestClient
from web_parts import NOON, WebWorld

from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.cli import run
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.caller import Scope
from ticketmill.entrypoints.web.keys import KeyRing, add_key, delete_key
from ticketmill.entrypoints.web.limits import RateLimit
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.server import check_guarded
from ticketmill.entrypoints.web.sign_in import NotSignedIn, SignIn
from ticketmill.settings import Settings

BASE = "http://127.0.0.1:8080"
TICKETS = "/api/v1/tickets"
LABELS = f"{TICKETS}/T-1/labels"
ALB = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/desk/50dc6c495c0c9188"
KEY_ID = "3a4f2c1e-8f0b-4a57-9d3c-0b1a2c3d4e5f"
LOW = {"labels": {"urgency": "low"}}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def client_of(**settings: Any) -> TestClient:
    world = WebWorld()
    world.put("T-1")
    return TestClient(make_app(world.parts(**settings)), base_url=BASE)


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", **more}


class TestKeys:
    def test_the_file_holds_no_key_and_is_its_owners_alone(self, keys: Path) -> None:
        key = add_key(keys, "ann", [Scope.READ], NOON)
        assert key not in keys.read_text()
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        with pytest.raises(SetupError, match="choose another name"):
            add_key(keys, "ann", [Scope.READ], NOON)

    def test_a_key_allows_its_scopes_alone(self, keys: Path) -> None:
        reader, corrector = (
            add_key(keys, str(scope), [scope], NOON) for scope in (Scope.READ, Scope.CORRECT)
        )
        client = client_of(api_keys_file=keys)
        assert client.get(TICKETS, headers=bearer(reader)).status_code == 200
        refused = client.put(LABELS, json=LOW, headers=bearer(reader, **{"If-Match": "*"}))
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        corrected = client.put(LABELS, json=LOW, headers=bearer(corrector, **{"If-Match": "*"}))
        assert corrected.json()["person"]["urgency"]["who"] == "correct"
        assert client.get("/api/v1/admin/ml-status", headers=bearer(reader)).status_code == 403

    @pytest.mark.parametrize("header", [{}, bearer("tm_wrong"), {"Authorization": "Basic !"}, bearer("")])
    def test_without_a_known_key_nothing_is_told(self, keys: Path, header: dict[str, str]) -> None:
        add_key(keys, "ann", Scope, NOON)
        client = client_of(api_keys_file=keys)
        for path in (TICKETS, "/", "/api/v1/openapi.json"):
            answer = client.get(path, headers=header)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert client.get("/api/v1/health", headers=header).status_code == 200

    def test_a_browser_sends_the_key_as_a_password(self, keys: Path) -> None:
        key = add_key(keys, "ann", Scope, NOON)
        assert client_of(api_keys_file=keys).get(TICKETS, auth=("anything", key)).status_code == 200

    def test_a_deleted_key_is_refused_by_a_running_server(self, keys: Path) -> None:
        add_key(keys, "bob", Scope, NOON)
        key, seconds = add_key(keys, "ann", Scope, NOON), [0.0]
        ring = KeyRing(keys, lambda: seconds[0])
        assert ring.caller(key) is not None
        delete_key(keys, "ann")
        seconds[0] = 10.0
        assert ring.caller(key) is None

    def test_the_command_prints_a_key_once(self, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["keys", "new", "ann", "--scope", "correct", "--scope", "read", "--file", str(keys)]) == 0
        key = capsys.readouterr().out.strip()
        assert client_of(api_keys_file=keys).get(TICKETS, headers=bearer(key)).status_code == 200
        assert run(["keys", "list", "--file", str(keys)]) == 0
        told = capsys.readouterr().out
        assert "ann" in told
        assert key not in told
        assert run(["keys", "delete", "ann", "--file", str(keys)]) == 0
        assert run(["keys", "delete", "ann", "--file", str(keys)]) == 5
        assert run(["keys", "new", "ann", "--scope", "wirte", "--file", str(keys)]) == 2

    def test_beyond_loopback_a_server_without_keys_does_not_start(self, keys: Path) -> None:
        with pytest.raises(SetupError, match="ticketmill keys new"):
            check_guarded(Settings(web_host="0.0.0.0"))  # noqa: S104
        check_guarded(Settings(web_host="::1"))
        check_guarded(Settings(web_host="0.0.0.0", api_keys_file=keys))  # noqa: S104
        with pytest.raises(SetupError, match="has no keys"):
            client_of(api_keys_file=keys)


class Signer:
    """A load balancer: it signs tokens as they stand in `x-amzn-oidc-data`."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.fetched: list[str] = []

    def fetch(self, key_id: str) -> bytes:
        self.fetched.append(key_id)
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def token(self, email: str = "ann@example.com", **head: Any) -> str:
        full = {"alg": "ES256", "kid": KEY_ID, "signer": ALB, "exp": 2_000_000_000, **head}
        signed = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in (full, {"email": email})
        )
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = base64.urlsafe_b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()
        return f"{signed}.{signature}"


class TestSignIn:
    @pytest.fixture
    def signer(self) -> Signer:
        return Signer()

    @pytest.fixture
    def sign_in(self, signer: Signer) -> SignIn:
        return SignIn(ALB, frozenset({Scope.READ}), signer.fetch, lambda: 1_900_000_000)

    def test_a_signed_token_names_the_person_and_its_key_is_fetched_once(
        self, sign_in: SignIn, signer: Signer
    ) -> None:
        callers = [sign_in.caller(signer.token(email)) for email in ("ann@example.com", "bob@example.com")]
        assert [each.name for each in callers] == ["ann@example.com", "bob@example.com"]
        assert callers[0].scopes == {Scope.READ}
        assert signer.fetched == [KEY_ID]

    @pytest.mark.parametrize(
        ("head", "reason"),
        [
            ({"signer": ALB.replace("desk", "other")}, "another load balancer"),
            ({"alg": "none"}, "ES256"),
            ({"alg": "HS256"}, "ES256"),
            ({"exp": 1_800_000_000}, "expired"),
            ({"exp": None}, "expired"),
            ({"kid": "../../evil"}, "names no key"),
        ],
    )
    def test_what_another_signed_or_long_ago_is_not_believed(
        self, sign_in: SignIn, signer: Signer, head: dict[str, Any], reason: str
    ) -> None:
        with pytest.raises(NotSignedIn, match=reason):
            sign_in.caller(signer.token(**head))

    def test_a_changed_token_is_not_believed(self, sign_in: SignIn, signer: Signer) -> None:
        head, _, signature = signer.token().split(".")
        other = signer.token("eve@example.com").split(".")[1]
        for token in (f"{head}.{other}.{signature}", f"{head}.{other}.", "a.b", "", "é.é.é"):
            with pytest.raises(NotSignedIn):
                sign_in.caller(token)

    def test_the_server_asks_whoever_is_not_signed_in_for_a_key(self) -> None:
        answer = client_of(alb_arn=ALB).get(TICKETS)
        assert answer.status_code == 401
        answer = client_of(alb_arn=ALB).get(TICKETS, headers={"x-amzn-oidc-data": "a.b.c"})
        assert answer.json()["detail"] == "the token cannot be decoded"


class TestBrowsers:
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]:8080"])
    def test_another_name_for_this_machine_is_refused(self, host: str) -> None:
        answer = client_of().get(TICKETS, headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "unknown_host")

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "[::1]:8080", "desk.example.com"])
    def test_names_that_are_allowed_are_answered(self, host: str) -> None:
        client = client_of(web_allowed_hosts="desk.example.com, other.example.com")
        assert client.get(TICKETS, headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:9999"},
        ],
    )
    def test_a_page_elsewhere_can_change_nothing(self, headers: dict[str, str]) -> None:
        client = client_of()
        answer = client.put(LABELS, json=LOW, headers={"If-Match": "*", **headers})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
        assert client.get(f"{TICKETS}/T-1").json()["urgency"] == "high"

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": BASE}, {}])
    def test_our_own_page_and_programs_can(self, headers: dict[str, str]) -> None:
        answer = client_of().put(LABELS, json=LOW, headers={"If-Match": "*", **headers})
        assert answer.status_code == 200


class TestLimits:
    def test_a_body_that_is_too_large_is_not_read(self) -> None:
        client = client_of(web_max_body_bytes=2000)
        body = b'{"ticket_id": "T-2", "body": "' + b"a" * 3000 + b'"}'
        answer = client.post(TICKETS, content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        chunked = client.post(TICKETS, content=iter([body[:1500], body[1500:]]))
        assert (chunked.status_code, chunked.json()["code"]) == (413, "too_large")

    def test_a_caller_has_so_many_requests_a_minute_and_others_have_their_own(self) -> None:
        seconds = [0.0]
        limit = RateLimit(60, lambda: seconds[0])
        for _ in range(60):
            limit.take("ann")
        with pytest.raises(Problem) as refused:
            limit.take("ann")
        assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "1"})
        limit.take("bob")
        seconds[0] = 1.0
        limit.take("ann")

    def test_too_many_requests_are_told_when_to_try_again(self) -> None:
        client = client_of(web_requests_per_minute=2)
        answers = [client.get(TICKETS) for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
