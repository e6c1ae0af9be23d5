"""`ticketmill enrich --to`: a bulk run, and what it says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ticketmill.entrypoints.cli.output import (
    ExitCode,
    answer,
    answer_json,
    counted,
    progress,
    say,
    stopping_at_once,
)

if TYPE_CHECKING:
    from ticketmill.bootstrap.bulk import Followed
    from ticketmill.bulk.part_enricher import Format
    from ticketmill.bulk.run import Plan, Summary
    from ticketmill.settings import Settings


def enrich_in_bulk(
    pattern: str, to: str, form: Format, part_kib: int, *, with_ray: bool, with_stack: bool, as_json: bool
) -> None:
    """Enriches the parts of what `pattern` names that `to` does not have, and tells what is there then."""
    from ticketmill.bootstrap import bulk as bootstrap
    from ticketmill.bulk.run import progress_of, run
    from ticketmill.settings import load_settings

    settings = load_settings()
    followed = (bootstrap.follow_stack if with_stack else bootstrap.follow_bundle)(settings)
    outputs = bootstrap.open_outputs(to)
    engine = bootstrap.make_engine(settings, followed, pattern, outputs.location, form, with_ray=with_ray)
    plan = bootstrap.plan_bulk(bootstrap.open_inputs(pattern), followed, form, part_kib << 10)
    found = progress_of(plan, outputs)
    say(_serves(settings, followed))
    say(_to_do(plan, len(found.done), outputs.location))
    with stopping_at_once(), progress("parts", len(found.rest)) as advance:
        summary = run(plan, found, outputs, engine, advance)
    _tell(summary, plan, outputs.location, as_json)
    if summary.failed_parts:
        raise typer.Exit(ExitCode.FAULT)
    if summary.rejected:
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _serves(settings: Settings, followed: Followed) -> str:
    """Which models the records will be of."""
    if not followed.is_of_stack:
        return f"bundle {followed.fingerprint} alone; --stack adds the learned versions that serve in a stack"
    models = (
        ", ".join(sorted(model.name for model in followed.learned.models.values())) or "no learned version"
    )
    return (
        f"bundle {followed.fingerprint} with {models}: serving serial {followed.serving_serial}, "
        f"rollout serial {followed.learned.rollout.serial} of stack {settings.stack}"
    )


def _to_do(plan: Plan, done: int, location: str) -> str:
    told = f"{counted(len(plan.parts), 'part')} of {counted(len(plan.sources), 'input')}"
    return f"{told}, {done:,} in {location} already" if done else told


def _tell(summary: Summary, plan: Plan, location: str, as_json: bool) -> None:
    for failed in summary.failed_parts:
        say(f"{failed.part or 'a part'}: {failed.message}")
    missing = summary.parts - summary.parts_stored
    if missing:
        say(f"{counted(missing, 'part')} missing: run it again; where inputs changed, with another --to")
    if as_json:
        told = asdict(summary) | {"made_by": plan.made_by, "to": location}
        answer_json(told | {"failed_parts": len(summary.failed_parts)})
        return
    answer(
        f"enriched {summary.enriched:,} ({summary.partial:,} partial), rejected {summary.rejected:,}: "
        f"{summary.parts_stored:,} of {counted(summary.parts, 'part')} in {location}"
    )
