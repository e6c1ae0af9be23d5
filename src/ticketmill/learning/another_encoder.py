"""A bundle on another encoder of the BERT family: what belongs to an encoder is made anew for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ticketmill.encoder.build.builder import BuildResult, Recipe, build_bundle
from ticketmill.encoder.build.sources import Report, another_encoder
from ticketmill.encoder.bundle import Precision, load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.learning.ranges import measure_ranges
from ticketmill.learning.train import TrainedHeads, encode_tickets, train_heads
from ticketmill.models.build.assemble import build_shipped
from ticketmill.models.prototypes import CENTRE_FILE, centre_file

MOST_MEASURED = 1680
"""Tickets over which the ranges of int8 and the centre are measured."""


@dataclass(frozen=True, slots=True)
class OnAnotherEncoder:
    """The bundle, and how its heads do."""

    built: BuildResult
    trained: TrainedHeads


def build_on(
    encoder: str,
    cache_dir: Path,
    tickets: Sequence[LabelledTicket],
    trained_on: str,
    *,
    precision: Precision,
    threads: int,
    topics: Path | None = None,
    intents: Path | None = None,
    report: Report,
) -> OnAnotherEncoder:
    """Builds the bundle below `cache_dir` on `encoder`, a folder or a name on the Hub.

    The heads, the centre of all tickets and the scales of int8 are of `tickets` and this encoder. What weighs
    prototypes against heads is the shipped one. Raises SetupError where the encoder is no BertModel.
    """
    training = cache_dir / "training"
    folder, pinned = another_encoder(encoder, training / "encoders", report)
    recipe = Recipe(pinned=pinned, branch=None, name=folder.name.replace("--", "/"))
    measured = tickets[:MOST_MEASURED]
    exact = build_bundle(
        training, source=str(folder), precision="fp32", extra_files={}, recipe=recipe, report=report
    )
    built = exact
    if precision == "int8":
        report(f"measuring the ranges of {len(measured)} tickets")
        ranges = measure_ranges(load_bundle(exact.directory), [each.text for each in measured], threads)
        calibration = training / f"calibration-{hashlib.sha256(ranges).hexdigest()[:12]}.npz"
        calibration.write_bytes(ranges)
        recipe = replace(recipe, calibration=calibration)
        built = build_bundle(
            training, source=str(folder), precision=precision, extra_files={}, recipe=recipe, report=report
        )
    ready = Encoder(load_bundle(built.directory), threads)
    trained = train_heads(tickets, ready, trained_on, report)
    centre = encode_tickets(measured, ready, report).embeddings.mean(axis=0)
    bundle = build_shipped(
        cache_dir,
        source=str(folder),
        precision=precision,
        topics=topics,
        intents=intents,
        trained={**trained.files, CENTRE_FILE: centre_file(centre)},
        recipe=recipe,
        report=report,
    )
    return OnAnotherEncoder(bundle, trained)
