"""Models compared, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def test_models_are_compared_one_click_from_the_first_screen(demo_report: Path, open_page: Open) -> None:
    """Two checkpoints of one training: rates with differences, potential over its steps, readers by writers."""
    opened = open_page(demo_report / "index.html")
    page = opened.page
    page.get_by_role("link", name="Compare", exact=True).click()
    assert page.url.endswith("/compare.html")
    for name, said in (
        ("How hard the problems are for each model", "70% [65, 75]"),
        ("Two models on the same problems", "30% [10, 50]"),
        ("Over the steps of a training", "2,000"),
        ("Readers by writers: the chance after a beginning", "0.45 [0.35, 0.55]"),
        ("Readers by writers: what the beginning changes", "+0.15 [+0.10, +0.20]"),
    ):
        shown = page.locator("details[open]", has_text=name)
        assert said in shown.inner_text()
        for picture in shown.locator("img").all():
            assert picture.is_visible()
            assert picture.evaluate("image => image.naturalWidth") > 400
    if folder := os.environ.get("COT_ASSETS_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "compare.png", full_page=True)
    assert not opened.troubles


def test_cells_of_the_matrix_have_the_colors_of_their_numbers(demo_report: Path, open_page: Open) -> None:
    page = open_page(demo_report / "compare.html").page
    potential, lift = page.locator("td.step").all()
    assert "p9" in potential.get_attribute("class").split()
    assert "q12" in lift.get_attribute("class").split()
    colors = [cell.evaluate("e => getComputedStyle(e).backgroundColor") for cell in (potential, lift)]
    assert "rgba(0, 0, 0, 0)" not in colors
    assert colors[0] != colors[1]


def test_questions_are_one_click_away_and_unfold(demo_report: Path, open_page: Open) -> None:
    opened = open_page(demo_report / "compare.html", width=390, height=844)
    page = opened.page
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = false; })")
    page.locator(".top a", has_text="Transfer").click()
    box = page.locator("#transfer").bounding_box()
    assert 0 <= box["y"] < 844
    assert page.locator("section[aria-labelledby=transfer] details").first.get_attribute("open") is not None
    page.locator(".top a").first.click()
    assert page.url.endswith("/index.html")
    assert not opened.troubles
