"""The bundle: the files that decide every output, in one directory, with a manifest of their hashes.

bundles/
├── 3f9c0a71be42/         named by its fingerprint, never changed
│   ├── manifest.json
│   ├── encoder.onnx
│   ├── tokenizer.json
│   └── …                 the other files: heads, taxonomy
└── current -> 3f9c0a71be42
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)

from ticketmill.domain.errors import SetupError

FORMAT: Literal[1] = 1
MANIFEST = "manifest.json"
ENCODER = "encoder.onnx"
TOKENIZER = "tokenizer.json"

_REBUILD = "run `ticketmill models build`"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# one plain file name: a manifest cannot point outside its directory
FILE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$"
FileName = Annotated[str, Field(pattern=FILE_NAME)]
Precision = Literal["fp32", "int8"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderSection(_Section):
    """What the encoder is; part of the fingerprint."""

    name: str
    dimensions: PositiveInt
    layers: PositiveInt
    """Transformer layers. The encoder's output has one layer more: the embeddings below them."""
    max_tokens: PositiveInt
    """The most tokens of one window, including [CLS] and [SEP]."""
    max_windows: PositiveInt
    """The most windows of one text."""
    precision: Precision
    branch_labels: PositiveInt | None = None
    """How many labels the branch scores; null for an encoder without a branch."""


class SourceSection(_Section):
    """What the encoder was built from. Not part of the fingerprint: other sources give the same bytes."""

    origin: str
    inputs: dict[FileName, Sha256]
    recipe: PositiveInt


class FileEntry(_Section):
    """One file of the bundle.

    A `derived` file is computed from the others. It is not part of the fingerprint, because its last bits
    depend on the processor that computed it.
    """

    sha256: Sha256
    bytes: NonNegativeInt
    derived: bool = False


class Manifest(_Section):
    """`manifest.json` of a bundle."""

    format: Literal[1]
    encoder: EncoderSection
    source: SourceSection
    files: dict[FileName, FileEntry]
    fingerprint: str

    @model_validator(mode="after")
    def _fingerprint_holds(self) -> Self:
        if self.fingerprint != fingerprint_of(self.encoder, self.files):
            raise ValueError("the fingerprint does not belong to the files that the manifest names")
        return self


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files were all present and intact when it was loaded."""

    directory: Path
    manifest: Manifest

    @property
    def fingerprint(self) -> str:
        """12 hex digits that identify every byte that decides an output."""
        return self.manifest.fingerprint

    @property
    def encoder_fingerprint(self) -> str:
        """12 hex digits that identify the encoder alone: other heads and labels leave it as it is."""
        return encoder_fingerprint_of(self.manifest)

    def path(self, name: str) -> Path:
        """The path of the file `name`. Raises SetupError when the bundle was built without it."""
        if name not in self.manifest.files:
            raise SetupError(f"the bundle {self.directory} was built without {name}: {_REBUILD}")
        return self.directory / name


def current_bundle(cache_dir: Path) -> Path:
    """The current bundle below `cache_dir`: a link, which a build replaces."""
    return cache_dir / "bundles" / "current"


def fingerprint_of(encoder: EncoderSection, files: Mapping[str, FileEntry]) -> str:
    """The first 12 hex digits of the SHA-256 over canonical JSON of the encoder and the files' hashes.

    Derived files are excluded.
    """
    content = {
        # without what is null: older bundles keep their fingerprints
        "encoder": encoder.model_dump(mode="json", exclude_none=True),
        "files": {name: entry.sha256 for name, entry in files.items() if not entry.derived},
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def encoder_fingerprint_of(manifest: Manifest) -> str:
    """12 hex digits that identify the encoder of a bundle alone."""
    files = {name: manifest.files[name] for name in (ENCODER, TOKENIZER) if name in manifest.files}
    return fingerprint_of(manifest.encoder, files)


def load_bundle(directory: Path) -> Bundle:
    """The bundle in `directory`, which may be a link, after checking every file against its hash.

    The check takes about 0.1 s for 90 MB. Raises SetupError when there is no bundle, when it is damaged (a
    file is missing or has changed), and when its manifest is invalid or of another version.
    """
    # the link is resolved once: a build may replace it while the files are read
    directory = directory.resolve()
    manifest = read_manifest(directory)
    for name in manifest.files:
        verify_file(directory, manifest, name)
    return Bundle(directory, manifest)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the bundle in `directory`. Its files are not checked.

    Raises SetupError when there is none, or when this version of ticketmill cannot read it.
    """
    path = directory / MANIFEST
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SetupError(f"no bundle at {directory}: {_REBUILD}") from error
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    try:
        found = json.loads(content)
    except ValueError as error:
        raise SetupError(f"{path} is not a manifest (not JSON): {_REBUILD}") from error
    version = found.get("format") if isinstance(found, dict) else None
    if version != FORMAT:
        raise SetupError(f"{path} has format {version!r}, this ticketmill reads format {FORMAT}: {_REBUILD}")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "manifest"
        raise SetupError(f"{path} is not a manifest ({where}: {first['msg']}): {_REBUILD}") from error


def verify_file(directory: Path, manifest: Manifest, name: str) -> None:
    """Raises SetupError unless the file `name` in `directory` is the one that `manifest` describes."""
    entry = manifest.files[name]
    path = directory / name
    try:
        # the size first: the check is free, and tells a truncated file from a changed one
        size = path.stat().st_size
        if size != entry.bytes:
            raise _damaged(directory, f"{name} has {size} bytes instead of {entry.bytes}")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise _damaged(directory, f"{name} is missing") from error
    except OSError as error:
        raise _damaged(directory, f"{name} cannot be read: {error.strerror}") from error
    if found != entry.sha256:
        raise _damaged(directory, f"{name} is not the file that was built (sha256 {found[:12]}…)")


def _damaged(directory: Path, what: str) -> SetupError:
    return SetupError(f"the bundle {directory} is damaged: {what}; {_REBUILD}")
