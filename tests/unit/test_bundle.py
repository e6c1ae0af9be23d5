from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.bundle import (
    EncoderSection,
    FileEntry,
    Manifest,
    SourceSection,
    fingerprint_of,
    load_bundle,
)

BUILD = "ticketmill models build"
ENCODER = EncoderSection(name="tiny", dimensions=4, layers=2, max_tokens=256, max_windows=8, precision="fp32")
FILES = {"encoder.onnx": b"the encoder", "tokenizer.json": b"{}", "heads.json": b"[1]"}


def entry(content: bytes) -> FileEntry:
    return FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A whole bundle."""
    directory = tmp_path / "bundle"
    directory.mkdir()
    for name, content in FILES.items():
        (directory / name).write_bytes(content)
    entries = {name: entry(content) for name, content in FILES.items()}
    manifest = Manifest(
        format=1,
        encoder=ENCODER,
        source=SourceSection(origin="here", inputs={"model.safetensors": "0" * 64}, recipe=1),
        files=entries,
        fingerprint=fingerprint_of(ENCODER, entries),
    )
    (directory / "manifest.json").write_text(manifest.model_dump_json())
    return directory


def rewrite_manifest(directory: Path, **changes: object) -> None:
    path = directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_whole_bundle_loads_and_knows_its_files(directory: Path) -> None:
    bundle = load_bundle(directory)
    assert bundle.path("heads.json").read_bytes() == b"[1]"
    assert bundle.fingerprint == bundle.manifest.fingerprint
    assert len(bundle.fingerprint) == 12


def test_a_bundle_behind_a_link_is_known_by_its_own_directory(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(directory)
    assert load_bundle(tmp_path / "current").directory == directory


def test_a_file_that_was_not_built_in_is_named(directory: Path) -> None:
    with pytest.raises(SetupError, match=rf"without heads\.npz.*{BUILD}"):
        load_bundle(directory).path("heads.npz")


@pytest.mark.parametrize("place", ["nowhere", "empty", "file", "dangling"])
def test_no_bundle_is_said_with_the_command_that_makes_one(place: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("not a directory")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    with pytest.raises(SetupError, match=rf"no bundle at .*{BUILD}"):
        load_bundle(tmp_path / place)


def test_a_damaged_bundle_is_refused_with_the_command_that_builds_it(directory: Path) -> None:
    (directory / "tokenizer.json").unlink()
    with pytest.raises(SetupError, match=rf"damaged: tokenizer\.json is missing.*{BUILD}"):
        load_bundle(directory)


def test_a_file_cut_short_is_told_by_its_size(directory: Path) -> None:
    (directory / "encoder.onnx").write_bytes(b"the enc")
    with pytest.raises(SetupError, match=rf"damaged: encoder\.onnx has 7 bytes instead of 11.*{BUILD}"):
        load_bundle(directory)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_byte_in_any_file_is_found(name: str, directory: Path) -> None:
    content = bytearray((directory / name).read_bytes())
    content[-1] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(SetupError, match=rf"damaged: {name} is not the file that was built.*{BUILD}"):
        load_bundle(directory)


def test_a_manifest_of_another_format_is_refused_by_number(directory: Path) -> None:
    rewrite_manifest(directory, format=7)
    with pytest.raises(SetupError, match=rf"format 7, this ticketmill reads format 1.*{BUILD}"):
        load_bundle(directory)


@pytest.mark.parametrize("content", [b"", b"half a {", b"\xff\xfe", b"[]", b"null", b'{"format": 1}'])
def test_what_is_not_a_manifest_is_refused(content: bytes, directory: Path) -> None:
    (directory / "manifest.json").write_bytes(content)
    with pytest.raises(SetupError, match=BUILD):
        load_bundle(directory)


def test_a_manifest_with_an_unknown_field_is_refused(directory: Path) -> None:
    rewrite_manifest(directory, surprise=1)
    with pytest.raises(SetupError, match="surprise"):
        load_bundle(directory)


def test_a_manifest_that_points_outside_its_directory_is_refused(directory: Path) -> None:
    outside = {"../secret": entry(b"secret").model_dump()}
    rewrite_manifest(directory, files=outside)
    (directory.parent / "secret").write_bytes(b"secret")
    with pytest.raises(SetupError, match=BUILD):
        load_bundle(directory)


def test_a_manifest_whose_hashes_were_edited_is_refused(directory: Path) -> None:
    (directory / "heads.json").write_bytes(b"[2]")
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["files"]["heads.json"] = entry(b"[2]").model_dump()
    rewrite_manifest(directory, files=manifest["files"])
    with pytest.raises(SetupError, match="fingerprint"):
        load_bundle(directory)


def test_the_fingerprint_follows_content_and_not_order() -> None:
    entries = {name: entry(content) for name, content in FILES.items()}
    whole = fingerprint_of(ENCODER, entries)
    assert fingerprint_of(ENCODER, dict(reversed(entries.items()))) == whole
    assert fingerprint_of(ENCODER, entries | {"heads.json": entry(b"[2]")}) != whole
    assert fingerprint_of(ENCODER.model_copy(update={"max_tokens": 128}), entries) != whole
