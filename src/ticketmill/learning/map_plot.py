"""A map of tickets as a drawing. A label has a colour and a shape, which a legend explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from ticketmill.domain.ticket_map import NO_LABEL, TicketMap
from ticketmill.learning.svg import Area, Drawing, element, shortened, text

COLOURS = {
    "blue": "#2f6fc4",
    "orange": "#c2570c",
    "green": "#15803d",
    "purple": "#9a5cd6",
    "ochre": "#a07800",
    "teal": "#0b8a9e",
    "pink": "#d13c83",
}
"""Each can be told from a light and from a dark page."""
GREY = "#737b87"
SHAPES = ("circle", "square")
OTHERS = "others"
RADIUS_PX = 3.2
AREA = Area(12, 12, 560, 520)
LEGEND_X = 590
ROW_PX = 20


@dataclass(frozen=True, slots=True)
class Mark:
    """How tickets of a label are drawn."""

    colour: str
    shape: str

    @property
    def told(self) -> str:
        """As in `blue square`."""
        return f"{next((name for name, code in COLOURS.items() if code == self.colour), 'grey')} {self.shape}"

    def at(self, x: float, y: float, title: str = "", radius: float = RADIUS_PX) -> str:
        """The element, with its middle there."""
        if self.shape == "circle":
            return element("circle", title=title, cx=x, cy=y, r=radius, fill=self.colour, fill_opacity=0.8)
        side, corner = radius * 1.8, (x - radius * 0.9, y - radius * 0.9)
        place: dict[str, float | str] = {"x": corner[0], "y": corner[1], "width": side, "height": side}
        return element("rect", title, "", **place, fill=self.colour, fill_opacity=0.8)


def draw_map(drawn: TicketMap, task: str, address: Callable[[str], str] | None = None) -> Drawing:
    """The map coloured by a task that it has the labels of. With `address` each ticket is a link."""
    counts = Counter(drawn.labels[task])
    marks = marks_of(counts)
    elements = []
    for ticket, x, y, label in zip(drawn.tickets, drawn.x, drawn.y, drawn.labels[task], strict=True):
        mark = marks.get(label, marks.get(OTHERS, _PLAIN))
        point = mark.at(*AREA.place(x, y), title=f"{ticket}: {label}")
        # not in the order of the Tab key: thousands of stops help nobody, and the list has the same tickets
        elements.append(
            point if address is None else f'<a href="{escape(address(ticket))}" tabindex="-1">{point}</a>'
        )
    shown = {label: counts[label] for label in marks if label in counts}
    rest = counts.total() - sum(shown.values())
    legend = [*shown.items(), *([(OTHERS, rest)] if rest else [])]
    for row, (label, count) in enumerate(legend):
        y = AREA.top + 8 + row * ROW_PX
        elements.append(marks.get(label, _PLAIN).at(LEGEND_X, y, radius=5))
        elements.append(text(f"{shortened(label)} ({count:,})", LEGEND_X + 12, y + 4, "start"))
    return Drawing(
        f"map-{task}",
        f"Map of {len(drawn.tickets):,} tickets, coloured by {task}",
        f"{len(drawn.tickets):,} tickets since {drawn.since:%Y-%m-%d}. Tickets that are about the same thing "
        "lie together; the axes mean nothing, and neither do long distances.",
        width=800,
        height=max(AREA.height + 24, 40 + ROW_PX * len(legend)),
        marks=tuple(elements),
        table=(
            (task, "tickets", "drawn as"),
            tuple((label, f"{count:,}", marks.get(label, _PLAIN).told) for label, count in legend),
        ),
    )


def marks_of(counts: Counter[str]) -> dict[str, Mark]:
    """A mark for each of the most frequent labels; what is left shares a small grey one."""
    named = [label for label, _ in counts.most_common() if label != NO_LABEL]
    looks = [Mark(colour, shape) for shape in SHAPES for colour in COLOURS.values()]
    marks = dict(zip(named, looks, strict=False))
    return marks | ({NO_LABEL: _PLAIN} if NO_LABEL in counts else {})


_PLAIN = Mark(GREY, "circle")
