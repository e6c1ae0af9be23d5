"""`ticketmill models list|show|compare|export|import`: learned versions, and what is known of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.domain.plot import Plot
from ticketmill.entrypoints.cli.learned import (
    StoreFolder,
    VersionName,
    Who,
    decider,
    open_store,
    told_interval,
    told_model,
    told_state,
)
from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer, answer_json, counted, say, table

if TYPE_CHECKING:
    from ticketmill.domain.model_card import ModelCard, ModelVersion
    from ticketmill.domain.rollout import Rollout
    from ticketmill.learning.comparison import Comparison
    from ticketmill.learning.store import LearningStore

MOST_LABELS = 40
"""Rows of a table of labels for people; JSON has all."""


def list_versions(
    task: Annotated[str | None, typer.Argument(help="Of one task, as in intent; without it of all.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="The decisions on what serves, the latest first.")
    ] = False,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """List learned versions, the newest first, and which of them serve, shadow or run as a canary."""
    from ticketmill.settings import load_settings

    place = open_store(load_settings(), store)
    if history:
        _answer_history(place, task, as_json)
        return
    rollout = place.rollouts.current()
    tasks = place.versions.tasks() if task is None else [task]
    found = [version for name in tasks for version in place.versions.versions(name)]
    if as_json:
        answer_json([_as_json(version, rollout) for version in found])
        return
    if not found:
        say("no version is registered; `ticketmill train` registers one")
        return
    table(
        f"Learned versions, rollout serial {rollout.serial}",
        ("version", "state", "accuracy", "dataset", "encoder", "served then", "by", "when"),
        [
            (
                each.name,
                told_state(each, rollout.tasks.get(each.task)),
                f"{each.accuracy:.3f}",
                each.dataset[:12],
                each.encoder,
                told_model(each.task, each.parent),
                each.who,
                f"{each.at:%Y-%m-%d %H:%M}",
            )
            for each in found
        ],
    )


def _as_json(version: ModelVersion, rollout: Rollout) -> dict[str, Any]:
    state = told_state(version, rollout.tasks.get(version.task))
    return {"name": version.name, "state": state, **version.model_dump(mode="json")}


def _answer_history(place: LearningStore, task: str | None, as_json: bool) -> None:
    latest = [
        each.tasks[name]
        for each in place.rollouts.history(task)
        for name in ([task] if task else sorted(each.tasks))
        if each.changes(name)
    ]
    if as_json:
        answer_json([each.model_dump(mode="json") for each in latest])
        return
    rows = [
        (
            each.serial,
            each.task,
            each.change,
            told_model(each.task, each.serving),
            f"v{each.canary} {each.canary_percent}%" if each.canary else "",
            f"v{each.shadow}" if each.shadow else "",
            each.who,
            f"{each.at:%Y-%m-%d %H:%M}",
            each.reason,
        )
        for each in latest
    ]
    columns = ("serial", "task", "change", "serving", "canary", "shadow", "by", "when", "why")
    table("Decisions, the latest first", columns, rows)


def show_version(
    version: VersionName,
    plot: Annotated[Path | None, typer.Option(help="Write a plot of the card: an SVG file.")] = None,
    what: Annotated[Plot, typer.Option(help="What is drawn.")] = Plot.RELIABILITY,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show a version's card: what it was made from, what competed, and how it does.

    Exit code 5 where there is no such version.
    """
    from ticketmill.learning.card_plots import write_plot
    from ticketmill.learning.registry import find_version, load_card
    from ticketmill.settings import load_settings

    place = open_store(load_settings(), store)
    found = find_version(place, version)
    card, rollout = load_card(place, found), place.rollouts.current()
    if plot is not None:
        write_plot(card, what, plot)
        say(f"wrote {plot}")
    if as_json:
        answer_json({**_as_json(found, rollout), "card": card.model_dump(mode="json")})
        return
    table(found.name, ("field", "value"), _facts(found, card, rollout))
    if card.competed:
        table(
            f"What competed, won by {card.recipe}",
            ("recipe", "score", "standard error", "families", "note"),
            [
                (
                    each.recipe,
                    f"{each.score:.3f}",
                    f"{each.standard_error:.3f}",
                    ", ".join(each.families),
                    each.note,
                )
                for each in card.competed
            ],
        )
    _label_table(
        "Labels, on examples that it did not see",
        ("label", "precision", "recall", "F1", "examples"),
        [
            (label, f"{each.precision:.3f}", f"{each.recall:.3f}", f"{each.f1:.3f}", each.support)
            for label, each in sorted(card.by_label.items(), key=lambda pair: -pair[1].support)
        ],
    )


def _facts(version: ModelVersion, card: ModelCard, rollout: Rollout) -> list[tuple[str, object]]:
    measure = "accuracy" if card.kind == "single" else "micro-F1"
    return [
        ("state", told_state(version, rollout.tasks.get(version.task)) or "registered"),
        (measure, f"{told_interval(card.accuracy)}, on {card.measured_on}"),
        ("macro-F1", f"{card.macro_f1:.3f}"),
        ("calibration error", f"{card.calibration_error:.3f}"),
        (
            "dataset",
            f"{card.dataset}, {counted(card.examples, 'example')} in {counted(card.groups, 'group')}",
        ),
        ("labels", len(card.labels)),
        ("recipe", f"{card.recipe}, tier {card.tier}"),
        ("why it won", card.why),
        ("encoder", f"that of bundle {card.encoder}"),
        ("trained by", ", ".join(f"{name} {number}" for name, number in card.environment.items())),
        ("served then", told_model(version.task, version.parent)),
        ("registered", f"{version.at:%Y-%m-%d %H:%M} UTC by {version.who}, job {version.job}"),
        ("content", version.content),
        *((name, f"{entry.size_bytes:,} bytes") for name, entry in version.files.items()),
    ]


def _label_table(title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    if rows:
        more = f"; {len(rows) - MOST_LABELS} more by --json" if len(rows) > MOST_LABELS else ""
        table(f"{title}{more}", columns, rows[:MOST_LABELS])


def compare_versions(
    version: VersionName,
    other: Annotated[
        str | None,
        typer.Argument(metavar="[OTHER]", help="The one that it is compared with; without it what serves."),
    ] = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compare a version with another one on the examples that both held out, label by label.

    Exit code 4 where they have none in common.
    """
    from dataclasses import asdict

    from ticketmill.domain.model_card import version_name
    from ticketmill.learning.promotion import comparison_of
    from ticketmill.learning.registry import find_version, serving_version
    from ticketmill.settings import load_settings

    place = open_store(load_settings(), store)
    challenger = find_version(place, version)
    serving = serving_version(place, challenger.task) if other is None else None
    if serving is not None:
        other = version_name(challenger.task, serving)
    champion = None if other is None else find_version(place, other)
    if champion is not None and champion.task != challenger.task:
        raise typer.BadParameter(f"{champion.name} and {challenger.name} are of different tasks")
    named = told_model(challenger.task, None if champion is None else champion.number)
    found = comparison_of(place, challenger, champion)
    if found is None:
        say(f"{challenger.name} and {named} have no held-out example in common")
        raise typer.Exit(ExitCode.FINDINGS)
    if as_json:
        plain = {
            name: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
            for name, value in asdict(found).items()
        }
        by_label = {
            label: {**asdict(each), "difference": each.difference.model_dump(mode="json")}
            for label, each in found.by_label.items()
        }
        answer_json({"version": challenger.name, "beside": named, **plain, "by_label": by_label})
        return
    _answer_comparison(challenger.name, named, found)


def _answer_comparison(challenger: str, champion: str, found: Comparison) -> None:
    table(
        f"{found.examples:,} held-out examples in {counted(found.groups, 'group')}, 95% intervals",
        ("", challenger, champion, "difference"),
        [
            (
                found.measure,
                told_interval(found.challenger),
                told_interval(found.champion),
                told_interval(found.difference, signed=True),
            ),
            ("right alone", found.only_challenger, found.only_champion, f"McNemar p {found.p_value:.3f}"),
        ],
    )
    _label_table(
        "F1 by label",
        ("label", "examples", challenger, champion, "difference"),
        [
            (
                label,
                each.support,
                f"{each.challenger:.3f}",
                f"{each.champion:.3f}",
                told_interval(each.difference, signed=True),
            )
            for label, each in sorted(found.by_label.items(), key=lambda pair: -pair[1].support)
        ],
    )


def export(
    version: VersionName,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; without it as in intent-v3.zip.")
    ] = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write a version as one file, to be kept or imported in another place."""
    from ticketmill.learning.exported_model import export_version
    from ticketmill.learning.registry import find_version
    from ticketmill.settings import load_settings

    place = open_store(load_settings(), store)
    found = find_version(place, version)
    exported = export_version(place, found)
    target = output or Path(f"{found.task}-v{found.number}.zip")
    target.write_bytes(exported)
    if as_json:
        answer_json({"version": found.name, "file": str(target), "bytes": len(exported)})
    else:
        answer(f"{found.name} is written to {target}, {len(exported):,} bytes")


def import_file(
    file: Annotated[Path, typer.Argument(help="What `models export` wrote.")],
    store: StoreFolder = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Register an exported version under the next number of its task. It serves nothing yet."""
    from ticketmill import bootstrap
    from ticketmill.learning.exported_model import import_version
    from ticketmill.settings import load_settings

    settings = load_settings()
    exported, by = file.read_bytes(), decider(settings, who)
    place, encoder = open_store(settings, store), bootstrap.encoder_here(settings)
    found = import_version(place, exported, encoder, by.who, by.at)
    if as_json:
        answer_json({**found.version.model_dump(mode="json"), "was_there": found.was_there})
        return
    answer(f"{found.version.name} {'was there already' if found.was_there else 'is registered'}")
