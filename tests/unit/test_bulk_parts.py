"""How a bulk run cuts files into parts, and what it calls them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ticketmill.aws.bulk_objects import key_pattern
from ticketmill.bulk.cutting import cut
from ticketmill.bulk.json_lines import TAIL_BYTES, lines_between
from ticketmill.domain.bulk import Part, Source

LINES = Source("/data/tickets.jsonl", 1000, "v1", "s1")
TABLE = Source("/data/tickets.parquet", 5000, "v1", "s1")


def single(number: int, size_bytes: int = 100) -> Source:
    return Source(f"/data/{number:04d}.json", size_bytes, f"v{number}", "s")


def ten_rows(_source: Source) -> tuple[int, int]:
    """Ten rows of a hundred bytes."""
    return 10, 1000


def parts_of(*sources: Source, part_bytes: int = 300) -> list[Part]:
    return list(cut(sources, ten_rows, part_bytes))


def ranges(parts: Sequence[Part]) -> list[tuple[int, int]]:
    return [(piece.start, piece.stop) for part in parts for piece in part.pieces]


def test_json_lines_are_cut_by_bytes_and_parquet_by_rows() -> None:
    assert ranges(parts_of(LINES)) == [(0, 300), (300, 600), (600, 900), (900, 1000)]
    assert ranges(parts_of(TABLE)) == [(0, 3), (3, 6), (6, 9), (9, 10)]


def test_a_row_that_is_larger_than_a_part_is_a_part() -> None:
    assert ranges(parts_of(TABLE, part_bytes=1)) == [(row, row + 1) for row in range(10)]


def test_files_of_one_ticket_share_parts() -> None:
    parts = parts_of(*map(single, range(7)))
    assert [[piece.source.name[6:10] for piece in part.pieces] for part in parts] == [
        ["0000", "0001", "0002"],
        ["0003", "0004", "0005"],
        ["0006"],
    ]


def test_an_empty_file_has_no_part() -> None:
    assert parts_of(replace(LINES, size_bytes=0)) == []


def test_every_part_has_a_name_of_its_own_that_every_run_gives_it() -> None:
    sources = LINES, replace(LINES, name="/other/tickets.jsonl"), TABLE, *map(single, range(7))
    names = [part.name("f1") for part in parts_of(*sources)]
    assert names == [part.name("f1") for part in parts_of(*sources)]
    assert len(set(names)) == len(names) == 15
    assert names[:2] == sorted(names[:2])


def test_a_name_says_file_range_and_what_made_it() -> None:
    stem, _, stretch, _, made_by = parts_of(LINES)[1].name("0d46f8dcafdb-3-17").split(".")
    assert (stem, stretch, made_by) == ("tickets", "000000000300-000000000600", "0d46f8dcafdb-3-17")


@pytest.mark.parametrize("name", ["/data/a b:ü/'ticket s'.jsonl", f"/data/{'x' * 300}.jsonl"])
def test_any_file_gives_a_short_name_of_plain_characters(name: str) -> None:
    given = parts_of(replace(LINES, name=name))[0].name("f1")
    assert len(given) < 120
    assert set(given) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_other_content_another_bundle_and_another_cut_give_other_names() -> None:
    def names(source: Source = LINES, made_by: str = "f1", part_bytes: int = 300) -> set[str]:
        return {part.name(made_by) for part in parts_of(source, part_bytes=part_bytes)}

    others = [names(replace(LINES, version="v2")), names(made_by="f2"), names(part_bytes=301)]
    assert not any(names() & other for other in others)
    assert names(replace(LINES, stamp="s2")) == names()  # touched, and nothing else


def stretches_of(body: bytes, step: int, max_line_bytes: int = 10_000) -> list[tuple[int, bytes]]:
    def read(start: int, stop: int) -> bytes:
        assert 0 <= start <= stop <= len(body)
        return body[start:stop]

    return [
        found
        for start in range(0, len(body), step)
        for found in lines_between(read, len(body), start, min(start + step, len(body)), max_line_bytes)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_wherever_a_file_is_cut_each_line_is_read_once(seed: int) -> None:
    chance = random.Random(seed)
    lines = [b"x" * chance.choice([0, 1, 2, 7, 30]) for _ in range(60)]
    body = b"\n".join(lines) + chance.choice([b"", b"\n"])
    for step in (1, 2, 3, chance.randrange(4, 40), len(body)):
        found = stretches_of(body, step)
        assert [line for _, line in found] == [line for line in lines if line]
        assert all(body[at : at + len(line)] == line for at, line in found)


def test_a_line_may_go_on_over_many_parts() -> None:
    line = b"y" * (3 * TAIL_BYTES)
    body = b"a\n" + line + b"\nb\n"
    found = stretches_of(body, 1000, max_line_bytes=len(line))
    assert [line for _, line in found] == [b"a", line, b"b"]


def test_a_line_that_is_too_long_is_read_to_where_that_can_be_seen() -> None:
    body = b"a\n" + b"y" * (10 * TAIL_BYTES) + b"\nb\n"
    (_, first), (_, cut_off), (_, last) = stretches_of(body, 1000, max_line_bytes=2000)
    assert (first, last) == (b"a", b"b")
    assert 2000 < len(cut_off) < 3 * TAIL_BYTES


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"),
    [
        ("in/*.jsonl", ["in/a.jsonl"], ["in/b/a.jsonl", "in/a.json", "other/in/a.jsonl"]),
        ("in/**/*.jsonl", ["in/a.jsonl", "in/b/c/a.jsonl"], ["on/a.jsonl"]),
        ("in/2026-??/a.json", ["in/2026-01/a.json"], ["in/2026-1/a.json", "in/2026-1//a.json"]),
        ("in/a+b(1)*.json", ["in/a+b(1)2.json"], ["in/aab12.json"]),
    ],
)
def test_a_star_stays_in_its_folder_and_two_do_not(
    pattern: str, found: list[str], not_found: list[str]
) -> None:
    matches = key_pattern(pattern).fullmatch
    assert [key for key in found if not matches(key)] == []
    assert [key for key in not_found if matches(key)] == []
