"""What happens in one run, drawn from its seed: uploads, announcements, disruptions and outages.

The same seed and count give the same scenario. How processes interleave under it is the machine's affair.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ticketmill.domain.errors import RejectionCode
from ticketmill.learning.corpus import LabelledTicket, read_corpus

SAMPLES = Path(__file__).parents[2] / "events" / "samples" / "invalid"
MAX_TICKET_BYTES = 64 * 1024  # the workers are told so: what is too large need not be megabytes

# The life of one ticket, and how often it is told. A to C are valid contents, x and y invalid ones,
# @ announces the ticket by its id alone, ' marks an upload to a second key. A comma is a wait of seconds, and
# until a worker has read what came before: the next step meets it in flight or done. Without a comma the
# next step follows within the same second, more often than not.
STORIES = {
    "A": 40,
    "A,B": 7,
    "A,B,C": 4,
    "AB": 5,
    "ABC": 4,
    "AA": 2,
    "A,A": 3,
    "ABA": 2,
    "A,B,A": 2,
    "AxA": 1,
    "A,x,A": 4,
    "A,x,B": 2,
    "x,A": 2,
    "xA": 1,
    "@,A": 1,
    "@A": 1,
    "A,@": 1,
    "A,'B": 2,
    "A'B": 2,
    "A,'B,C": 1,
    "x": 7,
    "x,y": 1,
    "Ax": 1,
    "A,x": 2,
    "ABx": 1,
    "A,Bx": 2,
    "Axy": 1,
    "A,x,y": 2,
    "A,B,x": 2,
    "@x": 1,
    "@": 1,
}


@dataclass(frozen=True, slots=True)
class Drop:
    """One upload. Exactly one of `text` (subject and body of a valid ticket) and `code` is given.

    One that `waits` comes once the ticket's earlier one has been read.
    """

    at_s: float
    waits: bool
    ticket_id: str
    key: str
    content: bytes
    text: tuple[str, str] | None = None
    code: RejectionCode | None = None

    def __str__(self) -> str:
        what = "valid" if self.code is None else f"invalid ({self.code})"
        return f"{self.at_s:7.3f} s  upload to {self.key}, {what}, {len(self.content)} bytes"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message with a bare ticket id, which may come before the ticket itself."""

    at_s: float
    waits: bool
    ticket_id: str

    def __str__(self) -> str:
        return f"{self.at_s:7.3f} s  announced by its id"


@dataclass(frozen=True, slots=True)
class Disruption:
    """What befalls a worker: at once, or at a request of the kind `point`, before or after its effect.

    Its turn comes by the work that is done, not by the clock: a slow machine gets on as well as a fast one.
    """

    after_messages: int
    action: str
    point: str | None = None
    after: bool = False


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which most requests to one service fail; its turn comes as that of a disruption."""

    after_messages: int
    service: str
    length_s: float
    odds: float = 0.95


@dataclass(frozen=True)
class Scenario:
    """Everything that is meant to happen, in the order of time."""

    seed: int
    duration_s: float
    stories: dict[str, str]
    uploads: list[Drop | Announcement]
    disruptions: list[Disruption]
    outages: list[Outage]

    @property
    def drops(self) -> list[Drop]:
        return [each for each in self.uploads if isinstance(each, Drop)]

    def last_drops(self, ticket_id: str) -> list[Drop]:
        """The last upload to each key of a ticket: what the bucket holds in the end."""
        last = {each.key: each for each in self.drops if each.ticket_id == ticket_id}
        return list(last.values())

    def of(self, ticket_id: str) -> list[Drop | Announcement]:
        return [each for each in self.uploads if each.ticket_id == ticket_id]


def draw(seed: int, tickets: int, duration_s: float, outage_s: float = 0) -> Scenario:
    """The scenario of `seed`: so many tickets, their last uploads soon after `duration_s`.

    Early on S3 is down for `outage_s`, besides the short outages of every service.
    """
    dice = random.Random(f"scenario-{seed}")
    corpus = read_corpus()
    every, weights = list(STORIES), list(STORIES.values())
    told = [*every, *dice.choices(every, weights, k=max(0, tickets - len(every)))][:tickets]
    dice.shuffle(told)
    stories: dict[str, str] = {}
    uploads: list[Drop | Announcement] = []
    for number, story in enumerate(told):
        ticket_id = f"S{seed}-{number:04d}"
        stories[ticket_id] = story
        uploads += _told(story, ticket_id, dice.uniform(0, duration_s), dice, corpus)
    uploads.sort(key=lambda each: each.at_s)
    disruptions, outages = list(_disruptions(dice, tickets)), list(_outages(dice, tickets))
    if outage_s:
        outages.insert(1, Outage(outages[0].after_messages, "s3", outage_s, odds=1.0))
    return Scenario(seed, duration_s, stories, uploads, disruptions, outages)


def _told(
    story: str, ticket_id: str, at_s: float, dice: random.Random, corpus: list[LabelledTicket]
) -> Iterator[Drop | Announcement]:
    keys = [f"tickets/{ticket_id}.json", f"tickets/moved here/ü+{ticket_id}.json"]
    contents: dict[str, Drop] = {}
    key, waits = keys[0], False
    for step in story:
        if step == ",":
            at_s += dice.uniform(0.7, 6)
            waits = True
        elif step == "'":
            key = keys[1]
        else:
            if step == "@":
                yield Announcement(at_s, waits, ticket_id)
            else:
                made = contents.setdefault(step, _content(step, ticket_id, dice, corpus))
                yield Drop(at_s, waits, ticket_id, key, made.content, made.text, made.code)
            key, waits = keys[0], False
            at_s += dice.uniform(0.01, 0.2)


def _content(step: str, ticket_id: str, dice: random.Random, corpus: list[LabelledTicket]) -> Drop:
    if step.islower():
        code, make = dice.choice(INVALID)
        return Drop(0, False, ticket_id, "", make(ticket_id, f"{step}{dice.random()}"), code=code)
    ticket = dice.choice(corpus)
    document = {
        "ticket_id": ticket_id,
        "subject": ticket.subject,
        "body": ticket.body,
        "priority": dice.choice([None, "high", "p3", "urgent"]),
        "created_at": 1763712000 + dice.randrange(86400),
        "metadata": {"source": "email", "tags": [ticket.domain]},
        "upload": step,
    }
    content = json.dumps(document, ensure_ascii=dice.random() < 0.5).encode()
    return Drop(0, False, ticket_id, "", content, text=(ticket.subject, ticket.body))


def _sample(name: str) -> Callable[[str, str], bytes]:
    """A shipped invalid ticket under another id."""

    def make(ticket_id: str, mark: str) -> bytes:
        document = json.loads((SAMPLES / name).read_text(encoding="utf-8"))
        return json.dumps({**document, "ticket_id": ticket_id, "mark": mark}).encode()

    return make


def _not_json(ticket_id: str, mark: str) -> bytes:
    return (SAMPLES / "not-json.json").read_bytes() + mark.encode()


INVALID: list[tuple[RejectionCode, Callable[[str, str], bytes]]] = [
    (RejectionCode.NOT_JSON, _not_json),
    (RejectionCode.TEXT_NOT_FOUND, _sample("text-in-an-unknown-field.json")),
    (RejectionCode.EMPTY_TEXT, _sample("only-whitespace.json")),
    (RejectionCode.SCHEMA, lambda _, mark: json.dumps([mark]).encode()),
    (RejectionCode.NOT_UTF8, lambda _, mark: b'{"body": "\xff' + mark.encode() + b'"}'),
    (RejectionCode.DUPLICATE_KEY, lambda _, mark: f'{{"body": "{mark}", "body": "again"}}'.encode()),
    (RejectionCode.ID_UNUSABLE, lambda _, mark: json.dumps({"ticket_id": [mark], "body": mark}).encode()),
    (RejectionCode.TOO_LARGE, lambda _, mark: (mark + "." * MAX_TICKET_BYTES).encode()),
]

# Where a worker dies first of all: between object and row, row and acknowledgement, and just before that.
_FIRST = [("s3.PUT", True), ("dynamodb.PutItem", True), ("sqs.DeleteMessageBatch", False)]
_POINTS = [
    None,
    "sqs.ReceiveMessage",
    "s3.PUT",
    "dynamodb.PutItem",
    "dynamodb.UpdateItem",
    "sqs.DeleteMessageBatch",
]


def _disruptions(dice: random.Random, tickets: int) -> Iterator[Disruption]:
    messages = 2
    for first, after in dice.sample(_FIRST, k=len(_FIRST)):
        yield Disruption(messages, "kill", first, after)
        messages += dice.randint(6, 18)
    while messages < tickets * 10:
        action = dice.choices(["kill", "freeze", "stop"], [6, 3, 1])[0]
        point = None if action == "stop" else dice.choice(_POINTS)
        yield Disruption(messages, action, point, after=dice.random() < 0.6)
        messages += dice.randint(6, 24)


def _outages(dice: random.Random, tickets: int) -> Iterator[Outage]:
    services = ["s3", "sqs", "dynamodb"]
    messages = 1
    while messages < tickets * 10:
        for service in dice.sample(services, k=len(services)):
            yield Outage(messages, service, dice.uniform(2, 5))
            messages += dice.randint(6, 30)
