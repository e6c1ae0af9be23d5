"""What a version's files make: an overlay, or a model of parts. The file that is there decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ticketmill.learning.parts.manifest import PARTS_FILE
from ticketmill.models.overlay import Overlay, load_overlay

if TYPE_CHECKING:
    from ticketmill.learning.parts.model import PartsModel


def load_model(files: Mapping[str, bytes]) -> Overlay | PartsModel:
    """The model of a version.

    Raises SetupError when this version cannot read the files, and LearningRefused where a part's package is
    missing.
    """
    if PARTS_FILE not in files:
        return load_overlay(files)
    from ticketmill.learning.parts.model import load_parts  # a worker that has no such version goes without

    return load_parts(files)
