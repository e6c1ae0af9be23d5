"""The service that watches for surges: its command, its settings, and the alarms of what it tells."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from test_infra import SETTINGS, template
from typer.testing import CliRunner

from ticketmill.entrypoints.cli import app
from ticketmill.telemetry.surges import SurgeLines


@pytest.fixture
def resources() -> dict[str, dict[str, Any]]:
    found = template("search-service.yaml")["Resources"]
    return {name: each["Properties"] for name, each in found.items()}


def test_what_the_watch_tells_reaches_its_alarms(resources: dict[str, dict[str, Any]]) -> None:
    stream = io.StringIO()
    SurgeLines("mine", stream).write(2)
    line = json.loads(stream.getvalue())
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    for alarm in (resources["SurgeAlarm"], resources["WatchAlarm"]):
        assert directive["Namespace"] == alarm["Namespace"]
        assert [each["Name"] for each in alarm["Dimensions"]] == directive["Dimensions"][0]
        assert line[alarm["MetricName"]] == [2.0]


def test_the_watch_runs_a_command_with_settings(resources: dict[str, dict[str, Any]]) -> None:
    (only,) = resources["WatchTask"]["ContainerDefinitions"]
    named = {each["Name"] for each in only["Environment"] if each["Name"].startswith("TICKETMILL_")}
    assert named <= SETTINGS
    assert CliRunner().invoke(app, [*only["Command"], "--help"]).exit_code == 0
