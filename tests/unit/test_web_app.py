"""The API as a program sees it, on parts in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from learned_versions import ANN
from starlette.testclient import TestClient
from web_parts import WebWorld

from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.domain.labels import Sentiment, Urgency
from ticketmill.domain.rollout import Rollout
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.background import BackgroundEnricher
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.entrypoints.web.problems import PROBLEM_TYPE
from ticketmill.pipeline.learned import Learned
from ticketmill.tasks.learned import LearnedModel
from ticketmill.telemetry.logs import LogFormat, make_handler
from ticketmill.text.mask import Mask

BASE = "http://127.0.0.1:8080"
API = "/api/v1"
FORMS: tuple[LogFormat, ...] = ("text", "json")
SECRET_TEXT = "my card ends in 4242"


@pytest.fixture
def world() -> WebWorld:
    return WebWorld()


@pytest.fixture
def parts(world: WebWorld) -> WebParts:
    parts = world.parts()
    parts.enricher.load()
    return parts


@pytest.fixture
def client(parts: WebParts) -> Iterator[TestClient]:
    with TestClient(make_app(parts), base_url=BASE) as client:
        yield client


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document that an answer is."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM_TYPE)
    document: dict[str, Any] = answer.json()
    assert (document["status"], document["code"]) == (status, code)
    assert document["next"]
    return document


class TestTickets:
    def test_one_is_put_into_the_bucket_and_the_answer_says_where_to_look(
        self, client: TestClient, world: WebWorld
    ) -> None:
        body = b'{"ticket_id": "T-1",  "subject": "Help", "body": "It burns."}'
        answer = client.post(f"{API}/tickets", content=body)
        assert answer.status_code == 202
        assert answer.headers["location"] == f"{API}/tickets/T-1"
        assert world.raw.objects["tickets/T-1.json"].body == body

    def test_the_same_content_is_stored_once_and_other_content_replaces_it(
        self, client: TestClient, world: WebWorld
    ) -> None:
        for text, stored in (("a", True), ("a", False), ("b", True), ("a", True)):
            answer = client.post(f"{API}/tickets", json={"ticket_id": "T-1", "body": text})
            assert answer.json()["tickets"][0]["stored"] is stored
        assert world.raw.versions == 3

    def test_a_payload_of_a_helpdesk_becomes_a_raw_ticket(self, client: TestClient, world: WebWorld) -> None:
        payload = {"ticket": {"id": 7, "subject": "Help", "description": "It burns.", "priority": "urgent"}}
        answer = client.post(f"{API}/tickets?from=zendesk", json=payload)
        assert answer.json()["tickets"][0]["ticket_id"] == "zendesk-7"
        stored = json.loads(world.raw.objects["tickets/zendesk-7.json"].body or b"")
        assert (stored["body"], stored["priority"]) == ("It burns.", "critical")

    def test_one_without_text_is_refused_and_nothing_is_stored(
        self, client: TestClient, world: WebWorld
    ) -> None:
        problem(client.post(f"{API}/tickets", json={"ticket_id": "T-1", "body": " "}), 422, "empty_text")
        problem(client.post(f"{API}/tickets?from=zendesk", json={"a": 1}), 422, "no_ticket")
        problem(client.post(f"{API}/tickets", content=b"{"), 422, "not_json")
        assert world.raw.objects == {}

    def test_they_are_listed_by_what_they_are(self, client: TestClient, world: WebWorld) -> None:
        world.put("T-1", 3, urgency=Urgency.CRITICAL, customer_id="C-9")
        world.put("T-2", 2, sentiment=Sentiment.NEGATIVE, needs_review=True)
        world.put("T-3", 1, urgency=Urgency.LOW, priority_conflict=True)

        def listed(query: str) -> list[str]:
            answer = client.get(f"{API}/tickets?{query}")
            assert answer.status_code == 200, answer.text
            return [row["ticket_id"] for row in answer.json()["tickets"]]

        assert listed("") == ["T-3", "T-2", "T-1"]
        assert listed("urgency=critical&urgency=low") == ["T-3", "T-1"]
        assert listed("sentiment=negative") == ["T-2"]
        assert listed("customer=C-9") == ["T-1"]
        assert listed("review=true") == ["T-2"]
        assert listed("conflict=true") == ["T-3"]
        assert listed("since=2026-11-21T11:57:30Z&until=1m") == ["T-2"]

    def test_pages_follow_each_other_by_their_cursors(self, client: TestClient, world: WebWorld) -> None:
        for number in range(5):
            world.put(f"T-{number}", number)
        seen: list[str] = []
        cursor = ""
        while True:
            page = client.get(f"{API}/tickets?limit=2{cursor}").json()
            seen += [row["ticket_id"] for row in page["tickets"]]
            if page["cursor"] is None:
                break
            cursor = f"&cursor={page['cursor']}"
        assert seen == [f"T-{number}" for number in range(5)]

    @pytest.mark.parametrize(
        "query",
        ["urgency=urgent", "limit=0", "limit=9999", "since=yesterday", "urgncy=high", "min_confidence=0.5"],
    )
    def test_a_query_that_means_nothing_is_told_which_part_is_wrong(
        self, client: TestClient, query: str
    ) -> None:
        document = problem(client.get(f"{API}/tickets?{query}"), 422, "invalid_request")
        assert query.partition("=")[0] in str(document)

    def test_a_cursor_of_another_list_is_refused(self, client: TestClient, world: WebWorld) -> None:
        for number in range(3):
            world.put(f"T-{number}", number)
        cursor = client.get(f"{API}/tickets?limit=1").json()["cursor"]
        answer = client.get(f"{API}/tickets?limit=1&urgency=high&cursor={cursor}")
        problem(answer, 400, "bad_cursor")

    def test_a_list_that_the_client_has_already_is_not_sent_again(
        self, client: TestClient, world: WebWorld
    ) -> None:
        world.put("T-1")
        etag = client.get(f"{API}/tickets").headers["etag"]
        assert client.get(f"{API}/tickets", headers={"If-None-Match": etag}).status_code == 304
        world.put("T-2")
        assert client.get(f"{API}/tickets", headers={"If-None-Match": etag}).status_code == 200

    def test_an_answer_is_kept_for_a_moment_and_a_correction_ends_it(self, world: WebWorld) -> None:
        world.put("T-1")
        client = TestClient(make_app(world.parts(web_list_kept_s=60)), base_url=BASE)
        first = client.get(f"{API}/tickets?urgency=high")
        world.put("T-2")
        assert client.get(f"{API}/tickets?urgency=high").content == first.content
        client.put(
            f"{API}/tickets/T-1/labels", json={"labels": {"urgency": "low"}}, headers={"If-Match": "*"}
        )
        listed = client.get(f"{API}/tickets?urgency=high").json()["tickets"]
        assert [row["ticket_id"] for row in listed] == ["T-2"]

    def test_a_row_is_found_by_its_helpdesks_own_id_too(self, client: TestClient, world: WebWorld) -> None:
        world.put("esc:=231042")
        assert client.get(f"{API}/tickets/%231042").json()["ticket_id"] == "esc:=231042"
        problem(client.get(f"{API}/tickets/T-2"), 404, "unknown_ticket")

    def test_the_record_comes_without_its_vector_unless_it_is_asked_for(
        self, client: TestClient, world: WebWorld
    ) -> None:
        stored = {"ticket_id": "T-1", "enrichment": {"embedding": [0.1], "of_a_newer_version": 1}}
        world.enriched.put("k", json.dumps(stored).encode())
        world.put("T-1", enriched_key="k")
        assert client.get(f"{API}/tickets/T-1/record").json()["enrichment"] == {"of_a_newer_version": 1}
        assert client.get(f"{API}/tickets/T-1/record?vector=true").json() == stored
        world.put("T-2", enriched_key=None)
        problem(client.get(f"{API}/tickets/T-2/record"), 404, "no_record")


class TestMasks:
    def test_what_is_masked_is_seen_by_no_reader(self, world: WebWorld) -> None:
        address = "ann@example.com"
        world.put("T-1", subject=f"Write to {address}", enriched_key="k")
        world.enriched.put("k", json.dumps({"ticket_id": "T-1", "body": address}).encode())
        parts = replace(world.parts(), mask=Mask(["email"]))
        client = TestClient(make_app(parts), base_url=BASE)
        said = {"labels": {"urgency": "low"}, "note": address}
        answers = [
            client.get(f"{API}/tickets"),
            client.get(f"{API}/tickets/T-1"),
            client.get(f"{API}/tickets/T-1/record"),
            client.put(f"{API}/tickets/T-1/labels", json=said, headers={"If-Match": "*"}),
            client.get(f"{API}/tickets/T-1/history"),
        ]
        assert [each.status_code for each in answers] == [200] * 5
        assert not any(address in each.text for each in answers)


class TestCounts:
    def test_effective_labels_are_counted_and_what_a_person_changed(
        self, client: TestClient, world: WebWorld
    ) -> None:
        world.put("T-1")
        world.put("T-2", 30)
        client.put(
            f"{API}/tickets/T-1/labels", json={"labels": {"urgency": "low"}}, headers={"If-Match": "*"}
        )
        counts = client.get(f"{API}/counts").json()
        assert (counts["tickets"], counts["corrected"], counts["is_complete"]) == (2, {"urgency": 1}, True)
        assert counts["labels"]["urgency"] == {"high": 1, "low": 1}

    def test_trends_have_a_bucket_for_each_hour_with_tickets(
        self, client: TestClient, world: WebWorld
    ) -> None:
        for minutes_ago in (0, 30, 90):
            world.put(f"T-{minutes_ago}", minutes_ago)
        trends = client.get(f"{API}/trends?step=hour").json()
        assert [(each["start"], each["tickets"]) for each in trends["buckets"]] == [
            ("2026-11-21T12:00:00Z", 1),
            ("2026-11-21T11:00:00Z", 1),
            ("2026-11-21T10:00:00Z", 1),
        ]


class TestEnrichment:
    def test_tickets_are_enriched_in_their_order_and_nothing_is_stored(
        self, client: TestClient, world: WebWorld
    ) -> None:
        tickets = [{"ticket_id": f"T-{number}", "body": "It burns."} for number in range(3)]
        answer = client.post(f"{API}/enrich", json={"tickets": tickets})
        assert [each["ticket_id"] for each in answer.json()["tickets"]] == ["T-0", "T-1", "T-2"]
        assert "embedding" not in answer.json()["tickets"][0]["enrichment"]
        assert (world.raw.objects, world.rows.rows) == ({}, {})
        answer = client.post(f"{API}/enrich?vector=true", json={"tickets": tickets[:1]})
        assert len(answer.json()["tickets"][0]["enrichment"]["embedding"]) == 4

    def test_a_learned_version_that_serves_predicts_and_is_named(
        self, client: TestClient, world: WebWorld
    ) -> None:
        overlay: Any = None  # the enricher of this world only names it
        rollout = Rollout().promoted("intent", 1, "single", ANN)
        world.learned = Learned(rollout, {("intent", 1): LearnedModel("intent", 1, overlay)})
        answer = client.post(f"{API}/enrich", json={"tickets": [{"ticket_id": "T-1", "body": "It burns."}]})
        found = answer.json()["tickets"][0]["enrichment"]
        assert (found["models"]["intent"], found["rollout_serial"]) == ("intent/v1", rollout.serial)
        assert found["fingerprint"] != world.enricher.fingerprint

    def test_all_that_is_wrong_is_told_at_once(self, client: TestClient, world: WebWorld) -> None:
        tickets = [{"ticket_id": "T-1", "body": ""}, {"ticket_id": "T-2", "body": "x"}, {"body": "x"}]
        answer = client.post(f"{API}/enrich", json={"tickets": tickets})
        errors = problem(answer, 422, "invalid_tickets")["errors"]
        assert [each["field"] for each in errors] == ["body.tickets.0.body", "body.tickets.2.ticket_id"]
        assert world.enricher.seen == []
        problem(client.post(f"{API}/enrich", json={"tickets": tickets[1:2] * 65}), 422, "invalid_request")

    def test_until_the_models_are_loaded_it_says_when_to_try_again(self, world: WebWorld) -> None:
        tickets = {"tickets": [{"ticket_id": "T-1", "body": "x"}]}
        loading = TestClient(make_app(world.parts()), base_url=BASE)  # not entered: nothing is loaded
        answer = loading.post(f"{API}/enrich", json=tickets)
        problem(answer, 503, "models_loading")
        assert answer.headers["retry-after"] == "2"

    def test_models_that_cannot_be_loaded_are_told_and_the_rest_works(self, world: WebWorld) -> None:
        def fail() -> Any:
            raise SetupError("no bundle: run `ticketmill models build`")

        enricher = BackgroundEnricher(fail)
        enricher.load()
        failed = TestClient(make_app(world.parts(enricher=enricher)), base_url=BASE)
        answer = failed.post(f"{API}/enrich", json={"tickets": [{"ticket_id": "T-1", "body": "x"}]})
        problem(answer, 503, "models_unavailable")
        assert failed.get(f"{API}/tickets").status_code == 200


class TestProblems:
    def test_every_error_says_what_to_do(self, client: TestClient) -> None:
        problem(client.get("/nowhere"), 404, "not_found")
        answer = client.delete(f"{API}/tickets")
        assert "Allow" in problem(answer, 405, "method_not_allowed")["next"]
        assert answer.headers["allow"] == "GET, POST"
        json_type = {"Content-Type": "application/json"}
        problem(client.post(f"{API}/enrich", content=b"{", headers=json_type), 400, "unreadable_body")
        problem(
            client.post(f"{API}/enrich", content=b"[" * 99_999, headers=json_type), 400, "unreadable_body"
        )

    def test_a_service_that_fails_is_told_with_when_to_try_again(
        self, world: WebWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_asked: object) -> Any:
            raise TransientFailure("reading a row from DynamoDB: ThrottlingException")

        for name in ("get", "get_many"):
            monkeypatch.setattr(world.rows, name, fail)
        answer = TestClient(make_app(world.parts()), base_url=BASE).get(f"{API}/tickets/T-1")
        problem(answer, 503, "service_failed")
        assert answer.headers["retry-after"] == "5"

    @pytest.mark.parametrize("form", FORMS)
    def test_neither_a_bug_nor_the_log_quotes_a_ticket(
        self, world: WebWorld, monkeypatch: pytest.MonkeyPatch, form: LogFormat
    ) -> None:
        def fail(*_given: Any) -> Any:
            raise RuntimeError(SECRET_TEXT)

        monkeypatch.setattr(world.enricher, "enrich", fail)
        parts, told = world.parts(), StringIO()
        parts.enricher.load()
        handler = make_handler(form, told)
        logging.getLogger("ticketmill").addHandler(handler)
        try:
            tickets = [{"ticket_id": "T-1", "body": SECRET_TEXT}]
            client = TestClient(make_app(parts), base_url=BASE)
            answer = client.post(f"{API}/enrich", json={"tickets": tickets})
        finally:
            logging.getLogger("ticketmill").removeHandler(handler)
        problem(answer, 500, "bug")
        assert SECRET_TEXT not in answer.text + told.getvalue()
        assert "POST /api/v1/enrich failed" in told.getvalue()
        assert "RuntimeError" in told.getvalue()


class TestLog:
    def test_a_request_is_one_line_without_what_was_asked_for(
        self, client: TestClient, world: WebWorld, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.put("T-1")
        with caplog.at_level(logging.INFO, logger="ticketmill"):
            client.get(f"{API}/tickets/T-1")
            client.get(f"{API}/tickets?customer=C-9")
        lines = [record.getMessage() for record in caplog.records]
        assert [line.rpartition(" ms")[0].rpartition(" ")[0] for line in lines] == [
            "GET /api/v1/tickets/{ticket_id} 200",
            "GET /api/v1/tickets 200",
        ]


def test_no_ticket_is_kept_by_caches_and_no_foreign_script_runs(client: TestClient, world: WebWorld) -> None:
    world.put("T-1")
    headers = client.get(f"{API}/tickets/T-1").headers
    assert "unsafe" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, no-cache"
    assert client.get(f"{API}/counts").headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
