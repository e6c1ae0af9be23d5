"""`ticketmill taxonomy`: the labels that tickets get."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import (
    AsJson,
    ExitCode,
    answer,
    answer_json,
    counted,
    examples,
    say,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ticketmill.encoder.encoder import Encoder

CHUNK = 128

app = typer.Typer(no_args_is_help=True)


class TaskName(StrEnum):
    TOPICS = "topics"
    INTENT = "intent"


@app.command(
    epilog=examples(
        "ticketmill taxonomy show",
        "ticketmill taxonomy show --task topics --yaml > topics.yaml",
    )
)
def show(
    task: Annotated[TaskName | None, typer.Option(help="Of this task alone.")] = None,
    as_json: AsJson = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="As a file that `models build` and `taxonomy check` read.")
    ] = False,
) -> None:
    """Print the labels of the bundle, with their descriptions and examples."""
    if as_json and as_yaml:
        raise typer.BadParameter("--json or --yaml, not both")
    if as_yaml and task is None:
        raise typer.BadParameter("--yaml needs --task: a file holds the labels of one task")
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.models.build.taxonomy_file import yaml_of
    from ticketmill.models.prototypes import read_taxonomies_of
    from ticketmill.settings import load_settings

    bundle = load_bundle(load_settings().bundle_dir)
    taxonomies = read_taxonomies_of(bundle)
    chosen = [each for each in (taxonomies.topics, taxonomies.intent) if task in (None, each.task)]
    if as_yaml:
        answer(yaml_of(chosen[0]).rstrip())
    elif as_json:
        answer_json({each.task: each.model_dump(mode="json") for each in chosen})
    else:
        for each in chosen:
            table(
                f"{each.task}, {counted(len(each.labels), 'label')} of bundle {bundle.fingerprint}",
                ("label", "description", "examples"),
                [(one.label, one.description, len(one.examples) or "") for one in each.labels],
            )


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A taxonomy in YAML.")],
    task: Annotated[
        TaskName | None, typer.Option(help="What it must be of; without it, what the file says.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for overlaps, thin descriptions and labels far from every ticket.

    The exit code is 4 where something was found.
    """
    from dataclasses import asdict

    from ticketmill.domain.taxonomy import Task
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
    from ticketmill.learning.taxonomy_check import check_taxonomy
    from ticketmill.models.build.taxonomy_file import read_taxonomy
    from ticketmill.models.prototypes import make_prototypes
    from ticketmill.settings import load_settings

    wanted: dict[TaskName | None, Task | None] = {TaskName.TOPICS: "topics", TaskName.INTENT: "intent"}
    taxonomy = read_taxonomy(file, wanted.get(task))
    settings = load_settings()
    bundle = load_bundle(settings.bundle_dir)
    encoder = Encoder(bundle, settings.threads)
    tickets = read_corpus(PLAIN_TICKETS)
    say(f"comparing {len(taxonomy.labels)} labels with {len(tickets)} tickets")
    embeddings = _embeddings([ticket.text for ticket in tickets], encoder)
    findings = check_taxonomy(taxonomy, make_prototypes(taxonomy, encoder), embeddings)
    if as_json:
        answer_json(
            {"task": taxonomy.task, "labels": len(taxonomy.labels), "findings": list(map(asdict, findings))}
        )
    elif findings:
        columns = ("finding", "labels", "value", "what it means")
        rows = [(each.kind, ", ".join(each.labels), each.value, each.message) for each in findings]
        labels = counted(len(taxonomy.labels), "label")
        table(f"{counted(len(findings), 'finding')} in {labels}", columns, rows)
    else:
        answer(f"{counted(len(taxonomy.labels), 'label')}, nothing found")
    if findings:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command()
def fit(
    output: Annotated[
        Path | None, typer.Option(help="Folder for the weights; without it the package's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit the weights of head, prototypes and examples on the shipped corpus.

    Prints how each does alone."""
    from dataclasses import asdict

    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
    from ticketmill.learning.topics import fit_blend
    from ticketmill.models.build.taxonomy_file import read_taxonomies
    from ticketmill.models.prototypes import CENTRE_FILE, centre_file
    from ticketmill.models.topics import BLEND_FILE, SHIPPED
    from ticketmill.settings import load_settings

    settings = load_settings()
    encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
    fitted = fit_blend(read_corpus(PLAIN_TICKETS), encoder, read_taxonomies(None, None), report=say)
    output = output or SHIPPED
    output.mkdir(parents=True, exist_ok=True)
    (output / BLEND_FILE).write_text(fitted.blend.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (output / CENTRE_FILE).write_bytes(centre_file(fitted.centre))
    say(f"weights written to {output}; `ticketmill models build` takes the package's own into the bundle")
    if as_json:
        answer_json(
            {
                "blend": fitted.blend.model_dump(),
                "topics": [asdict(each) for each in fitted.topics],
                "intents": [asdict(each) for each in fitted.intents],
            }
        )
        return
    columns = ("topics by", "micro-F1", "macro-F1", "first right", "calibration error", "best threshold")
    rows = [
        (each.method, *(f"{value:.3f}" for value in list(asdict(each).values())[1:]))
        for each in fitted.topics
    ]
    table("Each business left out once", columns, rows)
    table(
        "Intents without the trained head",
        ("examples a label", "accuracy", "calibration error"),
        [(each.examples, f"{each.accuracy:.3f}", f"{each.calibration_error:.3f}") for each in fitted.intents],
    )


def _embeddings(texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    import numpy as np

    chunks = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
    return np.array([encoded.embedding for chunk in chunks for encoded in encoder.encode(chunk)])
