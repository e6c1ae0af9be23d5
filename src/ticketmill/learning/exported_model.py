"""A version as one file, to be kept or carried to another place: a zip with a manifest, and no pickle."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import CARD_FILE, ExportedModel, ModelVersion, content_of
from ticketmill.learning.registry import card_of, load_files, register
from ticketmill.learning.store import LearningStore

MANIFEST_FILE = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
MAX_IMPORTED_BYTES = 2 << 30
"""Of all files of a version, unpacked."""

_TIME = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same version is the same bytes
_READABLE = 0o644 << 16
_UNREADABLE = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made of a file."""

    version: ModelVersion
    was_there: bool
    """Whether the place had the same content as a version already."""


def export_version(store: LearningStore, version: ModelVersion) -> bytes:
    """The file of a version: its files, verified, and the manifest. The same version gives the same bytes."""
    files = load_files(store, version)
    exported = ExportedModel(version=version.model_copy(update={"retired": False}))
    manifest = exported.model_dump_json(indent=1).encode() + b"\n"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, body in {MANIFEST_FILE: manifest, **files}.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = _READABLE
            archive.writestr(entry, body)
    return target.getvalue()


def import_version(
    store: LearningStore, exported: bytes, encoder: str | None, who: str, now: datetime
) -> Imported:
    """Registers the version of an exported file under the next number of its task.

    `encoder` is the fingerprint of the bundle that the place serves with; None is not compared. Refused where
    a file is not the one that the manifest names, and where the version was trained on another encoder.
    """
    version, files = _unpacked(exported)
    card = card_of(files[CARD_FILE], version.name)
    check_encoder(version, encoder)
    if (card.task, card.encoder, card.dataset) != (version.task, version.encoder, version.dataset):
        raise _unusable(f"{CARD_FILE} is the card of another version")
    known = {each.content for each in store.versions.versions(version.task)}
    registered = register(store, files, card, f"import-{version.content}", who, now)
    return Imported(registered, was_there=version.content in known)


def check_encoder(version: ModelVersion, encoder: str | None) -> None:
    """Refused where `version` reads another encoder than that of the bundle `encoder`."""
    if encoder is not None and version.encoder != encoder:
        raise LearningRefused(
            LearningCode.ENCODER_CHANGED,
            f"{version.name} was trained on the encoder of bundle {version.encoder}, and bundle {encoder} is "
            f"here: train again with `ticketmill train --task {version.task}`, or let that bundle serve",
        )


def _unpacked(exported: bytes) -> tuple[ModelVersion, dict[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(exported)) as archive:
            version = _manifest(archive).version
            _check_contents(version, archive)
            files = {name: archive.read(name) for name in version.files}
    except _UNREADABLE as error:
        raise _unusable(f"it is no exported version ({type(error).__name__})") from None
    if CARD_FILE not in files or content_of(version.files) != version.content:
        raise _unusable("its manifest does not fit its files")
    return version, version.verified(files)


def _manifest(archive: zipfile.ZipFile) -> ExportedModel:
    if archive.getinfo(MANIFEST_FILE).file_size > MAX_MANIFEST_BYTES:
        raise _unusable(f"{MANIFEST_FILE} is too large")
    try:
        return ExportedModel.model_validate_json(archive.read(MANIFEST_FILE))
    except ValidationError:
        raise _unusable(f"this version of ticketmill cannot read its {MANIFEST_FILE}") from None


def _check_contents(version: ModelVersion, archive: zipfile.ZipFile) -> None:
    """Before anything is unpacked: names become keys, and a file says how large it is."""
    if not all(map(_PLAIN_NAME.fullmatch, (version.task, *version.files))):
        raise _unusable("its manifest has a name that no version has")
    sizes = {each.filename: each.file_size for each in archive.infolist()}
    unnamed = set(sizes) - set(version.files) - {MANIFEST_FILE}
    if unnamed:
        raise _unusable(f"its manifest does not name {min(unnamed)}")
    if sum(sizes.values()) > MAX_IMPORTED_BYTES:
        raise _unusable(f"it unpacks to more than {MAX_IMPORTED_BYTES:,} bytes")


def _unusable(what: str) -> LearningRefused:
    return LearningRefused(
        LearningCode.MODEL_MISMATCH,
        f"the file cannot be imported: {what}; export the version again by `ticketmill models export`",
    )
