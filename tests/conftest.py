"""The bundle that the product ships with, built once into the cache and kept between runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ticketmill.ml.build import build_bundle
from ticketmill.ml.bundle import Bundle, load_bundle
from ticketmill.ml.encoder import Encoder
from ticketmill.ml.heads import shipped_heads
from ticketmill.settings import load_settings


@pytest.fixture(scope="session")
def bundle_dir() -> Path:
    """Needs the network where the cache has no bundle yet."""
    return build_bundle(
        load_settings().cache_dir, extra_files=shipped_heads(), report=lambda _line: None
    ).directory


@pytest.fixture(scope="session")
def bundle(bundle_dir: Path) -> Bundle:
    return load_bundle(bundle_dir)


@pytest.fixture(scope="session")
def encoder(bundle: Bundle) -> Encoder:
    """The real MiniLM."""
    return Encoder(bundle, threads=2)
