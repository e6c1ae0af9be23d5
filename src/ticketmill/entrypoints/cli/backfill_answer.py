"""What `ticketmill backfill` says about a run, and the exit code that it ends with."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from ticketmill.entrypoints.cli import output
from ticketmill.entrypoints.cli.output import ExitCode, counted, say

if TYPE_CHECKING:
    from ticketmill.operations.backfill import Chosen, Reason
    from ticketmill.operations.reprocess import Report
    from ticketmill.operations.unannounced import Unannounced
    from ticketmill.queries.label_counts import LabelCounts

TOLD_PROBLEMS = 20


@dataclass
class Run:
    """What a run has come to."""

    report: Report
    label_counts: LabelCounts | None
    """Of the rows behind what was enriched here; None where workers enrich."""
    absent: list[str] = field(default_factory=list)
    """Ids without an object."""
    problem: str | None = None
    """Why the bucket was not listed to its end."""
    chosen: list[Chosen] = field(default_factory=list)
    """What a dry run would enrich."""
    unannounced: Unannounced | None = None
    interrupted: bool = False
    seconds: float = 0.0


def answer(run: Run, *, dry_run: bool) -> None:
    """Answers people."""
    from ticketmill.entrypoints.cli.results import label_counts_table

    report = run.report
    for chosen in run.chosen:
        output.answer(f"{chosen.reason}  {chosen.key!r}")
    reasons = _in_brackets(report.chosen)
    of_all = f"{report.chosen.total()} of {counted(report.looked_at, 'object')}{reasons}"
    if dry_run:
        output.answer(f"would enrich {of_all}")
    else:
        output.answer(f"chose {of_all}")
        rate = report.results.total() / run.seconds if run.seconds else 0.0
        results = ", ".join(f"{result} {count}" for result, count in report.results.most_common())
        output.answer(f"{results or 'nothing to do'} in {run.seconds:.1f} s, {rate:.1f}/s")
    if run.unannounced is not None and run.unannounced.kinds:
        output.answer(told_unannounced(run.unannounced))
    if run.label_counts is not None and run.label_counts.rows:
        title = f"Labels of {counted(run.label_counts.rows, 'ticket')}"
        label_counts_table(title, run.label_counts)
    for result, problems in (("failed", report.failed), ("rejected", report.rejected)):
        for each in problems[:TOLD_PROBLEMS]:
            say(f"{result} {each.name!r}: {each.reason}")
        if len(problems) > TOLD_PROBLEMS:
            say(f"and {len(problems) - TOLD_PROBLEMS} more {result}: --json names them all")


def answer_json(run: Run, *, dry_run: bool) -> None:
    """Answers programs."""
    report, unannounced = run.report, run.unannounced
    if dry_run:
        done: dict[str, object] = {
            "objects": [{"key": each.key, "reason": each.reason} for each in run.chosen],
            "unannounced": unannounced and unannounced_json(unannounced),
        }
    else:
        done = {"results": report.results, "seconds": round(run.seconds, 2)}
    output.answer_json(
        {
            "dry_run": dry_run,
            "looked_at": report.looked_at,
            "chosen": report.chosen.total(),
            "reasons": report.chosen,
            **done,
            "failed": {each.name: each.reason for each in report.failed},
            "rejected": {each.name: each.reason for each in report.rejected},
            "labels": None if run.label_counts is None else run.label_counts.as_dict(),
            "absent": run.absent,
            "after": report.after,
            "interrupted": run.interrupted,
            "problem": run.problem,
        }
    )


def end(run: Run, *, limit: int | None, since: datetime | None, can_go_on: bool) -> None:
    """Says what did not come out as wanted and how to go on, and ends with the run's exit code.

    `since` is where the run began in time: what `--since 1h` means would be another time by then.
    """
    report = run.report
    for name in run.absent:
        say(f"no object of ticket {name}")
    if run.problem is not None:
        say(f"stopped: {run.problem}")
    is_cut = limit is not None and report.chosen.total() == limit
    if can_go_on and (run.interrupted or run.problem or is_cut):
        say(f"to go on, {_how_to_go_on(report.after, since)}")
    if run.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if run.problem is not None or report.failed:
        raise typer.Exit(ExitCode.FAULT)
    if run.absent:
        raise typer.Exit(ExitCode.NOT_FOUND)
    if report.rejected:
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _how_to_go_on(after: str, since: datetime | None) -> str:
    if not after:
        return "run the same command again"
    if not after.isprintable():
        return "run the same command after the key that --json gives as `after`"
    same_since = f"--since {since.isoformat(timespec='seconds')} " if since else ""
    return f"run the same command with {same_since}--after {shlex.quote(after)}"


def _in_brackets(counts: Counter[Reason]) -> str:
    listed = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return f" ({listed})" if listed else ""


def unannounced_json(unannounced: Unannounced) -> dict[str, object]:
    """The counts for programs."""
    return {"looked_at": unannounced.looked_at, "cut": unannounced.cut, "kinds": unannounced.kinds}


def told_unannounced(unannounced: Unannounced) -> str:
    """As in `no rule announces 3 objects (.jsonl 2, outside tickets/ 1): …`; kinds as %r, for they are
    ends of keys."""
    kinds = ", ".join(f"{kind!r} {count}" for kind, count in unannounced.kinds.most_common(10))
    among = f" among the first {unannounced.looked_at:,} keys" if unannounced.cut else ""
    count = counted(unannounced.kinds.total(), "object")
    return f"no rule announces {count}{among} ({kinds}): only tickets/*.json is, in lower case"
