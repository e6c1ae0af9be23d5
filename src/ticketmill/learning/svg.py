"""Drawings as SVG without a library: a picture, what it shows in a sentence, and its numbers as a table.

On a page the colours are those of the page; a file has them of its own, light and dark. No element has a
`style`: the page's policy forbids that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""The headings, and the rows."""

CHAR_PX = 6.6
"""About the width of a character in that font."""
HEADING_PX = 30
"""The room for the title of a file. A page has a heading of its own."""
MAX_NAME_CHARS = 26
CELL_OPACITY = 0.55
"""Of a cell or bar with text on it, at the most: the text keeps its contrast."""

LIGHT = {"paper": "#ffffff", "line": "#c3cbd6", "ink": "#17202c", "soft": "#4a5563", "fill": "#2f6fc4"}
LIGHT |= {"critical": "#a3121c"}
DARK = {"paper": "#12171e", "line": "#3a4656", "ink": "#e8edf4", "soft": "#aeb9c8", "fill": "#6aa5f5"}
DARK |= {"critical": "#ff9a94"}
"""The colours of a file: those of the page that have the same names."""

RULES = """\
.plot { display: block; max-width: 100%; height: auto; }
.plot text { font: 12px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; fill: var(--ink); }
.plot .heading { font-weight: 650; }
.plot .tick { fill: var(--soft); }
.plot .grid { stroke: var(--line); }
.plot .ideal { stroke: var(--soft); stroke-dasharray: 5 4; }
.plot .limit { stroke: var(--critical); stroke-width: 1.5; stroke-dasharray: 6 3; fill: none; }
.plot .line { stroke: var(--fill); stroke-width: 2; fill: none; }
.plot .whisker { stroke: var(--fill); stroke-width: 1.5; }
.plot .dot, .plot .cell, .plot .bar { fill: var(--fill); }
.plot .over { fill: var(--critical); }
"""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plot."""

    name: str
    """Tells it from the others of a page."""
    title: str
    description: str
    """What it shows and how to read it, for those who do not see it."""
    width: float
    height: float
    marks: tuple[str, ...]
    """Its elements."""
    table: Table
    """The same in numbers."""

    def inline(self) -> str:
        """The SVG for a page that has RULES."""
        return self._svg({"class": "plot"}, self.height, self.marks)

    def file(self) -> str:
        """The SVG as a file."""
        colours = f"svg {{ {_variables(LIGHT)} background: var(--paper); }}\n"
        colours += f"@media (prefers-color-scheme: dark) {{ svg {{ {_variables(DARK)} }} }}\n"
        ground = element("rect", width="100%", height="100%", fill="var(--paper)")
        heading = text(self.title, 12, 20, "start", cls="heading")
        own = (
            f"<style>\n{colours}{RULES}</style>",
            ground,
            heading,
            f'<g transform="translate(0 {HEADING_PX})">',
        )
        attributes = {"xmlns": "http://www.w3.org/2000/svg", "class": "plot"}
        return self._svg(attributes, self.height + HEADING_PX, (*own, *self.marks, "</g>")) + "\n"

    def _svg(self, attributes: dict[str, str], height: float, marks: Iterable[str]) -> str:
        title, description = f"{self.name}-title", f"{self.name}-description"
        own = {
            **attributes,
            "width": number(self.width),
            "height": number(height),
            "viewBox": f"0 0 {number(self.width)} {number(height)}",
            "role": "img",
            "aria-labelledby": f"{title} {description}",
        }
        start = "".join(f' {name}="{escape(value)}"' for name, value in own.items())
        said = (
            f'<title id="{title}">{printable(self.title)}</title>',
            f'<desc id="{description}">{printable(self.description)}</desc>',
        )
        return "\n".join((f"<svg{start}>", *said, *marks, "</svg>"))


@dataclass(frozen=True, slots=True)
class Area:
    """The rectangle that values are drawn in. `x` and `y` are the ranges that its sides stand for."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies."""
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return self.left + across * self.width, self.top + (1 - up) * self.height

    def axes(
        self,
        names: tuple[str, str],
        across: Iterable[tuple[float, str]],
        up: Iterable[tuple[float, str]],
    ) -> list[str]:
        """Lines with numbers beside them: those of the x axis from left to right, of the y axis upwards."""
        marks = []
        right, base = self.left + self.width, self.top + self.height
        for value, name in up:
            _, y = self.place(self.x[0], value)
            marks.append(element("line", cls="grid", x1=self.left, x2=right, y1=y, y2=y))
            marks.append(text(name, self.left - 6, y + 4, "end", cls="tick"))
        for value, name in across:
            x, _ = self.place(value, self.y[0])
            marks.append(element("line", cls="grid", x1=x, x2=x, y1=base, y2=base + 4))
            marks.append(text(name, x, base + 18, "middle", cls="tick"))
        marks.append(text(names[0], self.left + self.width / 2, base + 36, "middle"))
        marks.append(text(names[1], self.left, self.top - 10, "start"))
        return marks

    def line(self, points: Sequence[tuple[float, float]], cls: str = "line") -> str:
        """A line through points."""
        places = " ".join(f"{number(x)},{number(y)}" for x, y in (self.place(*each) for each in points))
        return f'<polyline class="{cls}" points="{places}"/>'

    def dot(self, x: float, y: float, radius: float, title: str, cls: str = "dot") -> str:
        """A dot that tells its numbers where it is pointed at."""
        cx, cy = self.place(x, y)
        return element("circle", title=title, cls=cls, cx=cx, cy=cy, r=radius)

    def whisker(self, x: float, low: float, high: float) -> str:
        """An interval."""
        (at, y1), (_, y2) = self.place(x, low), self.place(x, high)
        return element("line", cls="whisker", x1=at, x2=at, y1=y1, y2=y2)


def bars(rows: Sequence[tuple[str, float, str]], longest: float) -> tuple[float, float, list[str]]:
    """Bars to the right, one below the other: name, value and what stands behind it. `longest` is the value
    of a bar over the full width. Gives width, height and marks."""
    left = 12 + CHAR_PX * max((len(shortened(name)) for name, _, _ in rows), default=0)
    across, step = 360.0, 20.0
    marks = []
    for position, (name, value, told) in enumerate(rows):
        y = 8 + position * step
        width = across * value / (longest or 1)
        marks.append(text(shortened(name), left - 6, y + 13, "end"))
        marks.append(
            element("rect", title=f"{name}: {told}", cls="bar", x=left, y=y + 3, width=width, height=step - 6)
        )
        marks.append(text(told, left + width + 6, y + 13, "start", cls="tick"))
    room = 6 + CHAR_PX * max((len(told) for _, _, told in rows), default=0)
    return left + across + room + 12, 16 + step * len(rows), marks


def text(said: str, x: float, y: float, anchor: str, cls: str = "", turned: float | None = None) -> str:
    """A text. `turned` are degrees around its place."""
    turn = "" if turned is None else f' transform="rotate({number(turned)} {number(x)} {number(y)})"'
    kind = f' class="{cls}"' if cls else ""
    place = f'x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"'
    return f"<text{kind} {place}{turn}>{printable(said)}</text>"


def element(tag: str, title: str = "", cls: str = "", **attributes: float | str) -> str:
    """An element, with its title where it has one."""
    given = {"class": cls, **attributes} if cls else attributes
    told = "".join(
        f' {name.replace("_", "-")}="{value if isinstance(value, str) else number(value)}"'
        for name, value in given.items()
    )
    return f"<{tag}{told}><title>{printable(title)}</title></{tag}>" if title else f"<{tag}{told}/>"


def printable(said: str) -> str:
    """A text for an element. What has no shape, or turns the direction of others, is replaced."""
    return escape("".join(char if char.isprintable() else "\ufffd" for char in said))


def shortened(name: str) -> str:
    """A name that has room beside a mark."""
    return name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…"


def number(value: float) -> str:
    """As short as it can be: one hundredth of a pixel is enough."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
