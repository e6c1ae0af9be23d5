"""Our commands in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TICKETMILL = Path(sys.executable).with_name("ticketmill")

Run = Callable[..., subprocess.CompletedProcess[str]]
"""Runs a command of ours; `code` is the exit code that it must end with."""

WorkOff = Callable[[], dict[str, Any]]
"""Runs a worker until the queue is empty; its statistics."""
