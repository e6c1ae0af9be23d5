"""The lock files: all that the package depends on, each in range, each held by a hash."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = {
    "requirements.lock": ("web",),
    "requirements-train.lock": ("train",),
    "requirements-search.lock": ("search", "web"),
    "requirements-dev.lock": ("dev",),
}
MEND = "run `make lock`"


def locked(name: str) -> dict[str, list[Requirement]]:
    """The entries of a lock by package: more than one where versions differ by platform or Python."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line and line[0] not in " #":
            entry = Requirement(line.removesuffix("\\"))
            found.setdefault(canonicalize_name(entry.name), []).append(entry)
    return found


def wanted(extras: tuple[str, ...]) -> Iterator[Requirement]:
    """What pyproject.toml asks for, extras of its own unfolded."""
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    for requirement in (Requirement(text) for each in lists for text in each):
        if requirement.name == PROJECT["name"]:
            yield from wanted(tuple(requirement.extras))
        else:
            yield requirement


def version_of(entry: Requirement) -> str:
    (pin,) = entry.specifier
    assert pin.operator == "==", entry
    return pin.version


@pytest.mark.parametrize(("name", "extras"), LOCKS.items())
def test_every_dependency_is_locked_within_its_range(name: str, extras: tuple[str, ...]) -> None:
    entries = locked(name)
    for requirement in wanted(extras):
        found = entries.get(canonicalize_name(requirement.name))
        assert found, f"{name} lacks {requirement.name}: {MEND}"
        assert all(requirement.specifier.contains(version_of(entry)) for entry in found), (
            f"{name} holds {found[0]}, and {requirement} is asked for: {MEND}"
        )


@pytest.mark.parametrize("name", LOCKS)
def test_what_a_locked_package_needs_is_locked_too(name: str) -> None:
    entries = locked(name)
    for package in entries:
        try:
            needed = [Requirement(text) for text in requires(package) or ()]
        except PackageNotFoundError:  # of another platform
            continue
        for requirement in needed:
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in entries, (
                    f"{package} needs {requirement}: {MEND}"
                )


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_is_held_by_hashes_and_nothing_says_where_it_was_made(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.findall(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(entries) == sum(map(len, locked(name).values()))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry) for entry in entries)
    assert not re.search(r"://|--(extra-)?index|--find-links|file:|@ ", text)


def test_all_locks_hold_the_same_versions() -> None:
    found = {
        name: {package: {version_of(entry) for entry in each} for package, each in locked(name).items()}
        for name in LOCKS
    }
    dev = found.pop("requirements-dev.lock")
    for name, runtime in found.items():
        assert {package: dev.get(package) for package in runtime} == runtime, f"{name}: {MEND}"
