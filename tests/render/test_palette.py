"""The colours of the static form read on light and on dark."""

from __future__ import annotations

import re

import pytest

from alloy_nb.render.palette import CODE_COLOURS, COLOURS, MIXED, STYLES, mark

LIGHT, DARK = "#ffffff", "#111111"

#: JupyterLab's text on these two: black at 87 %, white.
TEXT = {LIGHT: (33, 33, 33), DARK: (255, 255, 255)}

#: No colour has more contrast than this on both: the square root of the contrast between the two.
BEST = 4.345


def rgb(literal: str) -> tuple[float, ...]:
    return tuple(int(literal[place : place + 2], 16) for place in (1, 3, 5))


def luminance(colour: tuple[float, ...]) -> float:
    parts = (part / 255 for part in colour)
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mix(one: tuple[float, ...], other: tuple[float, ...], share: float) -> tuple[float, ...]:
    return tuple(a * share + b * (1 - share) for a, b in zip(one, other, strict=True))


def test_no_colour_could_reach_four_and_a_half_on_both() -> None:
    assert contrast(rgb(LIGHT), rgb(DARK)) ** 0.5 == pytest.approx(BEST, abs=0.001)


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_each_literal_is_as_legible_on_both_pages_as_can_be(name, page) -> None:
    assert contrast(rgb(COLOURS[name]), rgb(page)) > BEST - 0.03


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_each_mixed_colour_has_the_contrast_that_text_needs(name, page) -> None:
    assert contrast(mix(rgb(COLOURS[name]), TEXT[page], MIXED), rgb(page)) >= 4.5


@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_quiet_text_has_the_contrast_that_text_needs(page) -> None:
    for style in STYLES.values():
        for opacity in re.findall(r"opacity:([0-9.]+)", style):
            assert contrast(mix(TEXT[page], rgb(page), float(opacity)), rgb(page)) >= 4.5


@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_tinted_boxes_leave_text_its_contrast(page) -> None:
    for tint in re.findall(r"background:rgba\(127,127,127,([0-9.]+)\)", " ".join(STYLES.values())):
        assert contrast(TEXT[page], mix((127, 127, 127), rgb(page), float(tint))) >= 7


def test_the_literal_comes_first_so_that_it_stays_where_mixing_is_not_known() -> None:
    assert re.fullmatch(r"color:(#[0-9a-f]{6});color:color-mix\(in srgb,\1 70%,currentColor\)", mark("blue"))


def test_every_colour_stands_in_the_one_table() -> None:
    used = set(re.findall(r"#[0-9a-fA-F]{3,8}", " ".join(STYLES.values())))
    assert used <= set(COLOURS.values())
    assert set(CODE_COLOURS.values()) <= set(COLOURS)


# JupyterLab's sanitizer of untrusted output drops these forms, found by running its own expressions.
DROPPED = re.compile(r"var\(|currentColor|inherit|anywhere|\dch\b|max-content|font-variant-numeric|tab-size")
LOADS = re.compile(r"url\(|image|@|expression|position")


@pytest.mark.parametrize("name", STYLES)
def test_no_style_needs_what_untrusted_output_loses(name) -> None:
    assert not DROPPED.search(STYLES[name])
    assert not LOADS.search(STYLES[name])
    assert '"' not in STYLES[name]
