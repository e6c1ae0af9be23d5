"""The colours of the page: text has a contrast of 4.5 to what it stands on, marks and edges one of 3."""

from __future__ import annotations

import re

import pytest

from ticketmill.entrypoints.web.page.templating import static_files
from ticketmill.learning import svg

CSS = static_files()["page.css"].decode()
TEXT, GRAPHIC = 4.5, 3.0
GROUNDS = ("paper", "ground", "raised", "chosen")
PAIRS = [
    *((ink, ground, TEXT) for ink in ("ink", "soft") for ground in GROUNDS),
    *((ink, ground, TEXT) for ink in ("link",) for ground in ("paper", "ground")),
    *(
        (ink, ground, TEXT)
        for ink in ("critical", "high", "good")
        for ground in ("paper", "raised", "chosen")
    ),
    ("on-accent", "accent", TEXT),
    ("warn-ink", "warn-ground", TEXT),
    ("bad-ink", "bad-ground", TEXT),
    ("ink", "evidence", TEXT),
    ("ink", "entity", TEXT),
    *(("edge", ground, GRAPHIC) for ground in ("paper", "ground")),
    *(("accent", ground, GRAPHIC) for ground in ("paper", "ground")),
    ("fill", "paper", GRAPHIC),
    ("fill", "raised", GRAPHIC),
    *((f"series-{number}", "paper", GRAPHIC) for number in range(9)),
]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


LIGHT, DARK = (colours(block) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL))


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_contrast_that_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_contrast_is_enough(scheme: dict[str, str], ink: str, ground: str, least: float) -> None:
    assert contrast(scheme[ink], scheme[ground]) >= least


def test_both_schemes_have_all_colours_and_no_rule_has_one_of_its_own() -> None:
    assert LIGHT.keys() == DARK.keys()
    rules = re.sub(r":root \{.*?\}", "", CSS, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;, ])", rules) == []


def over(colour: str, ground: str, opacity: float) -> str:
    """A colour that lets its ground through."""
    pairs = zip(*(bytes.fromhex(each[1:]) for each in (colour, ground)), strict=True)
    return "#" + bytes(round(opacity * one + (1 - opacity) * other) for one, other in pairs).hex()


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_counts_can_be_read_on_every_cell_of_a_matrix(scheme: dict[str, str], share: float) -> None:
    cell = over(scheme["fill"], scheme["paper"], svg.CELL_OPACITY * share)
    assert contrast(scheme["ink"], cell) >= TEXT


def test_the_plots_of_a_file_have_the_colours_of_the_page() -> None:
    assert svg.LIGHT.items() <= LIGHT.items() and svg.DARK.items() <= DARK.items()
    used = set(re.findall(r"var\(--([\w-]+)\)", svg.RULES))
    assert used <= svg.LIGHT.keys() == svg.DARK.keys()
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", svg.RULES) == []
