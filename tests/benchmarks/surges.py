"""How many surges are found, how soon, and how many alarms are false, on simulated streams of real texts.

    python tests/benchmarks/surges.py --data FILE [--per-day 200] [--tickets 12] [--incidents 40]
        [--seeds 3] [--store FILE.npz] [--json]

The file has one JSON object a line, with `text` and `intent`. A stream has so many texts a day, drawn from
the whole file, by the hour and the day of the week as in a support desk. After four quiet weeks, every other
day an incident puts so many texts of one intent into three hours; that intent also comes at its usual rate.
Incidents begin when tickets come: most in the afternoon. Each has another intent, while there are others.

The detector gets vectors, times and customers, and nothing else. An alarm finds the incident that at least
half of its tickets belong to; `at_ticket` is the median of how many of the incident's tickets had come.
Every alarm else is false. A second alarm for an incident is counted under `repeated`. With several seeds,
found, false_per_week and at_ticket are means of the streams, and `streams` has each. `--store` keeps the
vectors for the next run.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.queries.surges import Surge, SurgeScan
from ticketmill.queries.ticket_stream import DAY_S, HOUR_S, Arrival
from ticketmill.settings import load_settings

QUIET_DAYS = 28
DAYS_BETWEEN = 2
INCIDENT_S = 3 * HOUR_S
WEEKDAYS = np.array([1.25, 1.2, 1.15, 1.1, 1.05, 0.65, 0.6])
HOURS = 1 + 0.8 * np.sin((np.arange(24) - 8) / 24 * 2 * math.pi)
CUSTOMERS = 20_000


@dataclass(frozen=True, eq=False)
class Stream:
    arrivals: list[Arrival]
    incident_of: dict[str, int]
    """By ticket id, of the tickets of incidents."""
    weeks: float
    """From the first incident on."""


def vectors_of(path: Path, store: Path | None) -> tuple[Floats, list[str]]:
    """The embedding and the intent of each different text."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    intents = {row.get("text") or row["body"]: str(row["intent"]) for row in rows}
    if store and store.exists():
        with np.load(store) as kept:
            if kept["texts"].tolist() == list(intents):
                return np.asarray(kept["vectors"]), list(intents.values())
    settings, texts = load_settings(), list(intents)
    encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
    vectors = []
    for start in range(0, len(texts), 256):
        vectors += [each.embedding for each in encoder.encode(texts[start : start + 256])]
        print(f"{path.name}: {len(vectors)} of {len(texts)}", file=sys.stderr)
    if store:
        np.savez(store, texts=np.array(texts), vectors=np.stack(vectors))
    return np.stack(vectors), list(intents.values())


def simulate(
    vectors: Floats, intents: list[str], per_day: int, tickets: int, incidents: int, seed: int
) -> Stream:
    random = np.random.default_rng(seed)
    hours, weekdays = HOURS / HOURS.sum(), WEEKDAYS / WEEKDAYS.mean()
    drawn: list[tuple[float, int, int]] = []
    days = QUIET_DAYS + DAYS_BETWEEN * incidents
    for day in range(days):
        for _ in range(random.poisson(per_day * weekdays[day % 7])):
            at_s = day * DAY_S + (random.choice(24, p=hours) + random.random()) * HOUR_S
            drawn.append((at_s, int(random.integers(len(vectors))), -1))
    names = sorted(set(intents))
    of_intent = {name: np.flatnonzero(np.array(intents) == name) for name in names}
    order = [name for _ in range(-(-incidents // len(names))) for name in random.permutation(names)]
    for incident in range(incidents):
        texts = of_intent[order[incident]]
        start_s = (QUIET_DAYS + DAYS_BETWEEN * incident) * DAY_S
        start_s += (random.choice(24, p=hours) + random.random()) * HOUR_S
        chosen = random.choice(texts, tickets, replace=len(texts) < tickets)
        drawn += [(start_s + random.random() * INCIDENT_S, int(text), incident) for text in chosen]
    drawn.sort()
    arrivals = [
        Arrival(f"T{number}", at_s, vectors[text], f"C{random.integers(CUSTOMERS)}")
        for number, (at_s, text, _) in enumerate(drawn)
    ]
    incident_of = {f"T{number}": which for number, (_, _, which) in enumerate(drawn) if which >= 0}
    return Stream(arrivals, incident_of, (days - QUIET_DAYS) / 7)


def found_by(surge: Surge, stream: Stream) -> int | None:
    """The incident that at least half of the tickets of an alarm belong to, as it was raised."""
    ids = [each.ticket_id for each in surge.tickets]
    members = [stream.incident_of.get(each, -1) for each in ids[: ids.index(surge.opened_by) + 1]]
    most = max(set(members) - {-1}, key=members.count, default=-1)
    return most if most >= 0 and 2 * members.count(most) >= len(members) else None


def measure(stream: Stream, false_per_week: float) -> dict[str, Any]:
    """What a scan says of a stream."""
    started = time.process_time()
    alarms = SurgeScan(false_per_week).read(stream.arrivals)
    seconds = time.process_time() - started
    order = {each.ticket_id: number for number, each in enumerate(stream.arrivals)}
    at_ticket: dict[int, int] = {}
    false = repeated = 0
    for surge in alarms:
        incident, at = found_by(surge, stream), order[surge.opened_by]
        if incident is None:
            false += stream.arrivals[at].at_s >= QUIET_DAYS * DAY_S
        elif incident in at_ticket:
            repeated += 1
        else:
            came = (ticket for ticket, which in stream.incident_of.items() if which == incident)
            at_ticket[incident] = sum(order[ticket] <= at for ticket in came)
    return {
        "found": len(at_ticket),
        "false_per_week": round(false / stream.weeks, 2),
        "at_ticket": median(at_ticket.values()) if at_ticket else None,
        "repeated": repeated,
        "tickets_per_cpu_s": round(len(stream.arrivals) / seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--per-day", type=int, default=200)
    parser.add_argument("--tickets", type=int, default=12, help="of an incident")
    parser.add_argument("--incidents", type=int, default=40)
    parser.add_argument("--false-per-week", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    vectors, intents = vectors_of(given.data, given.store)
    streams = []
    for seed in range(given.seeds):
        stream = simulate(vectors, intents, given.per_day, given.tickets, given.incidents, seed)
        streams.append(measure(stream, given.false_per_week))
        print(f"seed {seed}: {streams[-1]}", file=sys.stderr)
    means = {
        name: round(fmean(known), 2)
        if (known := [each[name] for each in streams if each[name] is not None])
        else None
        for name in ("found", "false_per_week", "at_ticket", "repeated", "tickets_per_cpu_s")
    }
    found = {"incidents": given.incidents, **means, "streams": streams}
    if given.json:
        print(json.dumps(found))
        return
    print(f"{given.per_day} tickets a day, incidents of {given.tickets} in 3 h, {given.seeds} streams")
    print(f"found: {means['found']} of {given.incidents}, at the ticket {means['at_ticket']}")
    print(f"false alarms: {means['false_per_week']} a week; repeated: {means['repeated']}")


if __name__ == "__main__":
    main()
