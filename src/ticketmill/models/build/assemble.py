"""Builds the bundle of the product: encoder, heads, taxonomies and prototypes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ticketmill.domain.taxonomy import Taxonomy
from ticketmill.encoder.build.builder import (
    DEFAULT_PRECISION,
    SHIPPED_RECIPE,
    BuildResult,
    Recipe,
    build_bundle,
)
from ticketmill.encoder.build.sources import Report
from ticketmill.encoder.bundle import Precision
from ticketmill.models.build.taxonomy_file import SHIPPED, read_taxonomies, read_taxonomy
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
    trained: Mapping[str, bytes] | None = None,
    recipe: Recipe = SHIPPED_RECIPE,
    report: Report,
) -> BuildResult:
    """Builds the bundle below `cache_dir`, see `build_bundle`.

    `topics` and `intents` are YAML files of taxonomies; None is the shipped one. `trained` has the heads and
    the centre that belong to the encoder of `recipe`; None are the shipped ones. Raises SetupError for an
    invalid taxonomy before anything is built.
    """
    taxonomies = read_taxonomies(topics, intents)
    for path, taxonomy in ((topics, taxonomies.topics), (intents, taxonomies.intent)):
        if path is not None:
            _report_replaced(path, taxonomy, report)
    return build_bundle(
        cache_dir,
        source=source,
        precision=precision,
        extra_files={
            **shipped_blend(),
            **(trained or {**shipped_heads(), **shipped_centre()}),
            **taxonomy_file(taxonomies),
        },
        derived={PROTOTYPES_FILE: prototypes_file},
        recipe=recipe,
        report=report,
    )


def _report_replaced(path: Path, taxonomy: Taxonomy, report: Report) -> None:
    """A file stands for the whole taxonomy: says how many shipped labels tickets cannot get any more."""
    shipped = read_taxonomy(SHIPPED[taxonomy.task], taxonomy.task).names
    gone = [name for name in shipped if name not in taxonomy.names]
    if gone:
        report(
            f"warning: the {len(taxonomy.labels)} labels of {path} replace the {len(shipped)} shipped ones; "
            f"no ticket gets these any more: {', '.join(gone)}. "
            f"To add labels, begin from `ticketmill taxonomy show --task {taxonomy.task} --yaml`"
        )
