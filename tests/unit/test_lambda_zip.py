"""The archive of the Lambda function: what goes in, and that the same files give the same bytes."""

from __future__ import annotations

import os
import re
import tomllib
import zipfile
from pathlib import Path

import lambda_zip
import pytest

from ticketmill.domain.errors import SetupError

ROOT = Path(__file__).parents[2]
FILES = {"b/module.py": b"b = 1", "a.py": b"a = 1" * 1000, "a/x": b"", "lib.libs/x.so.1": bytes(500)}


def write(directory: Path, names: list[str], mode: int, at_s: int) -> None:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
        path.chmod(mode)
        os.utime(path, (at_s, at_s))


def test_the_same_files_give_the_same_bytes_whenever_and_by_whomever_they_were_written(
    tmp_path: Path,
) -> None:
    write(tmp_path / "one", list(FILES), 0o600, 1_000_000_000)
    write(tmp_path / "two", list(reversed(FILES)), 0o755, 1_700_000_000)
    for name in ("one", "two"):
        lambda_zip.write_zip(tmp_path / name, tmp_path / f"{name}.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == FILES
        # Lambda runs as another user
        assert {entry.external_attr >> 16 for entry in packed.infolist()} == {0o100644}


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("ticketmill/entrypoints/lambda_handler.py", True),
        ("ticketmill/pipeline/process.py", True),
        ("ticketmill/learning/corpus/tickets.jsonl", False),
        ("ticketmill/learning/shipped/branch_left_out.npz", False),
        ("ticketmill/learning/registry.py", True),
        ("ticketmill/learning/card_plots.py", True),
        ("ticketmill/entrypoints/cli/work.py", False),
        ("numpy-2.4.6.dist-info/licenses/LICENSE.txt", True),
        ("numpy-2.4.6.dist-info/METADATA", True),
        ("numpy-2.4.6.dist-info/RECORD", False),
        ("ticketmill-0.1.0.dist-info/direct_url.json", False),
        ("numpy/linalg/tests/test_linalg.py", False),
        ("numpy/testing/__init__.py", True),
        ("numpy.libs/libscipy_openblas64_-8fb3d286.so", True),
        ("onnxruntime/capi/onnxruntime_pybind11_state.so", True),
        ("onnxruntime/transformers/optimizer.py", False),
        ("botocore/data/s3/2006-03-01/service-2.json.gz", True),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("pydantic/__init__.pyi", False),
    ],
)
def test_what_no_invocation_reads_is_left_out_and_licences_are_not(path: str, needed: bool) -> None:
    assert (lambda_zip.NOT_NEEDED.search(path) is None) is needed


def test_the_lock_pins_all_that_ticketmill_depends_on_but_the_command_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[^a-z0-9-]", each)[0] for each in project["dependencies"]}
    lines = (ROOT / "infra" / "lambda.excludes").read_text().splitlines()
    excluded = {line for line in lines if not line.startswith("#")}
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", lambda_zip.LOCK.read_text(), re.MULTILINE))
    assert wanted - excluded <= locked.keys()
    assert not locked.keys() & (excluded | {"torch", "scikit-learn", "onnx"})


def test_every_package_of_the_lock_has_its_hashes() -> None:
    blocks = re.split(r"^(?=\S)", lambda_zip.LOCK.read_text(), flags=re.MULTILINE)[1:]
    assert len(blocks) > 10
    assert all("--hash=sha256:" in block for block in blocks)


def test_without_the_interpreter_of_the_runtime_nothing_is_built() -> None:
    with pytest.raises(SetupError, match=r"no python3\.99 here"):
        lambda_zip.interpreter_of("3.99")
