"""`ticketmill backfill`: enriches what is in the raw bucket already."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import TICKETS_PREFIX
from ticketmill.domain.labels import Status
from ticketmill.entrypoints.cli.output import ExitCode, answer, answer_json, progress, say
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.backfill import Selection
    from ticketmill.operations.backfill import Backfill, Chosen, Page
    from ticketmill.operations.reprocess import Announce, Redo, Redone, Report
    from ticketmill.queries.label_counts import LabelCounts
    from ticketmill.settings import Settings

TOLD_TROUBLES = 20
ENRICHED = ("enriched", "partial", "duplicate")
CHOOSE = (
    "choose what to enrich: --missing, --outdated, --status, --ids, --prefix, --since, --limit or --all; "
    "--dry-run shows what it would be"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the flags say: among which objects, and what to do."""

    selection: Selection
    ids: Sequence[str] | None
    limit: int | None
    inline: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Means:
    """What finds the objects and what is done with them, so many at a time and so many times at once."""

    backfill: Backfill
    redo: Redo
    batch_size: int
    worker_threads: int


@dataclass
class Found:
    """What a run has come to."""

    report: Report
    label_counts: LabelCounts | None
    """Of the rows behind what was enriched here; None where others do that."""
    absent: list[str] = field(default_factory=list)
    """Ids without an object."""
    problem: str | None = None
    """Why the bucket was not listed to its end."""
    chosen: list[Chosen] = field(default_factory=list)
    """What a dry run would enrich."""
    interrupted: bool = False
    seconds: float = 0.0


def backfill(
    everything: Annotated[
        bool, typer.Option("--all", help="Every object; what is enriched already costs no model run.")
    ] = False,
    ids: Annotated[str | None, typer.Option(metavar="A,B", help="The tickets of these ids.")] = None,
    missing: Annotated[bool, typer.Option("--missing", help="What the table does not know.")] = False,
    outdated: Annotated[bool, typer.Option("--outdated", help="What another bundle enriched.")] = False,
    status: Annotated[
        list[Status] | None,
        typer.Option(metavar="STATUS", help="What is partial, rejected or failed; repeatable."),
    ] = None,
    prefix: Annotated[str, typer.Option(help="Only keys that begin so.")] = TICKETS_PREFIX,
    since: Annotated[str | None, typer.Option(help=f"Only uploads since: {EXPECTED}.")] = None,
    after: Annotated[str, typer.Option(metavar="KEY", help="Only keys after this one: go on there.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="The first so many.")] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Enrich here, without queue and worker.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Enrich nothing; say what would be.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Enrich what is in the raw bucket already: announce it to the workers, or enrich it --inline.

    --missing, --outdated and --status add up; all others narrow what they choose, or everything.
    """
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings
    from ticketmill.telemetry import logs

    reasons: dict[str, Any] = {
        "missing": missing,
        "outdated": outdated,
        "statuses": frozenset(_redoable(status or ())),
    }
    if everything and any(reasons.values()):
        raise typer.BadParameter("--all takes everything: leave --missing, --outdated and --status out")
    if not (everything or any(reasons.values()) or ids or since or limit or prefix != TICKETS_PREFIX):
        raise typer.BadParameter(CHOOSE)
    if ids and (after or prefix != TICKETS_PREFIX):
        raise typer.BadParameter("--ids says which tickets: leave --prefix and --after out")
    reasons["everything"] = not any(reasons.values())
    from ticketmill.domain.backfill import Selection

    selection = Selection(**reasons, prefix=prefix, after=after, max_age_s=_age_s(since))
    asked = Asked(selection, None if ids is None else _ids(ids), limit, inline, dry_run)
    logs.configure("text", verbose=False)
    settings = load_settings()
    found = _run(settings, bootstrap.connect(settings), asked)
    _answer_json(asked, found) if as_json else _answer(asked, found)
    _end(asked, found)


def _run(settings: Settings, place: Adapters, asked: Asked) -> Found:
    """Does what is asked, until it is done or a signal comes."""
    from ticketmill.operations.reprocess import Report, work_through
    from ticketmill.queries.label_counts import LabelCounts

    found = Found(Report(), LabelCounts() if asked.inline and not asked.dry_run else None)
    means = (
        _inline(settings, place)
        if found.label_counts is not None
        else _elsewhere(settings, place, asked, found)
    )
    started = time.monotonic()
    with _stop_on_signal() as stopping, _progress(means.backfill, asked) as advance:
        pages = _pages(means.backfill, asked, found)
        for page, redone in work_through(pages, means.redo, means.batch_size, means.worker_threads, stopping):
            found.report.add(page, redone)
            _count_labels(place, redone, found)
            advance(len(redone) if asked.limit else page.looked_at)
        found.interrupted = stopping.is_set()
    found.seconds = time.monotonic() - started
    return found


def _inline(settings: Settings, place: Adapters) -> Means:
    """What enriches in this process."""
    from ticketmill import bootstrap
    from ticketmill.operations.reprocess import inline

    enricher = bootstrap.load_enricher(settings)
    pipeline = bootstrap.make_pipeline(settings, place, enricher)
    backfill = bootstrap.make_backfill(settings, place, enricher.fingerprint, pipeline.executor)
    return Means(
        backfill,
        inline(_announce(place), pipeline.process_batch),
        settings.batch_size,
        settings.worker_threads,
    )


def _elsewhere(settings: Settings, place: Adapters, asked: Asked, found: Found) -> Means:
    """What announces to the workers, or only looks."""
    from ticketmill import bootstrap
    from ticketmill.operations.backfill import PAGE_KEYS
    from ticketmill.operations.reprocess import enqueue

    # whoever does not ask for what is outdated needs no bundle here
    fingerprint = bootstrap.current_fingerprint(settings) if asked.selection.outdated else ""
    executor = ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io")
    backfill = bootstrap.make_backfill(settings, place, fingerprint, executor)
    if asked.dry_run:
        return Means(backfill, _looking(found), PAGE_KEYS, worker_threads=1)
    return Means(
        backfill, enqueue(_announce(place), place.queue.send_many), PAGE_KEYS, settings.worker_threads
    )


def _announce(place: Adapters) -> Announce:
    from ticketmill.aws.events import announcement

    return partial(announcement, place.stack.raw_bucket)


def _pages(backfill: Backfill, asked: Asked, found: Found) -> Iterator[Page]:
    """What is asked for, as far as the bucket can be listed."""
    from ticketmill.operations.backfill import limited

    try:
        if asked.ids is not None:
            page, found.absent = backfill.named(asked.selection, asked.ids)
            pages = iter([page])
        else:
            pages = backfill.pages(asked.selection)
        yield from limited(pages, asked.limit) if asked.limit else pages
    except TransientFailure as failure:
        found.problem = str(failure)


def _looking(found: Found) -> Redo:
    """Does nothing but to note what would be done."""
    from ticketmill.operations.backfill import named_id
    from ticketmill.operations.reprocess import Redone

    def look(chosen: Sequence[Chosen]) -> list[Redone]:
        found.chosen += chosen
        return [Redone(named_id(each), "chosen") for each in chosen]

    return look


def _count_labels(place: Adapters, redone: Sequence[Redone], found: Found) -> None:
    if found.label_counts is None:
        return
    enriched = [each.ticket_id for each in redone if each.result in ENRICHED]
    try:
        found.label_counts.add(place.rows.get_many(enriched).values())
    except TransientFailure as failure:
        say(f"the labels of {len(enriched)} tickets are not counted: {failure}")


def _progress(backfill: Backfill, asked: Asked) -> Any:
    """What is called with the number of objects, or of chosen ones where they are limited, that are done."""
    if asked.dry_run:
        return nullcontext(lambda _count: None)
    if asked.limit:
        return progress("tickets", total=asked.limit)
    if asked.ids is not None:
        return progress("tickets", total=len(asked.ids))
    return progress("looked at", total=backfill.count(asked.selection))


@contextmanager
def _stop_on_signal() -> Iterator[Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one ends the process."""
    stopping = Event()

    def stop(signum: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        stopping.set()

    previous = {name: signal.signal(name, stop) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for name, handler in previous.items():
            signal.signal(name, handler)


def _answer(asked: Asked, found: Found) -> None:
    from ticketmill.entrypoints.cli.results import label_counts_table

    report = found.report
    for chosen in found.chosen:
        answer(f"{chosen.reason}  {chosen.key!r}")
    reasons = _told(report.chosen)
    if asked.dry_run:
        answer(f"would enrich {report.chosen.total()} of {report.looked_at} objects{reasons}")
    else:
        answer(f"chose {report.chosen.total()} of {report.looked_at} objects{reasons}")
        rate = report.results.total() / found.seconds if found.seconds else 0.0
        results = ", ".join(f"{result} {count}" for result, count in report.results.most_common())
        answer(f"{results or 'nothing to do'} in {found.seconds:.1f} s, {rate:.1f}/s")
    if found.label_counts is not None and found.label_counts.rows:
        label_counts_table(f"Labels of {found.label_counts.rows} tickets", found.label_counts)
    for result, troubles in (("failed", report.failed), ("rejected", report.rejected)):
        for each in troubles[:TOLD_TROUBLES]:
            say(f"{result} {each.name!r}: {each.reason}")
        if len(troubles) > TOLD_TROUBLES:
            say(f"and {len(troubles) - TOLD_TROUBLES} more {result}: --json names them all")


def _answer_json(asked: Asked, found: Found) -> None:
    report = found.report
    answer_json(
        {
            "dry_run": asked.dry_run,
            "looked_at": report.looked_at,
            "chosen": report.chosen.total(),
            "reasons": report.chosen,
            **(
                {"objects": [{"key": each.key, "reason": each.reason} for each in found.chosen]}
                if asked.dry_run
                else {"results": report.results, "seconds": round(found.seconds, 2)}
            ),
            "failed": {each.name: each.reason for each in report.failed},
            "rejected": {each.name: each.reason for each in report.rejected},
            "labels": None if found.label_counts is None else found.label_counts.as_dict(),
            "absent": found.absent,
            "after": report.after,
            "interrupted": found.interrupted,
            "problem": found.problem,
        }
    )


def _end(asked: Asked, found: Found) -> None:
    """Tells what did not come out as asked and how to go on, and ends with its exit code."""
    report = found.report
    for name in found.absent:
        say(f"no object of ticket {name}")
    if found.problem is not None:
        say(f"stopped: {found.problem}")
    cut = asked.limit is not None and report.chosen.total() == asked.limit
    if asked.ids is None and (found.interrupted or found.problem or cut):
        say(f"to go on, {_going_on(report.after)}")
    if found.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if found.problem is not None or report.failed:
        raise typer.Exit(ExitCode.FAULT)
    if found.absent:
        raise typer.Exit(ExitCode.NOT_FOUND)
    if report.rejected:
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _going_on(after: str) -> str:
    if not after:
        return "run the same command again"
    if not after.isprintable():
        return "run the same command after the key that --json tells as `after`"
    return f"add to the same command: --after {shlex.quote(after)}"


def _told(reasons: Any) -> str:
    told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    return f" ({told})" if told else ""


def _age_s(since: str | None) -> float | None:
    if since is None:
        return None
    age_s = (datetime.now(UTC) - parse_since(since)).total_seconds()
    if age_s < 0:
        raise typer.BadParameter("expected a time in the past for --since")
    return age_s


def _ids(text: str) -> list[str]:
    ids = list(dict.fromkeys(filter(None, (each.strip() for each in text.split(",")))))
    from ticketmill.domain.ticket import is_usable_id

    unusable = [each for each in ids if not is_usable_id(each)]
    if unusable or not ids:
        raise typer.BadParameter(
            f"expected ids of tickets, with commas between them, found {unusable or text!r}"
        )
    return ids


def _redoable(statuses: Sequence[Status]) -> Sequence[Status]:
    if Status.ENRICHED in statuses:
        raise typer.BadParameter(
            "--status takes partial, rejected and failed; --outdated finds what another bundle enriched"
        )
    return statuses
