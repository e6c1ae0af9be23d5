"""The plots of a model card: reliability, confusion, learning curve, and the F1 of each label."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from pathlib import Path

from ticketmill.domain.errors import SetupError
from ticketmill.domain.model_card import ModelCard
from ticketmill.domain.plot import Plot
from ticketmill.learning.svg import (
    CELL_OPACITY,
    CHAR_PX,
    Area,
    Drawing,
    bars,
    element,
    shortened,
    text,
)

MAX_MATRIX_LABELS = 30
"""With more labels the confused pairs are drawn, not the matrix."""
MAX_BARS = 30
CELL_PX = 26.0
TENTHS = tuple(tenth / 10 for tenth in range(0, 11, 2))


def draw(card: ModelCard, what: Plot) -> Drawing | None:
    """A plot of a card; None where the card lacks its numbers."""
    return _DRAWN[what](card)


def drawings(card: ModelCard) -> list[Drawing]:
    """All plots of a card."""
    return [drawing for what in Plot if (drawing := draw(card, what)) is not None]


def write_plot(card: ModelCard, what: Plot, path: Path) -> None:
    """Writes a plot as an SVG file. SetupError where it cannot be drawn or written."""
    if path.suffix.lower() != ".svg":
        raise SetupError(f"plots are written as SVG: name a file that ends in .svg, not {path.name}")
    drawing = draw(card, what)
    if drawing is None:
        raise SetupError(f"the card of this version has no numbers for {what}: {_WITHOUT[what]}")
    try:
        path.write_text(drawing.file(), encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}") from error


def reliability(card: ModelCard) -> Drawing | None:
    """Accuracy by confidence. Dots are as large as their share; the dashed line is perfect."""
    bins = [each for each in card.reliability if each.share]
    if not bins:
        return None
    area = Area(left=48, top=30, width=320, height=320)
    scale = [(tenth, f"{tenth:.1f}") for tenth in TENTHS]
    marks = area.axes(("confidence", "accuracy"), scale, scale)
    marks.append(area.line([(0, 0), (1, 1)], "ideal"))
    marks.append(area.line([(each.confidence, each.accuracy) for each in bins]))
    for each in bins:
        told = f"confidence {each.confidence:.2f}: {each.accuracy:.1%} right, {each.share:.1%} of predictions"
        marks.append(area.dot(each.confidence, each.accuracy, 3 + 14 * each.share**0.5, told))
    return Drawing(
        Plot.RELIABILITY,
        f"Reliability of {card.task}",
        "Accuracy by confidence. On the dashed line both are equal. "
        f"Calibration error {card.calibration_error:.3f}.",
        width=388,
        height=400,
        marks=tuple(marks),
        table=(
            ("confidence", "accuracy", "share"),
            tuple((f"{each.confidence:.3f}", f"{each.accuracy:.3f}", f"{each.share:.1%}") for each in bins),
        ),
    )


def confusion(card: ModelCard) -> Drawing | None:
    """The confusion matrix; of many labels, the pairs that are confused most."""
    if not card.confusion:
        return None
    return _matrix(card) if len(card.confusion) <= MAX_MATRIX_LABELS else _confused_pairs(card)


def curve(card: ModelCard) -> Drawing | None:
    """Accuracy by the number of examples, with intervals."""
    points = card.curve
    if not points:
        return None
    lowest = floor(10 * min(point.accuracy.low for point in points)) / 10
    most = max(point.examples for point in points)
    area = Area(left=48, top=30, width=480, height=280, x=(0, most * 1.04), y=(lowest, 1.0))
    step = 1 if lowest >= 0.5 else 2
    ticks = [tenth / 10 for tenth in range(10, floor(10 * lowest + 0.5) - 1, -step)]
    marks = area.axes(
        ("examples", "accuracy"),
        [(most * part / 4, f"{round(most * part / 4):,}") for part in range(5)],
        [(tick, f"{tick:.1f}") for tick in ticks],
    )
    marks.append(area.line([(point.examples, point.accuracy.value) for point in points]))
    for point in points:
        share = point.accuracy
        marks.append(area.whisker(point.examples, share.low, share.high))
        told = f"{point.examples} examples: {share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
        marks.append(area.dot(point.examples, share.value, 4, told))
    rows = tuple(
        (str(point.examples), *(f"{each:.3f}" for each in (share.value, share.low, share.high)))
        for point in points
        for share in (point.accuracy,)
    )
    return Drawing(
        Plot.CURVE,
        f"Learning curve of {card.task}",
        f"Accuracy by the number of examples, with 95% intervals, on the {card.measured_on}.",
        width=552,
        height=360,
        marks=tuple(marks),
        table=(("examples", "accuracy", "from", "to"), rows),
    )


def labels(card: ModelCard) -> Drawing | None:
    """The F1 of each label, the worst first."""
    if not card.by_label:
        return None
    ordered = sorted(card.by_label.items(), key=lambda each: (each[1].f1, each[0]))
    shown = [(label, metrics.f1, f"{metrics.f1:.2f}") for label, metrics in ordered[:MAX_BARS]]
    width, height, marks = bars(shown, 1.0)
    left_out = f" The {MAX_BARS} lowest of {len(ordered)}." if len(ordered) > MAX_BARS else ""
    return Drawing(
        Plot.LABELS,
        f"F1 of the labels of {card.task}",
        f"The F1 of each label, the lowest first.{left_out}",
        width,
        height,
        tuple(marks),
        table=(
            ("label", "F1", "precision", "recall", "examples"),
            tuple(
                (label, f"{each.f1:.3f}", f"{each.precision:.3f}", f"{each.recall:.3f}", str(each.support))
                for label, each in ordered
            ),
        ),
    )


def _matrix(card: ModelCard) -> Drawing:
    """Counts by true label (down) and predicted label (across). Shades are shares of the true label."""
    names = _confused_labels(card)
    reach = CHAR_PX * max(len(shortened(name)) for name in names)
    left, top = reach + 40, reach * 0.75 + 40
    marks = [text("predicted", left, 16, "start"), text("true", 8, top - 8, "start")]
    for position, name in enumerate(names):
        middle = (position + 0.5) * CELL_PX
        marks.append(text(shortened(name), left + middle, top - 8, "start", "tick", turned=-45))
        marks.append(text(shortened(name), left - 8, top + middle + 4, "end", "tick"))
    for row, (truth, counts) in enumerate(zip(names, card.confusion, strict=True)):
        total = sum(counts) or 1
        for column, (given, count) in enumerate(zip(names, counts, strict=True)):
            if not count:
                continue
            x, y = left + column * CELL_PX, top + row * CELL_PX
            opacity = CELL_OPACITY * max(count / total, 0.05)
            told = f"{truth} predicted as {given}: {count} of {total}"
            size = {"width": CELL_PX - 1, "height": CELL_PX - 1}
            marks.append(element("rect", told, "cell", x=x, y=y, **size, fill_opacity=opacity))
            marks.append(text(str(count), x + CELL_PX / 2, y + CELL_PX / 2 + 4, "middle"))
    side = len(names) * CELL_PX
    return Drawing(
        Plot.CONFUSION,
        f"Confusion of {card.task}",
        "Counts by true label, down, and predicted label, across. On the diagonal both are the same.",
        left + side + reach * 0.75 + 12,
        top + side + 12,
        tuple(marks),
        table=(
            ("true label", *names),
            tuple((name, *map(str, counts)) for name, counts in zip(names, card.confusion, strict=True)),
        ),
    )


def _confused_pairs(card: ModelCard) -> Drawing:
    """The mistakes that happen most, as bars."""
    names = _confused_labels(card)
    pairs = [
        (f"{shortened(truth)} → {shortened(given)}", count)
        for truth, counts in zip(names, card.confusion, strict=True)
        for given, count in zip(names, counts, strict=True)
        if count and truth != given
    ]
    most = sorted(pairs, key=lambda each: (-each[1], each[0]))[:MAX_BARS]
    width, height, marks = bars(
        [(name, float(count), str(count)) for name, count in most], max((each[1] for each in most), default=1)
    )
    return Drawing(
        Plot.CONFUSION,
        f"Labels of {card.task} that are confused most",
        f"True label → predicted label, and how often. The {len(most)} most frequent of {len(pairs)} pairs.",
        width,
        max(height, 40),
        tuple(marks),
        table=(("true → predicted", "count"), tuple((name, str(count)) for name, count in most)),
    )


def _confused_labels(card: ModelCard) -> tuple[str, ...]:
    """The labels of the matrix: behind those of the model, those that only the hold-out has."""
    return tuple(dict.fromkeys((*card.labels, *card.by_label)))[: len(card.confusion)]


_DRAWN: dict[Plot, Callable[[ModelCard], Drawing | None]] = {
    Plot.RELIABILITY: reliability,
    Plot.CONFUSION: confusion,
    Plot.CURVE: curve,
    Plot.LABELS: labels,
}
_WITHOUT = {
    Plot.RELIABILITY: "train again",
    Plot.CONFUSION: "only a task with one label has a confusion matrix",
    Plot.CURVE: "`ticketmill train --curve` measures a learning curve",
    Plot.LABELS: "train again",
}
