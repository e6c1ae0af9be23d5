"""Plots as PNG files: of an evaluation, and of the rows' labels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ticketmill.arrays import Bools, Doubles
from ticketmill.domain.errors import SetupError
from ticketmill.learning.calibration import reliability
from ticketmill.learning.measures import Classified
from ticketmill.settings import load_settings

DPI = 120
MAX_BARS = 15


def check_plots() -> None:
    """Raises SetupError when matplotlib is missing. Call it before the work."""
    _figure(1.0, 1.0)


def plot_confusion(measures: Classified, title: str, path: Path) -> None:
    """The confusion matrix. Colours show shares of the true label, numbers show counts."""
    names = [each.label for each in measures.labels]
    counts = np.array(measures.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.55 * len(names)
    figure = _figure(side + 1, side)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    _ticks(axes, names)
    for row, column in np.argwhere(counts > 0).tolist():
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=8)
    axes.set(title=title, xlabel="given", ylabel="true")
    figure.savefig(path, dpi=DPI)


def plot_reliability(confidence: Doubles, right: Bools, title: str, path: Path) -> None:
    """Accuracy by confidence. Dots are as large as their bins' shares; the grey line is perfect."""
    figure = _figure(5.0, 5.0)
    axes = figure.add_subplot()
    means, hits, shares = np.array(reliability(confidence, right)).T
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.plot(means, hits, color="tab:blue", linewidth=1)
    axes.scatter(means, hits, s=20 + 400 * shares, color="tab:blue", alpha=0.7)
    axes.set(title=title, xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    figure.savefig(path, dpi=DPI)


def plot_counts(counts: Mapping[str, Mapping[str, int]], title: str, path: Path) -> None:
    """A panel of bars a task, the labels in their order. SetupError when `path` cannot be written."""
    try:
        figure_of_counts(counts, title).savefig(path, dpi=DPI, format="png")
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}") from error


def figure_of_counts(counts: Mapping[str, Mapping[str, int]], title: str) -> Any:
    """The figure that `plot_counts` writes."""
    figure = _figure(14.0, 8.0)
    figure.suptitle(title)
    columns = 3
    for position, (task, labels) in enumerate(counts.items(), start=1):
        axes = figure.add_subplot(-(-len(counts) // columns), columns, position)
        shown = list(labels.items())[:MAX_BARS]
        bars = axes.barh([label for label, _ in shown], [count for _, count in shown], color="tab:blue")
        axes.bar_label(bars, padding=2, fontsize=8)
        axes.invert_yaxis()
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(title=f"{task} ({len(labels) - MAX_BARS} more)" if len(labels) > MAX_BARS else task)
    return figure


def _ticks(axes: Any, names: Sequence[str]) -> None:
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)


def _figure(width: float, height: float) -> Any:
    # read when matplotlib is first imported: its fonts are kept with ticketmill's own files
    os.environ.setdefault("MPLCONFIGDIR", str(load_settings().cache_dir / "matplotlib"))
    try:
        # not pyplot: it keeps figures in memory, and needs a display
        from matplotlib.figure import Figure
    except ImportError:
        raise SetupError("plots need matplotlib: pip install 'ticketmill[evaluate]'") from None
    return Figure(figsize=(width, height), layout="constrained")
