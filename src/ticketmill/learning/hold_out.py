"""Which examples judge, and are never trained on: about 15%, drawn by group, for ever.

A group is drawn by a hash of its name, so that chance decides once. What a dataset before held out stays held
out, and what was trained on stays trained on. Where such examples come into one group, those that were held
out can do neither.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from ticketmill.domain.records import Record

SHARE = 0.15
MAX_GROUP_SHARES = (0.25, 0.5)
"""A group with more of the examples than this is not drawn: too little would be left to train on. The second
one counts where no group is smaller."""
ALONE = "~"
"""Begins the name of a group that only the id of an example names."""
GIVEN = "group:"
"""Begins the link of a group that a file names."""
MIN_TRAINED = 2
"""Examples of each label that are kept for training."""
MAX_JOINED = 50
"""Near-duplicates of two groups that are both larger do not join them: the one that is held out leaves."""


class Sides(Record):
    """On which side each example has ever been."""

    held_out: frozenset[str] = Field(default_factory=frozenset)
    """Examples that judged: never trained on."""
    trained: frozenset[str] = Field(default_factory=frozenset)
    """Examples that were trained on: they never judge."""

    def knows(self, example_id: str) -> bool:
        """Whether an example has ever been on a side."""
        return example_id in self.held_out or example_id in self.trained

    def joined(self, other: Sides) -> Sides:
        """What either knows."""
        return Sides(held_out=self.held_out | other.held_out, trained=self.trained | other.trained)

    def without(self, example_id: str) -> Sides:
        """The same without one example."""
        return Sides(held_out=self.held_out - {example_id}, trained=self.trained - {example_id})


@dataclass(frozen=True, slots=True)
class Candidate:
    """An example as the draw sees it. One of the shipped corpus never judges: shipped models know it."""

    example_id: str
    labels: tuple[str, ...]
    links: tuple[str, ...] = ()
    may_judge: bool = True


@dataclass
class Split:
    """The group of each example, and its side."""

    groups: dict[str, str]
    held_out: set[str] = field(default_factory=set)
    unusable: set[str] = field(default_factory=set)
    """Held out once, and now like examples that are trained on."""


def split(
    candidates: Sequence[Candidate], alike: Iterable[tuple[str, str]], before: Sides, share: float = SHARE
) -> Split:
    """The sides of all candidates. `alike` are pairs of near-duplicates."""
    groups, apart = grouped(candidates, alike)
    members: dict[str, list[Candidate]] = {}
    for each in candidates:
        members.setdefault(groups[each.example_id], []).append(each)
    made = Split(groups)
    undecided = []
    for group, its in members.items():
        held = {each.example_id for each in its if each.example_id in before.held_out}
        is_trained = any(each.example_id in before.trained or not each.may_judge for each in its)
        if is_trained:
            made.unusable |= held
        elif held:
            made.held_out |= {each.example_id for each in its}
        else:
            undecided.append(group)
    _draw(undecided, members, made, share, MAX_GROUP_SHARES[0])
    if not made.held_out:
        _draw(undecided, members, made, share, MAX_GROUP_SHARES[1])
    for one, other in apart:
        sides = {each: each in made.held_out for each in (one, other)}
        made.unusable |= {each for each, is_held in sides.items() if is_held and not all(sides.values())}
    made.held_out -= made.unusable
    return made


def grouped(
    candidates: Sequence[Candidate], alike: Iterable[tuple[str, str]]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The name of each example's group, and the near-duplicates that are in two groups all the same."""
    forest = _Forest([each.example_id for each in candidates])
    by_link: dict[str, str] = {}
    for each in candidates:
        for link in each.links:
            forest.join(by_link.setdefault(link, each.example_id), each.example_id)
    apart = [pair for pair in alike if not forest.join(*pair, most=MAX_JOINED)]
    names: dict[str, str] = {}
    for each in candidates:
        # the given name first, so that people know the group; an example's id where nothing else is known
        root, name = forest.root(each.example_id), min(each.links, default=f"{ALONE}{each.example_id}")
        names[root] = min(names.get(root, name), name)
    named = {each.example_id: names[forest.root(each.example_id)].removeprefix(GIVEN) for each in candidates}
    return named, [pair for pair in apart if named[pair[0]] != named[pair[1]]]


def position(group: str) -> float:
    """Where a group stands in the draw, from 0 to 1: by its name alone."""
    digest = hashlib.blake2b(group.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def _draw(
    undecided: list[str], members: Mapping[str, list[Candidate]], made: Split, share: float, most: float
) -> None:
    """Holds out the undecided groups at the front; the first one that can be, where none is held out."""
    judging = sum(each.may_judge for its in members.values() for each in its)
    gone = made.held_out | made.unusable
    left = Counter(
        label
        for its in members.values()
        for each in its
        if each.example_id not in gone
        for label in each.labels
    )
    for group in sorted(undecided, key=position):
        its = members[group]
        if position(group) >= share and made.held_out:
            return
        taken = Counter(label for each in its for label in each.labels)
        leaves_enough = all(left[label] - count >= MIN_TRAINED for label, count in taken.items())
        if len(its) <= most * judging and leaves_enough:
            left.subtract(taken)
            made.held_out |= {each.example_id for each in its}


class _Forest:
    """Examples joined to groups, each with a root."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._parent = {each: each for each in ids}
        self._size = dict.fromkeys(self._parent, 1)

    def root(self, example_id: str) -> str:
        while self._parent[example_id] != example_id:
            self._parent[example_id] = self._parent[self._parent[example_id]]
            example_id = self._parent[example_id]
        return example_id

    def join(self, one: str, other: str, most: int | None = None) -> bool:
        """Makes one group of two. With `most` not where both have more members: False."""
        small, large = sorted((self.root(one), self.root(other)), key=lambda root: self._size[root])
        if small != large:
            if most is not None and self._size[small] > most:
                return False
            self._parent[small] = large
            self._size[large] += self._size[small]
        return True
