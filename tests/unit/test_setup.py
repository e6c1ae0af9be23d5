"""infra/venv.sh, by which `make setup` makes its environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "infra" / "venv.sh"


def fake_python(path: Path, version: str) -> Path:
    """A Python that knows its version, and makes an environment of it that says how it was asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = -c ]; then echo {version}; exit; fi\n'
        "shift 2\n"
        'if [ "$1" = --clear ]; then rm -r "$2"; echo cleared; shift; fi\n'
        'mkdir -p "$1/bin" && cp "$0" "$1/bin/python"\n'
    )
    path.chmod(0o755)
    return path


def venv(python: Path | str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, python, directory], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.14", "2.7"])
def test_a_python_that_will_not_do_is_named_with_what_is_needed(version: str, tmp_path: Path) -> None:
    done = venv(fake_python(tmp_path / "python3", version), tmp_path / "venv")
    assert done.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert f"python3 is {version}: name another, as in: make setup PYTHON=python3.11" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = venv("python-of-nobody", tmp_path / "venv")
    assert done.returncode == 1
    assert "python-of-nobody does not run" in done.stderr


def test_an_environment_of_another_python_is_made_anew_and_one_of_the_same_is_kept(tmp_path: Path) -> None:
    older, newer = (
        fake_python(tmp_path / "a" / "python", "3.11"),
        fake_python(tmp_path / "b" / "python", "3.12"),
    )
    assert venv(older, tmp_path / "venv").stdout == ""
    assert venv(older, tmp_path / "venv").stdout == ""
    assert venv(newer, tmp_path / "venv").stdout == "cleared\n"
    assert (tmp_path / "venv" / "bin" / "python").read_text() == newer.read_text()


def test_half_of_an_environment_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    assert venv(fake_python(tmp_path / "python", "3.11"), tmp_path / "venv").stdout == "cleared\n"


def test_the_python_of_these_tests_will_do() -> None:
    assert (3, 11) <= sys.version_info[:2] <= (3, 13)
