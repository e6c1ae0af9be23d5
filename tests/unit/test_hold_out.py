"""The hold-out is drawn by group, grows, and is never trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from ticketmill.learning.hold_out import MAX_JOINED, Candidate, Sides, Split, split


def example(number: int, group: str | None = None, label: str = "a", **more: bool) -> Candidate:
    return Candidate(f"t{number}", (label,), (f"group:{group}",) if group else (), **more)


def many(count: int, first: int = 0) -> list[Candidate]:
    return [example(number, label="ab"[number % 2]) for number in range(first, first + count)]


def sides(made: Split, candidates: Iterable[Candidate]) -> Sides:
    ids = {each.example_id for each in candidates}
    return Sides(held_out=made.held_out | made.unusable, trained=ids - made.held_out - made.unusable)


def groups_on_both_sides(made: Split, candidates: Sequence[Candidate]) -> set[str]:
    held = {made.groups[each] for each in made.held_out}
    return held & {
        made.groups[each.example_id] for each in candidates if each.example_id not in made.held_out
    }


def test_about_fifteen_percent_are_held_out() -> None:
    made = split(many(2000), [], Sides())
    assert 0.12 < len(made.held_out) / 2000 < 0.18


def test_no_group_is_on_both_sides() -> None:
    candidates = [example(number, f"customer {number % 60}", "ab"[number % 2]) for number in range(600)]
    made = split(candidates, [("t1", "t2"), ("t3", "t4")], Sides())
    assert made.groups["t1"] == made.groups["t2"] == made.groups["t61"]
    assert made.held_out
    assert groups_on_both_sides(made, candidates) == set()


def test_what_was_held_out_stays_so_and_what_was_trained_on_too_as_examples_come_and_go() -> None:
    first = many(300)
    before = sides(split(first, [], Sides()), first)
    second = [*many(100, 200), *many(400, 1000)]
    made = split(second, [], before)
    assert {each.example_id for each in second} & before.held_out <= made.held_out
    assert not made.held_out & before.trained
    assert len(made.held_out) > len({each.example_id for each in second} & before.held_out)


def test_an_example_like_one_that_is_held_out_is_held_out() -> None:
    first = many(300)
    before = sides(split(first, [], Sides()), first)
    held = min(before.held_out)
    made = split([*first, example(999)], [(held, "t999")], before)
    assert "t999" in made.held_out


def test_where_both_sides_come_into_one_group_the_hold_out_loses() -> None:
    first = many(300)
    before = sides(split(first, [], Sides()), first)
    held, trained = min(before.held_out), min(before.trained)
    made = split(first, [(held, trained)], before)
    assert made.unusable == {held}
    assert held not in made.held_out
    assert held not in sides(made, first).trained, "later trainings know it"


def test_the_shipped_corpus_never_judges_nor_what_is_like_it() -> None:
    corpus = [example(number, "shop", may_judge=False) for number in range(5000, 5300)]
    people = many(300)
    made = split([*corpus, *people], [], Sides())
    assert made.held_out
    assert all(int(each[1:]) < 300 for each in made.held_out)
    drawn = min(made.held_out)
    again = split([*corpus, *people], [("t5000", drawn)], Sides())
    assert drawn not in again.held_out


def test_a_near_duplicate_does_not_join_two_large_groups_but_leaves_the_hold_out() -> None:
    size = MAX_JOINED + 1
    candidates = [
        example(group * size + number, f"g{group}", "ab"[number % 2])
        for group in range(9)
        for number in range(size)
    ]
    plain = split(candidates, [], Sides())
    held, trained = min(plain.held_out), min({each.example_id for each in candidates} - plain.held_out)
    made = split(candidates, [(held, trained)], Sides())
    assert made.groups[held] != made.groups[trained]
    assert made.unusable == {held}
    assert made.held_out == plain.held_out - {held}


@pytest.mark.parametrize("groups", [3, 5, 10])
def test_few_groups_have_a_hold_out_all_the_same(groups: int) -> None:
    candidates = [example(number, f"g{number % groups}", "ab"[number // groups % 2]) for number in range(60)]
    made = split(candidates, [], Sides())
    assert 0 < len(made.held_out) <= 30


def test_each_label_keeps_examples_to_train_on() -> None:
    candidates = [*many(200), *(example(number, label="rare") for number in range(500, 504))]
    for share in (0.15, 0.9):
        made = split(candidates, [], Sides(), share)
        assert len([each for each in range(500, 504) if f"t{each}" not in made.held_out]) >= 2


def test_a_group_has_the_name_that_people_gave_it() -> None:
    made = split([example(1, "React"), example(2, "React"), example(3)], [], Sides())
    assert made.groups == {"t1": "React", "t2": "React", "t3": "~t3"}
