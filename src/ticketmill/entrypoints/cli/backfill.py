"""`ticketmill backfill`: enriches what is in the raw bucket already."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import TICKETS_PREFIX
from ticketmill.domain.labels import Status
from ticketmill.entrypoints.cli import backfill_answer
from ticketmill.entrypoints.cli.output import progress, say
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since
from ticketmill.entrypoints.signals import stop_on_signal

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.backfill import Selection
    from ticketmill.entrypoints.cli.backfill_answer import Run
    from ticketmill.operations.backfill import Announce, Backfill, Chosen, Page
    from ticketmill.operations.reprocess import Reprocess, Reprocessed
    from ticketmill.settings import Settings

ENRICHED = ("enriched", "partial", "duplicate")
CHOOSE = (
    "choose what to enrich: --missing, --outdated, --status, --ids, --prefix, --since, --limit or --all; "
    "--dry-run shows what it would be"
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the flags say: among which objects, and what to do."""

    selection: Selection
    ids: Sequence[str] | None
    limit: int | None
    inline: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Processor:
    """What finds the objects, and what it does with each batch of them."""

    backfill: Backfill
    reprocess: Reprocess
    batch_size: int
    worker_threads: int


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
    force: Annotated[
        bool, typer.Option("--force", help="Enrich again even what this bundle has enriched already.")
    ] = False,
    inline: Annotated[bool, typer.Option("--inline", help="Enrich here, without queue and worker.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Enrich nothing; say what would be.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Enrich what is in the raw bucket already: announce it to the workers, or enrich it --inline.

    --missing, --outdated and --status add up; all others narrow what they choose, or everything.
    """
    from ticketmill import bootstrap
    from ticketmill.domain.backfill import Selection
    from ticketmill.settings import load_settings
    from ticketmill.telemetry import logs

    reasons: dict[str, Any] = {
        "missing": missing,
        "outdated": outdated,
        "statuses": frozenset(_selectable(status or ())),
    }
    if everything and any(reasons.values()):
        raise typer.BadParameter("--all takes everything: leave --missing, --outdated and --status out")
    if not (everything or any(reasons.values()) or ids or since or limit or prefix != TICKETS_PREFIX):
        raise typer.BadParameter(CHOOSE)
    if ids and (after or prefix != TICKETS_PREFIX):
        raise typer.BadParameter("--ids says which tickets: leave --prefix and --after out")
    reasons["everything"] = not any(reasons.values())
    selection = Selection(**reasons, prefix=prefix, after=after, uploaded_since=_moment(since), force=force)
    options = Options(selection, None if ids is None else _ids(ids), limit, inline, dry_run)
    logs.configure("text", verbose=False)
    settings = load_settings()
    run = _run(settings, bootstrap.connect(settings), options)
    if as_json:
        backfill_answer.answer_json(run, dry_run=dry_run)
    else:
        backfill_answer.answer(run, dry_run=dry_run)
    backfill_answer.end(run, limit=limit, since=selection.uploaded_since, can_go_on=ids is None)


def _run(settings: Settings, adapters: Adapters, options: Options) -> Run:
    """Does what the options say, until it is done or a signal comes."""
    from ticketmill.entrypoints.cli.backfill_answer import Run
    from ticketmill.operations.reprocess import Report, work_through
    from ticketmill.queries.label_counts import LabelCounts

    run = Run(Report(), LabelCounts() if options.inline and not options.dry_run else None)
    processor = (
        _inline(settings, adapters, options)
        if run.label_counts is not None
        else _by_workers(settings, adapters, options, run)
    )
    stopping = Event()
    started = time.monotonic()
    with stop_on_signal(stopping.set), _progress(processor.backfill, options) as advance:
        pages = _pages(processor.backfill, options, run)
        for page, reprocessed in work_through(
            pages, processor.reprocess, processor.batch_size, processor.worker_threads, stopping
        ):
            run.report.add(page, reprocessed)
            _count_labels(adapters, reprocessed, run)
            advance(len(reprocessed) if options.limit else page.looked_at)
        run.interrupted = stopping.is_set()
    run.seconds = time.monotonic() - started
    if options.dry_run:
        _look_for_unannounced(adapters, run)
    return run


def _inline(settings: Settings, adapters: Adapters, options: Options) -> Processor:
    """Enriches in this process."""
    from ticketmill import bootstrap
    from ticketmill.operations.reprocess import inline

    enricher = bootstrap.load_enricher(settings)
    pipeline = bootstrap.make_pipeline(settings, adapters, enricher)
    backfill = bootstrap.make_backfill(
        settings,
        adapters,
        lambda ticket_id: pipeline.learned().rollout.fingerprint_for(enricher.fingerprint, ticket_id),
        pipeline.executor,
    )
    reprocess = inline(_announce(adapters), pipeline.process_batch, force=options.selection.force)
    return Processor(backfill, reprocess, settings.batch_size, settings.worker_threads)


def _by_workers(settings: Settings, adapters: Adapters, options: Options, run: Run) -> Processor:
    """Announces to the workers, or only looks."""
    from ticketmill import bootstrap
    from ticketmill.aws.clients import at_setup
    from ticketmill.operations.backfill import PAGE_KEYS
    from ticketmill.operations.reprocess import enqueue

    # without --outdated no bundle is needed here
    fingerprint_of: Callable[[str], str] = str
    if options.selection.outdated:
        bundle = bootstrap.current_fingerprint(settings)
        with at_setup("the rollout cannot be read", "check the stack's learning table: ticketmill status"):
            fingerprint_of = partial(bootstrap.current_rollout(adapters).fingerprint_for, bundle)
    executor = ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io")
    backfill = bootstrap.make_backfill(settings, adapters, fingerprint_of, executor)
    if options.dry_run:
        return Processor(backfill, _looking(run), PAGE_KEYS, worker_threads=1)
    reprocess = enqueue(_announce(adapters), adapters.queue.send_many, force=options.selection.force)
    return Processor(backfill, reprocess, PAGE_KEYS, settings.worker_threads)


def _announce(adapters: Adapters) -> Announce:
    from ticketmill.aws.events import encode_upload

    return partial(encode_upload, adapters.stack.raw_bucket)


def _pages(backfill: Backfill, options: Options, run: Run) -> Iterator[Page]:
    """The pages that are selected, as far as the bucket can be listed."""
    from ticketmill.operations.backfill import limited

    try:
        if options.ids is not None:
            page, run.absent = backfill.named(options.selection, options.ids)
            pages = iter([page])
        else:
            pages = backfill.pages(options.selection)
        yield from limited(pages, options.limit) if options.limit else pages
    except TransientFailure as failure:
        run.problem = str(failure)


def _looking(run: Run) -> Reprocess:
    """Does nothing but note what would be done."""
    from ticketmill.operations.backfill import named_id
    from ticketmill.operations.reprocess import Reprocessed

    def look(chosen: Sequence[Chosen]) -> list[Reprocessed]:
        run.chosen += chosen
        return [Reprocessed(named_id(each), "chosen") for each in chosen]

    return look


def _look_for_unannounced(adapters: Adapters, run: Run) -> None:
    from ticketmill.operations.unannounced import unannounced

    try:
        run.unannounced = unannounced(adapters.raw_tickets)
    except TransientFailure as failure:
        say(f"objects that no rule announces are not counted: {failure}")


def _count_labels(adapters: Adapters, reprocessed: Sequence[Reprocessed], run: Run) -> None:
    if run.label_counts is None:
        return
    enriched = [each.ticket_id for each in reprocessed if each.result in ENRICHED]
    try:
        run.label_counts.add(adapters.rows.get_many(enriched).values())
    except TransientFailure as failure:
        say(f"the labels of {len(enriched)} tickets are not counted: {failure}")


def _progress(backfill: Backfill, options: Options) -> Any:
    """A function to call with the number of objects that are done; with a limit, of chosen ones."""
    if options.dry_run:
        return nullcontext(lambda _count: None)
    if options.limit:
        return progress("tickets", total=options.limit)
    if options.ids is not None:
        return progress("tickets", total=len(options.ids))
    return progress("looked at", total=backfill.count(options.selection))


def _moment(since: str | None) -> datetime | None:
    """When `--since` begins: one time for the whole run, however long it takes."""
    if since is None:
        return None
    moment = parse_since(since)
    if moment > datetime.now(UTC):
        raise typer.BadParameter("expected a time in the past for --since")
    return moment


def _ids(text: str) -> list[str]:
    from ticketmill.domain.ticket_id import known_as

    ids = list(dict.fromkeys(filter(None, (each.strip() for each in text.split(",")))))

    unusable = [each for each in ids if not known_as(each)]
    if unusable or not ids:
        raise typer.BadParameter(
            f"expected ids of tickets, with commas between them, found {unusable or text!r}"
        )
    return [known_as(each)[0] for each in ids]


def _selectable(statuses: Sequence[Status]) -> Sequence[Status]:
    if Status.ENRICHED in statuses:
        raise typer.BadParameter(
            "--status takes partial, rejected and failed; --outdated finds what another bundle enriched"
        )
    return statuses
