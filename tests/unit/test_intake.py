"""From dropped documents to rows: what the pipeline does with odd ones, and with those of helpdesks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from world import World

from ticketmill.bootstrap import make_intake
from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.intake import Intake
from ticketmill.domain.labels import Status
from ticketmill.pipeline.outcome import Result
from ticketmill.settings import load_settings

TEXT = "No shop can take cards since noon."
GOOD = {"ticket_id": "T1", "body": TEXT}


def of_a_helpdesk(document: object) -> Sequence[Mapping[str, Any]] | None:
    """A helpdesk whose payloads have `case` and `notes`."""
    if not isinstance(document, dict) or "case" not in document:
        return None
    return [{"ticket_id": f"desk-{document['case']}-{note}", "body": TEXT} for note in document["notes"]]


class TestKnownShapes:
    intake = Intake(known_shapes=of_a_helpdesk)

    def parse(self, document: object) -> Any:
        return self.intake.parse(json.dumps(document).encode())

    def test_a_payload_of_a_known_shape_is_read_as_its_helpdesk_means_it(self) -> None:
        ticket = self.parse({"case": 7, "notes": ["a"]})
        assert (ticket.ticket_id, ticket.body, ticket.warnings) == ("desk-7-a", TEXT, ())

    def test_what_it_reads_is_checked_like_any_ticket(self) -> None:
        with pytest.raises(TicketRejected) as caught:
            Intake(known_shapes=lambda _: [{"ticket_id": "T", "body": " "}]).parse(b"{}")
        assert caught.value.code is RejectionCode.EMPTY_TEXT

    def test_several_tickets_in_a_payload_are_refused_with_their_number(self) -> None:
        with pytest.raises(TicketRejected) as caught:
            self.parse({"case": 7, "notes": ["a", "b"]})
        assert caught.value.code is RejectionCode.SEVERAL_TICKETS
        assert "found 2" in caught.value.message

    def test_a_ticket_of_ours_is_never_taken_for_another(self) -> None:
        ticket = self.parse({"ticket_id": "T", "body": TEXT, "case": 7, "notes": ["a"]})
        assert (ticket.ticket_id, ticket.extra) == ("T", {"case": 7, "notes": ["a"]})

    def test_another_shape_is_read_by_our_own_names(self) -> None:
        assert self.parse({"id": 7, "description": TEXT}).body == TEXT


class TestHelpdesks:
    """The importers, as the worker has them."""

    intake = make_intake(load_settings())

    def parse(self, document: object) -> Any:
        return self.intake.parse(json.dumps(document).encode())

    def test_a_webhook_is_read_by_its_importer(self) -> None:
        ticket = {"id": 35436, "subject": "Terminals", "description": TEXT, "priority": "urgent", "via": {}}
        found = self.parse({"ticket": {**ticket, "requester_id": 7, "submitter_id": 7, "brand_id": 1}})
        assert (found.ticket_id, found.body, found.priority) == ("zendesk-35436", TEXT, "critical")

    def test_a_time_that_its_importer_cannot_tell_is_warned_of(self) -> None:
        incident = {"number": "INC1", "short_description": "Mail is down", "description": TEXT}
        found = self.parse({"result": [{**incident, "sys_created_on": "05/03/2024 09:12:44"}]})
        assert (found.ticket_id, found.created_at) == ("servicenow-INC1", None)
        assert found.extra["created_at"] == "05/03/2024 09:12:44"
        assert [(each.code, each.field) for each in found.warnings] == [("unknown_form", "created_at")]

    def test_an_issue_without_a_text_is_its_title(self) -> None:
        title = "App crashes when exporting more than 1,000 rows"
        found = self.parse({"id": 2, "number": 1348, "title": title, "body": None, "state": "open"})
        assert (found.subject, found.body) == (title, "")

    def test_a_payload_without_a_message_of_the_requester_is_refused_with_the_reason(self) -> None:
        conversation = {
            "type": "conversation",
            "id": "147",
            "source": {"body": "", "author": {"type": "user"}},
        }
        with pytest.raises(TicketRejected) as caught:
            self.parse(conversation)
        assert caught.value.code is RejectionCode.EMPTY_TEXT

    def test_an_export_of_several_tickets_is_refused_with_their_number(self) -> None:
        tickets = [{"id": number, "subject": "Refund", "description": TEXT} for number in (1, 2, 3)]
        with pytest.raises(TicketRejected) as caught:
            self.parse({"tickets": tickets, "next_page": None, "count": 3})
        assert caught.value.code is RejectionCode.SEVERAL_TICKETS
        assert "found 3" in caught.value.message


class TestPipeline:
    def test_an_optional_field_of_unknown_form_is_on_the_row_as_a_warning(self, world: World) -> None:
        odd = {
            "ticket_id": "T1",
            "body": TEXT,
            "priority": "soon",
            "created_at": "0000-00-00",
            "metadata": "x",
        }
        world.process(world.raw.drop("tickets/T1.json", odd))
        row = world.row("T1")
        assert row.status is Status.ENRICHED
        assert (row.stated_priority, row.created_at) == (None, None)
        assert [each.field for each in row.warnings] == ["priority", "created_at", "metadata"]
        stored = json.loads(world.enriched.objects[str(row.enriched_key)])
        assert stored["extra"] == {"priority": "soon", "created_at": "0000-00-00", "metadata": "x"}
        assert [each["code"] for each in stored["warnings"]] == ["unknown_form"] * 3

    def test_a_good_upload_clears_the_warnings_of_the_one_before(self, world: World) -> None:
        world.process(world.raw.drop("tickets/T1.json", {**GOOD, "priority": "soon"}))
        world.process(world.raw.drop("tickets/T1.json", {**GOOD, "priority": "high"}))
        assert (world.row("T1").warnings, world.row("T1").stated_priority) == ((), "high")

    def test_a_mapped_id_has_a_row_of_its_own(self, world: World) -> None:
        world.process(
            world.raw.drop("tickets/a.json", {"ticket_id": "#7", "body": TEXT}),
            world.raw.drop("tickets/b.json", {"ticket_id": "7", "body": TEXT}),
        )
        assert world.row("esc:=237").warnings[0].found == "#7"
        assert world.row("7").warnings == ()

    def test_the_pipeline_parses_as_it_is_told(self, world: World) -> None:
        world.pipeline = replace(world.pipeline, parse=Intake(of_a_helpdesk, "1-is-highest").parse)
        world.process(world.raw.drop("tickets/x.json", {"case": 7, "notes": ["a"]}))
        world.process(world.raw.drop("tickets/T1.json", {"ticket_id": "T1", "body": TEXT, "priority": 1}))
        assert world.row("desk-7-a").status is Status.ENRICHED
        assert world.row("T1").stated_priority == "critical"

    @pytest.mark.parametrize("size_chars", [500, 5_000])
    def test_a_small_object_that_unpacks_to_a_large_ticket_is_enriched(
        self, world: World, size_chars: int
    ) -> None:
        world.pipeline = replace(world.pipeline, large_bytes=1_000)
        packed = gzip.compress(json.dumps({"ticket_id": "T1", "body": "word " * (size_chars // 5)}).encode())
        message = world.raw.drop("tickets/T1.json", packed)
        assert world.process(message) == {message.message_id: Result.ENRICHED}

    def test_one_that_unpacks_beyond_the_limit_is_too_large(self, world: World) -> None:
        packed = gzip.compress(json.dumps({"ticket_id": "T1", "body": "word " * 3_000}).encode(), mtime=0)
        world.process(world.raw.drop("tickets/T1.json", packed))
        assert world.rejection_code("T1") is RejectionCode.TOO_LARGE
