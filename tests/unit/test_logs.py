"""The worker's log lines, as text and as JSON."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime

import pytest
from fakes import announce

from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.telemetry.logs import LogFormat, log_outcomes, make_handler

FORMATS: tuple[LogFormat, ...] = ("text", "json")
LINE_BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]
FORGED = "2026-11-21 09:30:00,000 CRITICAL forged"
SECRET = "4111 1111 1111 1111"

ours = logging.getLogger("ticketmill.pipeline.anything")


class Lines:
    """The log of this process in one of its forms."""

    def __init__(self, log_format: LogFormat) -> None:
        self.stream = io.StringIO()
        self.handler = make_handler(log_format, self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def json(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text.split("\n") if line]


@pytest.fixture
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    made = Lines(getattr(request, "param", "json"))
    package = logging.getLogger("ticketmill")
    package.addHandler(made.handler)
    level = package.level
    package.setLevel(logging.INFO)
    yield made
    package.setLevel(level)
    package.removeHandler(made.handler)


in_both_forms = pytest.mark.parametrize("lines", FORMATS, indirect=True)


def outcome(ticket_id: str = "T1", result: Result = Result.ENRICHED) -> Outcome:
    message = announce("tickets/T1.json", message_id="m-7", receive_count=3)
    return Outcome(message, result, ticket_id, stage_ms={"fetch": 1.5, "encode": 12.25}, tokens=40)


def test_an_upload_is_one_object_of_json_with_its_ids_its_result_and_its_times(lines: Lines) -> None:
    log_outcomes([outcome()])
    (line,) = lines.json()
    assert datetime.fromisoformat(str(line.pop("timestamp"))).tzinfo is not None
    assert str(line.pop("worker")).endswith(f":{os.getpid()}")
    assert str(line.pop("location")).startswith("ticketmill.telemetry.logs:")
    assert line == {
        "level": "INFO",
        "message": "upload enriched",
        "service": "ticketmill",
        "ticket_id": "T1",
        "correlation_id": "m-7",
        "receive_count": 3,
        "result": "enriched",
        "stage_ms": {"fetch": 1.5, "encode": 12.25},
        "tokens": 40,
    }


def test_a_failure_has_its_reason_and_no_field_that_is_not_known(lines: Lines) -> None:
    log_outcomes([Outcome(announce("a"), Result.FAILED, reason="TransientFailure")])
    (line,) = lines.json()
    assert (line["result"], line["reason"]) == ("failed", "TransientFailure")
    assert not {"ticket_id", "stage_ms", "tokens"} & set(line)


@pytest.mark.parametrize("lines", ["text"], indirect=True)
def test_the_same_upload_is_one_line_of_text_for_people(lines: Lines) -> None:
    log_outcomes([outcome()])
    assert lines.text.endswith(
        " INFO upload enriched ticket_id='T1' correlation_id='m-7' receive_count=3 result='enriched'"
        " stage_ms={'fetch': 1.5, 'encode': 12.25} tokens=40\n"
    )


@in_both_forms
@pytest.mark.parametrize("line_break", LINE_BREAKS)
def test_an_id_cannot_forge_a_line(lines: Lines, line_break: str) -> None:
    log_outcomes([outcome(ticket_id=f"T1{line_break}{FORGED}")])
    assert "forged" in lines.text
    assert len(lines.text.splitlines()) == 1


@in_both_forms
@pytest.mark.parametrize("line_break", LINE_BREAKS)
def test_a_message_that_quotes_what_an_uploader_chose_cannot_forge_a_line(
    lines: Lines, line_break: str
) -> None:
    ours.warning("the row of %s changed", f"T1{line_break}{FORGED}")
    assert "forged" in lines.text
    assert not any(line.startswith(FORGED) for line in lines.text.splitlines())


@pytest.mark.parametrize("lines", ["text"], indirect=True)
def test_an_id_cannot_steer_the_terminal_that_shows_the_log(lines: Lines) -> None:
    ours.warning("the row of %s changed", "\x1b[2J\x07")
    assert "\\x1b[2J\\x07" in lines.text
    assert lines.text.rstrip("\n").isprintable()


@in_both_forms
def test_an_exception_shows_where_it_happened_and_never_what_it_says(lines: Lines) -> None:
    try:
        error = ValueError(SECRET)
        error.add_note(SECRET)
        raise error
    except ValueError:
        ours.exception("something went wrong")
    assert "ValueError" in lines.text
    assert "test_logs.py" in lines.text
    assert SECRET not in lines.text


def test_log_calls_of_other_modules_have_the_same_form(lines: Lines) -> None:
    ours.warning("failed %r, left to the queue: %s", "tickets/a.json", "SlowDown")
    (line,) = lines.json()
    assert line["level"] == "WARNING"
    assert line["message"] == "failed 'tickets/a.json', left to the queue: SlowDown"
    assert line["service"] == "ticketmill"


@pytest.mark.parametrize("message", ['{"level": "CRITICAL"}', "17", "null"])
def test_a_message_stays_text_where_it_looks_like_json(lines: Lines, message: str) -> None:
    ours.info(message)
    assert lines.json()[0]["message"] == message
