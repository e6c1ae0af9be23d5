"""What can be drawn of a model card."""

from __future__ import annotations

from enum import StrEnum


class Plot(StrEnum):
    """A plot, by its name."""

    RELIABILITY = "reliability"
    """Accuracy by confidence."""
    CONFUSION = "confusion"
    """True labels against predicted ones."""
    CURVE = "curve"
    """Accuracy by the number of examples."""
    LABELS = "labels"
    """The F1 of each label."""
