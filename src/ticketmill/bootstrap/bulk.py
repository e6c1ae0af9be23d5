"""Builds bulk runs: where they read and write, what they plan, and what enriches their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.bootstrap.enricher import current_fingerprint, load_enricher
from ticketmill.bootstrap.intake import make_intake
from ticketmill.domain.errors import SetupError
from ticketmill.domain.serving import NO_SERIAL
from ticketmill.pipeline.learned import NOTHING_LEARNED, Learned
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.bulk.part_enricher import Format, PartEnricher
    from ticketmill.bulk.ports import Inputs, Outputs
    from ticketmill.bulk.run import Engine, Plan
    from ticketmill.domain.bulk import Piece, Source
    from ticketmill.domain.enrichment import EnrichedTicket
    from ticketmill.pipeline.documents import DocumentEnricher

S3 = "s3://"
INSTALL = "pip install 'ticketmill[ray]'"


@dataclass(frozen=True, slots=True)
class Followed:
    """What serves a run from its start to its end: the bundle alone, or with what a stack decided."""

    fingerprint: str
    learned: Learned = NOTHING_LEARNED
    serving_serial: int = NO_SERIAL
    is_of_stack: bool = False

    @property
    def made_by(self) -> str:
        """As in `0d46f8dcafdb`, with a stack `0d46f8dcafdb-3-17`: the serials of bundle and rollout."""
        serials = (self.serving_serial, self.learned.rollout.serial) if self.is_of_stack else ()
        return "-".join(map(str, (self.fingerprint, *serials)))


def follow_bundle(settings: Settings) -> Followed:
    """The bundle alone. SetupError where there is none."""
    return Followed(current_fingerprint(settings))


def follow_stack(settings: Settings) -> Followed:
    """What serves in the stack now. SetupError where a version that it decided for cannot be had here."""
    from socket import gethostname

    from ticketmill.bootstrap.adapters import connect
    from ticketmill.bootstrap.learned import make_version_loader
    from ticketmill.pipeline.rollout_follower import follow
    from ticketmill.pipeline.serving import ServingSerial

    adapters, fingerprint = connect(settings), current_fingerprint(settings)
    serial = ServingSerial(adapters.serving, fingerprint, gethostname(), decides=False)()
    store = adapters.learning
    if store is None:
        return Followed(fingerprint, serving_serial=serial, is_of_stack=True)
    loader = make_version_loader(settings, store)
    found = follow(store.rollouts.current(), {}, loader, store.rollouts.history)
    if found.rollout.serial != found.decided.serial:  # a shadow alone may be missing
        refused = found.refused[0]
        raise SetupError(
            f"{refused.version}, which serves in stack {settings.stack}, is refused: {refused.message}"
        )
    return Followed(fingerprint, Learned(found.rollout, found.models), serial, is_of_stack=True)


def open_inputs(pattern: str) -> Inputs:
    """The files or objects that a path, a folder, a key, a prefix or a pattern names."""
    from ticketmill.bulk.cutting import SUFFIXES
    from ticketmill.bulk.folder import FolderInputs

    if not pattern.startswith(S3):
        return FolderInputs(pattern, SUFFIXES)
    from ticketmill.aws.bulk_objects import S3Inputs
    from ticketmill.aws.clients import connect

    bucket, _, key = pattern.removeprefix(S3).partition("/")
    return S3Inputs(connect().s3, bucket, key, SUFFIXES)


def open_outputs(to: str) -> Outputs:
    """The folder or the prefix that results are stored in."""
    from ticketmill.bulk.folder import FolderOutputs

    if not to.startswith(S3):
        return FolderOutputs(Path(to))
    from ticketmill.aws.bulk_objects import S3Outputs
    from ticketmill.aws.clients import connect

    bucket, _, prefix = to.removeprefix(S3).partition("/")
    return S3Outputs(connect().s3, bucket, prefix)


def plan_bulk(inputs: Inputs, followed: Followed, form: Format, part_bytes: int) -> Plan:
    """What a run does: every file is listed, and of those in Parquet the rows are counted."""
    from ticketmill.bulk.cutting import cut
    from ticketmill.bulk.run import Plan

    sources = inputs.find()
    parts = cut(sources, partial(_count_rows, inputs), part_bytes)
    return Plan(tuple(sources), tuple(parts), followed.made_by, form)


def make_documents(settings: Settings, followed: Followed) -> DocumentEnricher:
    """What enriches documents, with the models loaded. SetupError where the bundle is not the one that was
    planned with."""
    from ticketmill.pipeline.documents import DocumentEnricher

    enricher = load_enricher(settings)
    if enricher.fingerprint != followed.fingerprint:
        raise SetupError(
            f"the bundle here is {enricher.fingerprint}, the run is of {followed.fingerprint}: copy the "
            "bundle to every machine, and give each the same TICKETMILL_… variables"
        )
    parse = make_intake(settings).parse
    return DocumentEnricher(
        enricher, parse, settings.max_ticket_bytes, followed.learned, followed.serving_serial
    )


def make_part_enricher(
    settings: Settings, followed: Followed, pattern: str, to: str, form: Format
) -> PartEnricher:
    """What enriches the parts of a run; made again in each process from what can be sent there."""
    from ticketmill.bulk.part_enricher import PartEnricher

    return PartEnricher(
        documents=make_documents(settings, followed),
        inputs=open_inputs(pattern),
        outputs=open_outputs(to),
        made_by=followed.made_by,
        format=form,
        read_rows=_read_rows,
        parquet_of=_parquet_of,
    )


def make_engine(
    settings: Settings, followed: Followed, pattern: str, to: str, form: Format, *, with_ray: bool
) -> Engine:
    """What does the parts: Ray with an actor a core, or this process. SetupError without the extra."""
    from ticketmill.bulk.run import in_this_process

    if form == "parquet":
        _require("pyarrow", "Parquet")
    if not with_ray:
        return partial(in_this_process, partial(make_part_enricher, settings, followed, pattern, to, form))
    _require("ray", "--engine ray")
    from ticketmill.bulk.on_ray import on_ray

    one_core = settings.model_copy(update={"threads": 1, "bundle": settings.bundle_dir.resolve()})
    make_worker = partial(make_part_enricher, one_core, followed, pattern, to, form)
    return partial(on_ray, make_worker, settings.threads)


def _require(package: str, what: str) -> None:
    if find_spec(package) is None:
        raise SetupError(f"{what} needs {package}: {INSTALL}")


def _count_rows(inputs: Inputs, source: Source) -> tuple[int, int]:
    _require("pyarrow", source.name)
    from ticketmill.bulk import tables

    return tables.count_rows(inputs, source)


def _read_rows(inputs: Inputs, piece: Piece) -> Iterator[bytes]:
    from ticketmill.bulk import tables

    return tables.read_rows(inputs, piece)


def _parquet_of(enriched: Sequence[EnrichedTicket]) -> bytes:
    from ticketmill.bulk import tables

    return tables.parquet_of(enriched)
