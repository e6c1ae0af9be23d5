"""The Python API, with the shipped bundle."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import ticketmill
from ticketmill import Ticketmill, load
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.errors import RejectionCode, SetupError, TicketRejected
from ticketmill.domain.ticket import Ticket

REFUND = {"ticket_id": "T-1", "subject": "Charged twice", "body": "You charged me twice. Please refund me."}


@pytest.fixture(scope="module")
def mill(bundle_dir: Path) -> Ticketmill:
    return load(bundle=bundle_dir, threads=1)


def test_raw_tickets_come_back_enriched_in_their_order(mill: Ticketmill) -> None:
    login = Ticket(ticket_id="T-2", body="I cannot log in.")
    refund, second = mill.enrich([{**REFUND, "seat": "12A"}, login])
    assert isinstance(refund, EnrichedTicket)
    assert (refund.ticket_id, second.ticket_id) == ("T-1", "T-2")
    assert refund.extra == {"seat": "12A"}
    assert len(refund.enrichment.embedding) == 384
    assert refund.enrichment.intent is not None
    assert refund.enrichment.fingerprint == mill.fingerprint


def test_an_iterator_is_as_good_as_a_list_and_nothing_gives_nothing(mill: Ticketmill) -> None:
    (found,) = mill.enrich(iter([REFUND]))
    assert found.ticket_id == "T-1"
    assert mill.enrich([]) == []


def test_a_card_number_is_hidden_in_a_mapping_and_in_a_ticket_object(mill: Ticketmill) -> None:
    body = "Please refund my card 4111 1111 1111 1111."
    for ticket in ({"ticket_id": "T-4", "body": body}, Ticket(ticket_id="T-4", body=body)):
        (found,) = mill.enrich([ticket])
        assert found.body == "Please refund my card **** **** **** 1111."
        assert "4111" not in found.model_dump_json()


def test_times_may_be_datetimes(mill: Ticketmill) -> None:
    moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    (found,) = mill.enrich([{**REFUND, "created_at": moment}])
    assert found.created_at == moment


@pytest.mark.parametrize(
    ("ticket", "code"),
    [
        ({"ticket_id": "T-3"}, RejectionCode.EMPTY_TEXT),
        ({**REFUND, "ticket_id": ["a", "list"]}, RejectionCode.ID_UNUSABLE),
        ({**REFUND, "score": float("nan")}, RejectionCode.NOT_JSON),
        ({**REFUND, "watchers": {"a set"}}, RejectionCode.NOT_JSON),
    ],
)
def test_an_invalid_ticket_is_rejected_and_its_number_is_told(
    ticket: dict[str, object], code: RejectionCode, mill: Ticketmill
) -> None:
    with pytest.raises(TicketRejected) as caught:
        mill.enrich([REFUND, ticket])
    assert caught.value.code is code
    assert caught.value.__notes__ == ["ticket 2 of those given to enrich()"]


def test_a_missing_bundle_and_a_wrong_setting_are_setup_errors(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="ticketmill models build"):
        load(bundle=tmp_path / "nothing")
    with pytest.raises(SetupError, match="TICKETMILL_THREADS"):
        load(threads=0)


def test_importing_the_package_loads_nothing_heavy_until_the_api_is_used() -> None:
    code = """
import sys, ticketmill
print('numpy' in sys.modules)
ticketmill.load
print('numpy' in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        ticketmill.lod  # noqa: B018
