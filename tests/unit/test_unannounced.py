"""Objects that no rule announces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes import FakeRawTickets, ticket

from ticketmill.domain.keys import PROBE_PREFIX
from ticketmill.operations.unannounced import OTHER, OUTSIDE, kind_of, unannounced


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("tickets/T1.json", None),
        ("tickets/2026/11/T1.json", None),
        (f"{PROBE_PREFIX}1.json", None),
        ("tickets/", None),
        ("tickets/._T1.json", None),
        ("exports/__MACOSX/T1.json", None),
        ("tickets/T1.JSON", ".JSON"),
        ("tickets/export.jsonl", ".jsonl"),
        ("tickets/export.json.gz", ".json.gz"),
        ("tickets/export.GZ", ".GZ"),
        ("tickets/a.b.txt", ".txt"),
        ("tickets/T1", OTHER),
        ("tickets/.hidden", OTHER),
        ("tickets/T1.a suffix that is none", OTHER),
        ("T1.json", OUTSIDE),
        ("Tickets/T1.json", OUTSIDE),
        ("tickets2/T1.json", OUTSIDE),
        ("uploads/T1.json", OUTSIDE),
    ],
)
def test_a_key_is_of_the_kind_that_says_why_no_rule_announces_it(key: str, kind: str | None) -> None:
    assert kind_of(key) == kind


def fill(raw: FakeRawTickets, *keys: str) -> None:
    for key in keys:
        raw.drop(key, ticket("T"))


def test_the_whole_bucket_is_counted_by_kind(raw: FakeRawTickets) -> None:
    fill(raw, "a/1.json", "tickets/1.json", "tickets/1.JSON", "tickets/2.JSON", "tickets/3.jsonl", "z/1.json")
    found = unannounced(raw)
    assert found.kinds == {OUTSIDE: 2, ".JSON": 2, ".jsonl": 1}
    assert (found.looked_at, found.cut) == (6, False)


def test_a_large_bucket_is_cut_and_says_so_once_what_is_outside_is_counted(raw: FakeRawTickets) -> None:
    fill(raw, *(f"tickets/{number}.json" for number in range(50)), "zip/1.json", "a/1.json")
    found = unannounced(raw, limit=10)
    assert found.kinds == {OUTSIDE: 2}
    assert (found.looked_at, found.cut) == (10, True)


def test_no_more_is_listed_than_is_looked_at() -> None:
    class Endless:
        """A bucket of more keys than anybody should list."""

        def __init__(self) -> None:
            self.listed = 0

        def keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
            while prefix and not after:
                self.listed += 1
                yield f"{prefix}{self.listed}.JSON"

    bucket = Endless()
    assert unannounced(bucket, limit=100).kinds == {".JSON": 100}
    assert bucket.listed == 101
