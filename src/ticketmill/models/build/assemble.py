"""Builds the bundle of the product: encoder, heads, taxonomies and prototypes."""

from __future__ import annotations

from pathlib import Path

from ticketmill.encoder.build.builder import DEFAULT_PRECISION, BuildResult, build_bundle
from ticketmill.encoder.build.sources import Report
from ticketmill.encoder.bundle import Precision
from ticketmill.models.build.taxonomy_file import read_taxonomies
from ticketmill.models.heads import shipped_heads
from ticketmill.models.prototypes import PROTOTYPES_FILE, prototypes_file, shipped_centre, taxonomy_file
from ticketmill.models.topics import shipped_blend


def build_shipped(
    cache_dir: Path,
    *,
    source: str = "pypi",
    precision: Precision = DEFAULT_PRECISION,
    topics: Path | None = None,
    intents: Path | None = None,
    report: Report,
) -> BuildResult:
    """Builds the bundle below `cache_dir`, see `build_bundle`.

    `topics` and `intents` are YAML files of taxonomies; None is the shipped one. Raises SetupError for an
    invalid taxonomy before anything is built.
    """
    taxonomies = read_taxonomies(topics, intents)
    return build_bundle(
        cache_dir,
        source=source,
        precision=precision,
        extra_files={
            **shipped_heads(),
            **shipped_blend(),
            **shipped_centre(),
            **taxonomy_file(taxonomies),
        },
        derived={PROTOTYPES_FILE: prototypes_file},
        report=report,
    )
