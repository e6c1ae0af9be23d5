"""The bundle that the product ships with, built once into the cache and kept between runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from preloaded import preloaded_commands

from ticketmill.encoder.build.builder import build_bundle
from ticketmill.encoder.bundle import Bundle, load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.models.build.assemble import build_shipped
from ticketmill.settings import load_settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that may take longest begin first: the last one to end is then a short one."""
    items.sort(key=_own_timeout_s, reverse=True)


def _own_timeout_s(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return marker.args[0] if marker else 0


@pytest.fixture(scope="session")
def preloaded() -> Iterator[Path]:
    """A folder with a `ticketmill` whose processes start without importing anything."""
    with preloaded_commands() as folder:
        yield folder


@pytest.fixture
def shell_path(preloaded: Path) -> str:
    """The PATH of a shell in which `ticketmill` starts at once, and what is installed with it is found."""
    return f"{preloaded}:{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.fixture(scope="session")
def bundle_dir() -> Path:
    """Needs the network where the cache has no bundle yet."""
    return build_shipped(load_settings().cache_dir, report=lambda _line: None).directory


@pytest.fixture(scope="session")
def bundle(bundle_dir: Path) -> Bundle:
    return load_bundle(bundle_dir)


@pytest.fixture(scope="session")
def encoder(bundle: Bundle) -> Encoder:
    """The real MiniLM, as it is shipped."""
    return Encoder(bundle, threads=2)


@pytest.fixture(scope="session")
def exact_bundle() -> Bundle:
    """The real MiniLM in float32, from where training has its own."""
    built = build_bundle(
        load_settings().cache_dir / "training",
        precision="fp32",
        extra_files={},
        report=lambda _line: None,
    )
    return load_bundle(built.directory)


@pytest.fixture(scope="session")
def exact_encoder(exact_bundle: Bundle) -> Encoder:
    return Encoder(exact_bundle, threads=2)
