"""What a list is asked for: the labels, the time and the page, as the address of the page says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from urllib.parse import parse_qsl, urlencode

from ticketmill.domain.ticket_id import known_as
from ticketmill.entrypoints.web import filters
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.queries.columns import CLOSED_VOCABULARIES, CORRECTABLE, FILTERS, FLAGS, NAMES_OF_TASKS
from ticketmill.queries.filters import Filters
from ticketmill.queries.own_tasks import (
    NO_TASKS,
    Definitions,
    UnknownOwnLabel,
    check_task_names,
    labels_by_task,
)

DEFAULT_DAYS = 30
TIMES = ("since", "until")
WHERE = "where"
"""Names a label of one of your own tasks, as in `where`, `product_line=router`."""
QUEUE = "queue"
"""Asks for what is worth a label most, as in `queue`, `next`."""
WORDS = "words"
"""Asks for tickets by words, the best first, as in `words`, `card declined abroad`."""
MAX_PAIRS = 40
MAX_VALUE_CHARS = 128
MAX_WORDS_CHARS = 500

Pair = tuple[str, str]


class BadQuery(ValueError):
    """A filter that is none. The message says what there is."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """`pairs` are names and values in the order in which they were given, as in `urgency`, `high`."""

    pairs: tuple[Pair, ...] = ()
    cursor: str | None = None

    @classmethod
    def of(cls, given: Iterable[Pair]) -> ListQuery:
        """What the parameters of an address ask for; others than ours are left out."""
        known = {*FILTERS, *FLAGS, *TIMES, WHERE, QUEUE, WORDS}
        pairs = [(name, value.strip()) for name, value in given if name in known and value.strip()]
        cursor = next((value for name, value in given if name == "cursor" and value), None)
        for name, value in pairs:
            check(name, value)
        return cls(tuple(dict.fromkeys(pairs))[:MAX_PAIRS], cursor)

    @classmethod
    def of_text(cls, query: str) -> ListQuery:
        """What the text of an address asks for, as in `urgency=high&review=yes`."""
        return cls.of(parse_qsl(query, max_num_fields=2 * MAX_PAIRS))

    @property
    def filters(self) -> Filters:
        """The labels that a ticket must have."""
        labels: dict[str, tuple[str, ...]] = {}
        for name, value in self.pairs:
            facet = FILTERS.get(name) or FLAGS.get(name)
            if name == WHERE:
                facet, _, value = value.partition("=")
            if facet:
                labels[facet] = (*labels.get(facet, ()), value)
        return Filters(labels)

    @property
    def is_queue(self) -> bool:
        """Whether the order is that of what is worth a label most."""
        return any(name == QUEUE for name, _ in self.pairs)

    @property
    def words(self) -> str:
        """The words that tickets are looked for by; empty for a list."""
        return " ".join(value for name, value in self.pairs if name == WORDS)

    def checked(self, own: Definitions) -> ListQuery:
        """The same; BadQuery where it asks for a task or a label that is not among your `own` tasks."""
        try:
            labels_by_task((value for name, value in self.pairs if name == WHERE), own)
            for facet in NAMES_OF_TASKS:
                check_task_names(self.filters.labels.get(facet, ()), CORRECTABLE, own)
        except UnknownOwnLabel as error:
            raise BadQuery(str(error)) from None
        return self

    def since(self, now: datetime) -> datetime:
        """From when on tickets are listed: for 30 days, where nothing is said."""
        return self._moment("since", now) or now - timedelta(days=DEFAULT_DAYS)

    def searched_since(self, now: datetime) -> datetime | None:
        """From when on tickets are looked for by words: of any time, where nothing is said."""
        return self._moment("since", now)

    def until(self, now: datetime) -> datetime | None:
        """Before when; None for now."""
        return self._moment("until", now)

    def _moment(self, name: str, now: datetime) -> datetime | None:
        given = dict(self.pairs).get(name)
        return moment(given, now) if given else None

    def text(self) -> str:
        """As the text of an address, without the page."""
        return urlencode(self.pairs)

    def address(self) -> str:
        """The address of the list, with the page where there is one."""
        pairs = [*self.pairs, *([("cursor", self.cursor)] if self.cursor else [])]
        return f"/?{urlencode(pairs)}"

    def of_ticket(self, ticket_id: str) -> str:
        """The address of a ticket beside this list."""
        return f"{ticket_address(ticket_id)}{self.address()[1:]}"

    def at(self, cursor: str | None) -> ListQuery:
        """The same list at another page."""
        return replace(self, cursor=cursor)

    def without(self, pair: Pair) -> ListQuery:
        """The list without one of its filters, from its beginning."""
        return ListQuery(tuple(each for each in self.pairs if each != pair))

    def narrowed(self, name: str, value: str) -> ListQuery:
        """The list with one more filter, from its beginning. It replaces those of the same name."""
        pair = pair_of(name, value)
        kept = (each for each in self.pairs if _named(each) != _named(pair))
        return ListQuery((*kept, pair))


def pair_of(name: str, value: str) -> Pair:
    """The pair of a filter, or of a label of one of your own tasks."""
    return (name, value) if name in {*FILTERS, *FLAGS, *TIMES} else (WHERE, f"{name}={value}")


def _named(pair: Pair) -> str:
    """The filter of a pair, or its task where it is one of your own."""
    name, value = pair
    return value.partition("=")[0] if name == WHERE else name


def ticket_address(ticket_id: str) -> str:
    """The address of a ticket. All of an id's characters may stand in a path."""
    return f"/tickets/{ticket_id}"


def check(name: str, value: str) -> None:
    """Refuses a value that the filter of that name cannot have. BadQuery says what it can."""
    most = MAX_WORDS_CHARS if name == WORDS else MAX_VALUE_CHARS
    if len(value) > most:
        raise BadQuery(f"a value of {name} is longer than {most} characters")
    if name == QUEUE and value != "next":
        raise BadQuery(f"{name} is `next` or left out")
    if name in FLAGS and value != "yes":
        raise BadQuery(f"{name} is `yes` or left out")
    if name in TIMES:
        moment(value, datetime.now(UTC))
    known = CLOSED_VOCABULARIES.get(FILTERS.get(name, ""), ())
    if known and value not in known:
        near = get_close_matches(value, known, n=1)
        hint = f' (did you mean "{near[0]}"?)' if near else ""
        raise BadQuery(f'there is no {name} "{value}"{hint}; there are: {", ".join(known)}')


def moment(text: str, now: datetime) -> datetime:
    """What is meant by `7d`, `24h`, a day or an ISO 8601 time. A time without a zone is UTC."""
    try:
        return filters.moment("since", text, now)
    except Problem:
        raise BadQuery(f"a time is as {filters.SINCE_EXPECTED}") from None


def typed(
    text: str, labels: Sequence[Pair], own: Definitions = NO_TASKS, can_search: bool = False
) -> ListQuery | str:
    """What a person typed: words as `urgency:high`, or labels alone; the id of a ticket where it is one.

    `labels` are the labels that need no name before them, each with its filter or with one of your `own`
    tasks. Where the server `can_search`, tickets are looked for by any other words, and by the labels that
    stand among them. BadQuery says what is wrong.
    """
    by_label = {label: (name, label) for name, label in reversed(labels)}
    by_label |= {name: (name, "yes") for name in FLAGS}
    names = (*FILTERS, *FLAGS, *TIMES, *own)
    words = text.split()
    pairs = [_filter_of(word, names) or by_label.get(word) for word in words]
    unknown = [word for word, pair in zip(words, pairs, strict=True) if pair is None]
    if len(words) == 1 and unknown and known_as(words[0]):
        return words[0]
    if unknown and (not can_search or any(_is_misspelled(word, names) for word in unknown)):
        told = f"write as in urgency:high, with one of {', '.join(names)}"
        raise BadQuery(f'"{unknown[0]}" is no label; {told}')
    given = [pair_of(*pair) for pair in pairs if pair is not None]
    if unknown:
        given = [pair_of(*pair) for word in words if (pair := _filter_of(word, names))]
        given.append((WORDS, " ".join(word for word in words if not _filter_of(word, names))))
    return ListQuery.of(given).checked(own)


def _filter_of(word: str, names: Sequence[str]) -> Pair | None:
    """The filter that a word is, as in `urgency:high`."""
    name, colon, value = word.partition(":")
    return (name, value) if colon and name in names else None


def _is_misspelled(word: str, names: Sequence[str]) -> bool:
    """Whether a word looks like a filter whose name is spelled otherwise."""
    name, colon, _ = word.partition(":")
    return bool(colon and get_close_matches(name, names, n=1))
