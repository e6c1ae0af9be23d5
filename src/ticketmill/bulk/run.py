"""A bulk run: what is to be done, what is done already, the rest, and what came of it all."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from ticketmill.bulk.part_enricher import (
    ENRICHED,
    RECEIPT,
    REJECTED,
    SETUP,
    FailedPart,
    Format,
    Outcome,
    Receipt,
)
from ticketmill.bulk.ports import Outputs
from ticketmill.domain.bulk import Part, Source
from ticketmill.domain.errors import SetupError

SUCCESS = "_SUCCESS"
"""The name of the manifest, stored when every part is done. Spark and others look for this name."""
RECEIPT_READERS = 16
MAX_FAILED_PARTS = 20
"""A run ends early when so many parts failed."""

Engine = Callable[[Sequence[Part]], Generator[Outcome]]
"""Does parts, in any order; closing the iterator stops it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run makes of which sources. Equal plans give equal names: a run goes on with another's work."""

    sources: tuple[Source, ...]
    parts: tuple[Part, ...]
    made_by: str
    """What decides an output: the fingerprint of the bundle, and the serials that are followed."""
    format: Format

    def stored_names(self, part: Part) -> tuple[str, str, str]:
        """The names of a part's objects: enriched tickets, rejections, receipt."""
        name = part.name(self.made_by)
        return f"{ENRICHED}{name}.{self.format}", f"{REJECTED}{name}.jsonl", f"{RECEIPT}{name}.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """The parts of a plan at one time."""

    done: tuple[Part, ...]
    rest: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is of a plan after a run."""

    inputs: int
    parts: int
    parts_done_before: int
    parts_stored: int
    enriched: int
    partial: int
    rejected: int
    failed_parts: tuple[FailedPart, ...]


def progress_of(plan: Plan, outputs: Outputs) -> Progress:
    """Which parts are stored. SetupError where results of anything else are there, or would be read again."""
    present = set(outputs.names())
    names = {part: plan.stored_names(part) for part in plan.parts}
    known = {name for three in names.values() for name in three}
    foreign = sorted(name for name in present - known if name.startswith((ENRICHED, REJECTED, RECEIPT)))
    if foreign:
        raise SetupError(
            f"{outputs.location} has results of another run, such as {foreign[0]}: its inputs, bundle, "
            "rollout, format or size of parts were others. Choose another --to, or delete them"
        )
    inside = next((each for each in plan.sources if each.name.startswith(f"{outputs.location}/")), None)
    if inside is not None:
        raise SetupError(f"{inside.name} lies in {outputs.location}: choose a --to apart from the inputs")
    done = {part for part, (enriched, _, receipt) in names.items() if {enriched, receipt} <= present}
    return Progress(
        tuple(part for part in plan.parts if part in done),
        tuple(part for part in plan.parts if part not in done),
    )


def run(
    plan: Plan, progress: Progress, outputs: Outputs, engine: Engine, advance: Callable[[], object]
) -> Summary:
    """Does the rest of a plan, and stores the manifest when nothing is left. `advance` is called a part.

    A source that changes meanwhile fails its parts; the others are done all the same.
    """
    outcomes = _rest(progress, outputs, engine, advance)
    failed = tuple(each for each in outcomes if isinstance(each, FailedPart))
    receipts = [each for each in outcomes if isinstance(each, Receipt)]
    receipts += _receipts(plan, progress.done, outputs)
    summary = Summary(
        inputs=len(plan.sources),
        parts=len(plan.parts),
        parts_done_before=len(progress.done),
        parts_stored=len(receipts),
        enriched=sum(each.enriched for each in receipts),
        partial=sum(each.partial for each in receipts),
        rejected=sum(each.rejected for each in receipts),
        failed_parts=failed,
    )
    if len(receipts) == len(plan.parts):
        outputs.put(SUCCESS, _manifest(plan, summary))
    return summary


def in_this_process(
    make_worker: Callable[[], Callable[[Part], Outcome]], parts: Sequence[Part]
) -> Generator[Outcome]:
    """Does parts one after another; the models are loaded once."""
    worker = make_worker()
    yield from map(worker, parts)


def _rest(
    progress: Progress, outputs: Outputs, engine: Engine, advance: Callable[[], object]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    failures = 0
    if not progress.rest:
        return outcomes
    outputs.delete(SUCCESS)
    with closing(engine(progress.rest)) as under_way:
        for outcome in under_way:
            outcomes.append(outcome)
            if isinstance(outcome, FailedPart):
                failures += 1
                if outcome.code == SETUP:
                    raise SetupError(outcome.message)
            advance()
            if failures == MAX_FAILED_PARTS:
                break
    return outcomes


def _receipts(plan: Plan, parts: Iterable[Part], outputs: Outputs) -> Iterator[Receipt]:
    """What earlier runs stored of `parts`."""
    names = [plan.stored_names(part)[2] for part in parts]
    with ThreadPoolExecutor(RECEIPT_READERS) as executor:
        for body in executor.map(outputs.get, names):
            yield Receipt(**json.loads(body))


def _manifest(plan: Plan, summary: Summary) -> bytes:
    told = {
        "made_by": plan.made_by,
        "format": plan.format,
        "parts": summary.parts,
        "tickets": summary.enriched + summary.rejected,
        "enriched": summary.enriched,
        "partial": summary.partial,
        "rejected": summary.rejected,
        "inputs": [
            {"name": each.name, "size_bytes": each.size_bytes, "version": each.version}
            for each in plan.sources
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode()
