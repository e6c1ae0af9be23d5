"""The encoder with its real weights, built once and kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ticketmill.ml.build import build_bundle
from ticketmill.ml.bundle import Bundle, load_bundle


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The bare encoder, in a cache of its own: the bundle that the product uses stays the current one."""
    cache = Path(os.environ.get("TICKETMILL_CACHE_DIR") or Path.home() / ".cache" / "ticketmill")
    result = build_bundle(cache / "golden", extra_files={}, report=lambda _line: None)
    return load_bundle(result.directory)
