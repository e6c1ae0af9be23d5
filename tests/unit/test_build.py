"""Builds bundles of a tiny encoder: what is kept, what is made again, and what a crash leaves."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_encoder import TinyBuild, write_calibration

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build.builder import BuildResult, build_bundle
from ticketmill.encoder.bundle import Bundle, current_bundle, load_bundle
from ticketmill.encoder.encoder import Encoder


@pytest.fixture
def tiny(tmp_path: Path) -> TinyBuild:
    return TinyBuild.below(tmp_path)


def test_a_build_makes_a_complete_bundle_that_encodes(tiny: TinyBuild) -> None:
    result = tiny.make(heads=b"[1]")
    bundle = load_bundle(current_bundle(tiny.cache))
    assert result == BuildResult(bundle.directory, bundle.fingerprint, built=True)
    assert bundle.directory.name == bundle.fingerprint
    assert bundle.path("heads.json").read_bytes() == b"[1]"
    assert bundle.manifest.encoder.dimensions == 8
    assert bundle.manifest.source.origin == str(tiny.source)
    encoder = Encoder(bundle, threads=1)
    refund, nothing, long = encoder.encode(["refund please", "", "login " * 20])
    assert (refund.tokens, nothing.tokens, long.tokens) == (2, 0, 20)
    assert (refund.windows, nothing.windows, long.windows) == (1, 0, 3)
    assert not long.truncated
    assert refund.layers.shape == (3, 8)
    assert np.linalg.norm(refund.embedding) == pytest.approx(1)
    assert tiny.left_behind() == set()


def test_a_second_build_of_the_same_keeps_the_bundle_and_asks_no_source(tiny: TinyBuild) -> None:
    first = tiny.make(heads=b"[1]")
    written = (first.directory / "encoder.onnx").stat().st_mtime_ns
    second = tiny.make("no such source", heads=b"[1]")
    assert second == BuildResult(first.directory, first.fingerprint, built=False)
    assert (first.directory / "encoder.onnx").stat().st_mtime_ns == written


def test_new_extra_files_make_a_new_bundle_of_the_same_encoder_and_ask_no_source(tiny: TinyBuild) -> None:
    first = tiny.make(heads=b"[1]")
    second = tiny.make("no such source", heads=b"[2]", taxonomy=b"{}")
    assert second.built
    assert second.fingerprint != first.fingerprint
    assert load_bundle(current_bundle(tiny.cache)).fingerprint == second.fingerprint
    # records made by the older bundle still name it
    older, newer = load_bundle(first.directory), load_bundle(second.directory)
    assert older.manifest.files["encoder.onnx"] == newer.manifest.files["encoder.onnx"]


def test_going_back_to_earlier_extra_files_takes_the_bundle_that_is_there(tiny: TinyBuild) -> None:
    first = tiny.make(heads=b"[1]")
    tiny.make(heads=b"[2]")
    again = tiny.make(heads=b"[1]")
    assert again == BuildResult(first.directory, first.fingerprint, built=False)
    assert load_bundle(current_bundle(tiny.cache)).fingerprint == first.fingerprint


def test_the_same_files_from_another_folder_make_the_same_fingerprint(
    tiny: TinyBuild, tmp_path: Path
) -> None:
    first = tiny.make()
    moved = tiny.source.rename(tmp_path / "moved")
    assert tiny.elsewhere(tmp_path / "other cache").make(moved).fingerprint == first.fingerprint


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "heads.json", "manifest.json"])
def test_a_damaged_bundle_is_built_again_in_its_place(name: str, tiny: TinyBuild) -> None:
    first = tiny.make(heads=b"[1]")
    (first.directory / name).write_bytes(b"damaged")
    with pytest.raises(SetupError, match="ticketmill models build"):
        load_bundle(current_bundle(tiny.cache))
    second = tiny.make(heads=b"[1]")
    assert second == BuildResult(first.directory, first.fingerprint, built=True)
    assert load_bundle(current_bundle(tiny.cache)).fingerprint == first.fingerprint
    assert tiny.left_behind() == set()


def test_the_other_precision_is_built_of_the_source_and_not_of_the_bundle(tiny: TinyBuild) -> None:
    fast = tiny.make()
    with pytest.raises(SetupError, match="no such source"):
        tiny.make("no such source", "fp32")
    exact = tiny.make(None, "fp32")
    assert load_bundle(fast.directory).manifest.encoder.precision == "int8"
    assert load_bundle(exact.directory).manifest.encoder.precision == "fp32"
    assert (fast.directory / "encoder.onnx").read_bytes() != (exact.directory / "encoder.onnx").read_bytes()


def test_going_back_to_a_precision_asks_no_source(tiny: TinyBuild) -> None:
    fast = tiny.make(heads=b"[1]")
    tiny.make(None, "fp32", heads=b"[1]")
    again = tiny.make("no such source", heads=b"[1]")
    assert again == BuildResult(fast.directory, fast.fingerprint, built=False)
    assert tiny.make("no such source", "fp32", heads=b"[2]").built


def test_another_recipe_makes_the_encoder_again(tiny: TinyBuild) -> None:
    tiny.make()
    newer = replace(tiny, recipe=replace(tiny.recipe, version=tiny.recipe.version + 1))
    with pytest.raises(SetupError, match="no such source"):
        newer.make("no such source")
    newer.make()
    assert load_bundle(current_bundle(tiny.cache)).manifest.source.recipe == newer.recipe.version


def test_another_calibration_makes_the_8_bit_encoder_again_and_no_other(tiny: TinyBuild) -> None:
    exact = tiny.make(None, "fp32")
    fast = tiny.make()
    write_calibration(tiny.recipe.calibration, reach=2)
    assert tiny.make().fingerprint != fast.fingerprint
    assert tiny.make("no such source", "fp32").fingerprint == exact.fingerprint


def test_a_calibration_of_another_encoder_is_refused_by_the_weights_name(tiny: TinyBuild) -> None:
    np.savez(tiny.recipe.calibration, another=np.zeros((2, 8)))
    with pytest.raises(SetupError, match=r"query\.weight needs \(2, 8\) ranges"):
        tiny.make()


def interrupt(*_arguments: object) -> bytes:
    raise KeyboardInterrupt


def interrupt_at_the_encoder(line: str) -> None:
    if line == "building the encoder":
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "options",
    [{"report": interrupt_at_the_encoder}, {"derived": {"prototypes.npz": interrupt}}],
    ids=["while the encoder is made", "while derived files are made"],
)
def test_an_interrupt_leaves_the_old_bundle_current_and_nothing_behind(
    options: dict[str, Any], tiny: TinyBuild
) -> None:
    first = tiny.make(heads=b"[1]")
    (first.directory / "encoder.onnx").write_bytes(b"so that the encoder must be made again")
    with pytest.raises(KeyboardInterrupt):
        tiny.make(heads=b"[2]", **options)
    assert current_bundle(tiny.cache).resolve() == first.directory
    assert tiny.left_behind() == set()
    # and the lock is free again
    assert tiny.make(heads=b"[2]").fingerprint != first.fingerprint


def test_a_link_that_cannot_be_replaced_is_a_setup_error_and_leaves_no_work_behind(tiny: TinyBuild) -> None:
    current = current_bundle(tiny.cache)
    (current / "a file").mkdir(parents=True)
    with pytest.raises(SetupError, match="could not be written below"):
        tiny.make()
    assert tiny.left_behind() == {"current"}


def test_what_a_killed_build_left_is_cleared_away(tiny: TinyBuild) -> None:
    remains = current_bundle(tiny.cache).parent / ".building-killed" / "bundle"
    remains.mkdir(parents=True)
    (remains / "encoder.onnx").write_bytes(b"half")
    tiny.make()
    assert tiny.left_behind() == set()


def test_builds_that_race_end_with_one_complete_bundle(tiny: TinyBuild) -> None:
    results: list[BuildResult] = []
    racers = [threading.Thread(target=lambda: results.append(tiny.make())) for _ in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [result.built for result in results].count(True) == 1
    assert len({result.fingerprint for result in results}) == 1
    assert len(results) == 6
    assert load_bundle(current_bundle(tiny.cache)).fingerprint == results[0].fingerprint
    assert tiny.left_behind() == set()


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "manifest.json", "a/b", "../c", ""])
def test_extra_files_with_names_that_are_taken_or_not_plain_are_a_mistake(name: str, tiny: TinyBuild) -> None:
    with pytest.raises(ValueError, match="extra files"):
        build_bundle(tiny.cache, source=str(tiny.source), extra_files={name: b""}, report=lambda _line: None)
    assert not tiny.cache.exists()


def test_a_place_that_cannot_be_written_is_a_setup_error(tiny: TinyBuild) -> None:
    tiny.cache.write_text("a file, not a folder")
    with pytest.raises(SetupError, match="could not be written below"):
        tiny.make()


def test_derived_files_are_made_of_the_bundle_without_them_and_only_when_something_is_new(
    tiny: TinyBuild,
) -> None:
    made: list[str] = []

    def derive(bundle: Bundle) -> bytes:
        made.append(bundle.path("taxonomy.json").read_text())
        assert bundle.path("encoder.onnx").is_file()
        return b"prototypes of " + bundle.path("taxonomy.json").read_bytes()

    def build(taxonomy: bytes) -> BuildResult:
        return tiny.make(derived={"prototypes.npz": derive}, taxonomy=taxonomy)

    first, again, other = build(b"[1]"), build(b"[1]"), build(b"[2]")
    assert made == ["[1]", "[2]"]
    assert (first.built, again.built) == (True, False)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert load_bundle(other.directory).path("prototypes.npz").read_bytes() == b"prototypes of [2]"


def test_a_derived_file_is_no_part_of_the_fingerprint_but_is_verified(tiny: TinyBuild) -> None:
    def build(content: bytes) -> BuildResult:
        return tiny.make(derived={"prototypes.npz": lambda _bundle: content}, taxonomy=b"[1]")

    first = build(b"made here")
    (first.directory / "prototypes.npz").write_bytes(b"made  her")
    with pytest.raises(SetupError, match=r"prototypes\.npz is not the file that was built"):
        load_bundle(first.directory)
    assert build(b"made on another processor").fingerprint == first.fingerprint
    assert load_bundle(first.directory).path("prototypes.npz").read_bytes() == b"made on another processor"
