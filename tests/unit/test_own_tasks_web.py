"""Tasks of your own in the API and on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from page_world import PageWorld
from starlette.testclient import TestClient

from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.enrichment import CustomLabel, CustomPrediction
from ticketmill.domain.labels import Source
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.page.ticket import task_keys

HERE = "http://127.0.0.1:8080"
API = "/api/v1"
PRODUCT_LINE = TaskDefinition(name="product_line", labels=("router", "modem", "smart tv"))
FEATURES = TaskDefinition(name="features", kind="multi", labels=("wifi", "voice"))
ROUTER = CustomPrediction(
    labels=(CustomLabel(label="router", confidence=0.62),),
    source=Source.HEAD,
    scores={"router": 0.62, "modem": 0.3, "smart tv": 0.08},
)


@pytest.fixture
def world() -> PageWorld:
    """T-1 is about a router, says a model; of T-2 it says nothing."""
    world = PageWorld()
    world.own |= {"features": FEATURES, "product_line": PRODUCT_LINE}
    world.add("T-1", "No light", "My router shows no light.", custom={"product_line": ROUTER})
    world.add("T-2", "Noise", "The line is noisy.")
    return world


@pytest.fixture
def client(world: PageWorld) -> Iterator[TestClient]:
    with TestClient(make_app(world.page_parts()), base_url=HERE, follow_redirects=False) as client:
        yield client


def listed(client: TestClient, query: str) -> list[str]:
    answer = client.get(f"{API}/tickets?{query}")
    assert answer.status_code == 200, answer.text
    return [each["ticket_id"] for each in answer.json()["tickets"]]


def say(client: TestClient, ticket_id: str, **labels: object) -> None:
    answer = client.put(
        f"{API}/tickets/{ticket_id}/labels", json={"labels": labels}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text


class TestApi:
    def test_a_row_has_the_prediction_and_then_what_a_person_says(self, client: TestClient) -> None:
        row = client.get(f"{API}/tickets/T-1").json()
        assert row["custom"]["product_line"]["labels"] == [{"label": "router", "confidence": 0.62}]
        say(client, "T-1", product_line="modem", features=["wifi", "voice"])
        row = client.get(f"{API}/tickets/T-1").json()
        assert row["custom"]["product_line"] == {"labels": [{"label": "modem"}], "source": "person"}
        assert row["custom"]["features"]["labels"] == [{"label": "wifi"}, {"label": "voice"}]
        assert row["predicted"]["product_line"]["labels"] == ["router"]

    def test_tickets_are_filtered_and_counted_by_it(self, client: TestClient) -> None:
        say(client, "T-2", product_line="modem")
        assert listed(client, "where=product_line=router") == ["T-1"]
        assert {*listed(client, "where=product_line=router&where=product_line=modem")} == {"T-1", "T-2"}
        assert listed(client, "where=product_line=router&min_confidence=0.6") == ["T-1"]
        assert listed(client, "where=product_line=router&min_confidence=0.7") == []
        assert listed(client, "corrected=product_line") == ["T-2"]
        counts = client.get(f"{API}/counts").json()
        assert counts["labels"]["product_line"] == {"modem": 1, "router": 1}
        assert counts["corrected"] == {"product_line": 1}
        (bucket,) = client.get(f"{API}/trends").json()["buckets"]
        assert bucket["labels"]["product_line"] == {"modem": 1, "router": 1}

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("where=product=router", 'did you mean "product_line"'),
            ("where=product_line=ruoter", 'did you mean "router"'),
            ("corrected=mood", 'no task "mood"'),
        ],
    )
    def test_a_filter_that_is_none_is_a_problem_that_says_what_there_is(
        self, client: TestClient, query: str, told: str
    ) -> None:
        answer = client.get(f"{API}/tickets?{query}")
        assert answer.status_code == 422 and told in answer.json()["detail"]

    def test_an_unknown_label_is_a_problem(self, client: TestClient) -> None:
        answer = client.put(
            f"{API}/tickets/T-1/labels", json={"labels": {"product_line": "fax"}}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 422 and answer.json()["code"] == "unknown_label"

    def test_the_tasks_are_listed_with_their_labels(self, client: TestClient) -> None:
        tasks = client.get(f"{API}/tasks").json()["tasks"]
        assert [each["name"] for each in tasks if not each["is_own"]] == [
            "intent",
            "urgency",
            "sentiment",
            "topics",
        ]
        own = [each for each in tasks if each["is_own"]]
        assert own == [
            {"name": "features", "is_own": True, "takes_several": True, "labels": ["wifi", "voice"]},
            {
                "name": "product_line",
                "is_own": True,
                "takes_several": False,
                "labels": ["router", "modem", "smart tv"],
            },
        ]


def panel(html: str, task: str) -> str:
    """The part of the page that labels a task."""
    (found,) = re.findall(rf'<fieldset class="task" data-task="{task}".*?</fieldset>', html, re.DOTALL)
    return str(found)


class TestPage:
    def test_a_ticket_has_a_panel_of_each_with_keys_and_probabilities(self, client: TestClient) -> None:
        html = client.get("/tickets/T-1").text
        shown = panel(html, "product_line")
        assert 'data-key="p"' in shown
        assert re.findall(r'name="product_line" value="([^"]+)" data-digit="(\d)"', shown) == [
            ("router", "1"),
            ("modem", "2"),
            ("smart tv", "3"),
        ]
        assert "62 percent sure by the model" in shown and "30 percent sure by the model" in shown
        assert "none" in panel(html, "features")
        assert html.index('data-task="topics"') < html.index('data-task="features"')

    def test_own_tasks_leave_the_letters_of_ours_as_they_are(self) -> None:
        ours = task_keys(["intent", "urgency", "sentiment", "topics"])
        both = task_keys(["intent", "urgency", "sentiment", "topics", "team", "tier"])
        assert both.items() >= ours.items()
        assert len(set(both.values())) == 6

    def test_a_button_says_a_label_and_another_takes_it_back(self, client: TestClient) -> None:
        form = {"revision": "1", "list": "since=30d"}
        assert client.post("/tickets/T-1/labels", data={**form, "product_line": "modem"}).status_code == 303
        html = client.get("/tickets/T-1").text
        assert "the model says router (0.62)" in panel(html, "product_line")
        form["revision"] = "2"
        assert client.post("/tickets/T-1/labels", data={**form, "undo": "product_line"}).status_code == 303
        assert client.get(f"{API}/tickets/T-1").json()["custom"]["product_line"]["source"] == "head"

    def test_labels_of_a_task_with_several_are_added_and_taken_away(self, client: TestClient) -> None:
        for revision, chosen in ((1, "wifi"), (2, "voice"), (3, "wifi")):
            form = {"revision": str(revision), "list": "since=30d", "features": chosen}
            assert client.post("/tickets/T-1/labels", data=form).status_code == 303
        row = client.get(f"{API}/tickets/T-1").json()
        assert row["custom"]["features"]["labels"] == [{"label": "voice"}]

    def test_the_list_shows_counts_and_is_narrowed_by_it(self, client: TestClient) -> None:
        html = client.get("/views?since=30d").text
        assert 'href="/?since=30d&amp;where=product_line%3Drouter"' in html
        narrowed = client.get("/list?where=product_line%3Drouter").text
        assert "row-T-1" in narrowed and "row-T-2" not in narrowed
        assert "product_line-router" in narrowed  # the chip of the label
        both = client.get("/list?where=product_line%3Drouter&where=features%3Dwifi").text
        assert "row-T-1" not in both

    def test_a_click_on_another_label_replaces_that_of_the_same_task_alone(self, client: TestClient) -> None:
        say(client, "T-2", product_line="modem")
        html = client.get("/views?where=product_line%3Drouter&where=features%3Dwifi").text
        assert 'href="/?where=features%3Dwifi&amp;where=product_line%3Dmodem"' in html

    def test_typed_words_may_be_its_labels(self, client: TestClient) -> None:
        for typed in ("product_line:router", "router"):
            found = client.get("/", params={"filter": typed})
            assert found.headers["location"] == "/?where=product_line%3Drouter"
        assert (
            "did you mean &#34;router&#34;" in client.get("/", params={"filter": "product_line:ruoter"}).text
        )

    def test_an_address_with_an_unknown_label_says_what_there_is(self, client: TestClient) -> None:
        answer = client.get("/?where=product_line%3Druoter")
        assert answer.status_code == 400 and "there are: router, modem, smart tv" in answer.text

    def test_trends_are_drawn_of_it(self, client: TestClient) -> None:
        html = client.get("/trends?by=product_line").text
        assert "<option selected>product_line</option>" in html
        assert "where=product_line%3Drouter" in html


def test_without_definitions_there_is_nothing_of_own_tasks() -> None:
    world = PageWorld()
    world.add("T-1", "No light", "My router shows no light.")
    with TestClient(make_app(world.page_parts()), base_url=HERE) as client:
        html = client.get("/tickets/T-1").text
        assert re.findall(r'data-task="(\w+)"', html) == ["intent", "urgency", "sentiment", "topics"]
        assert not [each["name"] for each in client.get(f"{API}/tasks").json()["tasks"] if each["is_own"]]
        assert "custom" not in client.get(f"{API}/counts").json()["labels"]
