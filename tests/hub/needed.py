"""What the tests of named models need: the extra `hub`."""

from __future__ import annotations

import importlib.util
import os

import pytest

# set by `make test-hub` and in CI: there a missing package is a failure
REQUIRED = "TICKETMILL_TEST_HUB"


def require_hub() -> None:
    """Skips the module where the extra is not installed, unless it must be."""
    if importlib.util.find_spec("torch") is None and not os.environ.get(REQUIRED):
        pytest.skip("the extra `hub` is not installed: make test-hub", allow_module_level=True)
