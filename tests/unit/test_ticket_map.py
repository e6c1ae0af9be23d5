"""The map: tickets about one thing lie together, labels can be told apart, and a page shows the last one."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from gap_world import GapWorld, usual_period
from starlette.testclient import TestClient
from web_parts import NOON

from ticketmill.bootstrap.ticket_map import MapDesk
from ticketmill.domain.errors import SetupError
from ticketmill.domain.ticket_map import NO_LABEL, TicketMap
from ticketmill.entrypoints.web.app import make_app
from ticketmill.learning.map_plot import COLOURS, GREY, OTHERS, draw_map, marks_of
from ticketmill.learning.svg import DARK, LIGHT
from ticketmill.learning.ticket_map import MapOfTicket
from ticketmill.operations.forget import Traces
from ticketmill.queries.gaps import BELOW

HERE = "http://127.0.0.1:8080"
SINCE = NOON - timedelta(days=28)
SVG = "{http://www.w3.org/2000/svg}"


def map_desk(world: GapWorld) -> MapDesk:
    desk = world.desk()
    return MapDesk(desk.queries, desk.open_vectors, desk.objects)


@pytest.fixture
def world(tmp_path: Path) -> GapWorld:
    return usual_period(tmp_path)


@pytest.fixture
def drawn(world: GapWorld) -> TicketMap:
    return map_desk(world).find(SINCE, NOON, most=500)


def sample(labels: tuple[str, ...]) -> TicketMap:
    count = len(labels)
    ids = tuple(f"t-{at}" for at in range(count))
    places = tuple(at / count for at in range(count))
    return TicketMap(at=NOON, since=SINCE, tickets=ids, x=places, y=places, labels={"intent": labels})


def test_tickets_of_one_topic_lie_together(drawn: TicketMap) -> None:
    places = np.array([drawn.x, drawn.y]).T
    topics = np.array([each.partition("-")[0] for each in drawn.tickets])
    distances = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argsort(axis=1)[:, :3]
    assert (topics[nearest] == topics[:, None]).mean() > 0.95
    assert places.min() == 0 and places.max() == 1


def test_a_map_is_the_same_at_every_run(world: GapWorld, drawn: TicketMap) -> None:
    assert map_desk(world).find(SINCE, NOON, most=500) == drawn


def test_a_ticket_has_its_label_of_each_task_and_its_gap(world: GapWorld) -> None:
    gaps = world.desk()
    report = gaps.find(SINCE, NOON, BELOW)
    gaps.keep(report)
    drawn = map_desk(world).find(SINCE, NOON, most=500)
    assert Counter(drawn.labels["intent"])["payment_issue"] == 48
    assert set(drawn.labels["topics"]) == {NO_LABEL}
    assert Counter(drawn.labels["gap"]) == {
        NO_LABEL: 80,
        **{each.name: each.size for each in report.gaps},
    }


def test_every_label_has_a_mark_of_its_own_until_colours_and_shapes_end() -> None:
    labels = [f"l-{at:02}" for at in range(16)]
    counts = Counter({label: 40 - at for at, label in enumerate(labels)} | {NO_LABEL: 99})
    marks = marks_of(counts)
    named = [marks[label] for label in labels[:14]]
    assert len({*named}) == 14 and marks[NO_LABEL] not in named
    assert labels[14] not in marks


def test_the_drawing_explains_its_marks_and_is_well_formed() -> None:
    labels = ("<b>", *(f"l-{at:02}" for at in range(15)), NO_LABEL)
    drawing = draw_map(sample(labels), "intent", lambda ticket: f"/tickets/{ticket}")
    svg = Xml.fromstring(drawing.file())  # noqa: S314 - it is our own
    assert len(svg.findall(f".//{SVG}a")) == len(labels)
    assert {label for label, *_ in drawing.table[1]} >= {"<b>", OTHERS, NO_LABEL}
    assert "style=" not in drawing.inline()
    assert "<a " not in draw_map(sample(labels), "intent").file()


def test_colours_can_be_told_from_light_and_dark_pages() -> None:
    for colour in (*COLOURS.values(), GREY):
        assert contrast(colour, LIGHT["paper"]) >= 3 and contrast(colour, DARK["paper"]) >= 3, colour


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_a_forgotten_ticket_is_taken_from_the_last_map(world: GapWorld, drawn: TicketMap) -> None:
    desk = map_desk(world)
    desk.keep(drawn)
    holder, forgotten = MapOfTicket(desk.objects), Traces(drawn.tickets[3])
    assert holder.left(forgotten)
    assert (holder.remove(forgotten), holder.remove(forgotten)) == (1, 0)
    assert not holder.left(forgotten)
    kept = desk.kept()
    assert kept is not None and kept.tickets == (*drawn.tickets[:3], *drawn.tickets[4:])
    assert kept.x[3] == drawn.x[4] and kept.labels["intent"][3] == drawn.labels["intent"][4]


@pytest.fixture
def client(world: GapWorld, drawn: TicketMap) -> Iterator[TestClient]:
    with TestClient(make_app(replace(world.web.parts(), ticket_map=lambda: drawn)), base_url=HERE) as client:
        yield client


def test_the_page_draws_the_map_in_the_colours_that_are_asked_for(
    client: TestClient, drawn: TicketMap
) -> None:
    page = client.get("/map").text
    assert "<strong>intent</strong>" in page and "payment_issue (48)" in page
    assert page.count('tabindex="-1"') == len(drawn.tickets)
    assert f'href="/tickets/{drawn.tickets[0]}"' in page
    assert "high (94)" in client.get("/map?colour=urgency").text
    assert "<strong>intent</strong>" in client.get("/map?colour=%3Cb%3E").text
    assert 'href="/map"' in client.get("/models").text and 'href="/map"' in client.get("/gaps").text


def test_the_page_says_what_is_missing(world: GapWorld) -> None:
    def nothing() -> TicketMap:
        raise SetupError("stack x has no learning table")

    with TestClient(make_app(world.web.parts()), base_url=HERE) as client:
        assert "<code>ticketmill map</code>" in client.get("/map").text
    with TestClient(make_app(replace(world.web.parts(), ticket_map=nothing)), base_url=HERE) as client:
        page = client.get("/map")
    assert page.status_code == 503 and "stack x has no learning table" in page.text
