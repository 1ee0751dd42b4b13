"""The pictures of the README, taken from the reports of this repository in a headless Chromium.

uv run python tests/browser/pictures.py
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "reports" / "pretrained"
PICTURES = {  # by file: the page, where it is scrolled to, and its size
    "pretrained.png": (next(STUDY.glob("traces/*int8-gsm_symbolic-34-*.html")), "h1", (1200, 840)),
    "report.png": (ROOT / "reports" / "demo" / "index.html", "h1", (1200, 760)),
    "gallery.png": (ROOT / "reports" / "demo" / "index.html", "#traces", (1200, 620)),
}


def main() -> None:
    """Take them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (page_file, top, (width, height)) in PICTURES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            page.goto(page_file.as_uri())
            if top != "h1" or page_file.parent.name == "traces":
                page.locator(top).first.evaluate(
                    "it => scrollTo(0, it.getBoundingClientRect().top + scrollY - 70)"
                )
            page.wait_for_timeout(500)
            page.screenshot(path=ROOT / "docs" / name)
        page.goto((STUDY / "compare.html").as_uri())
        transfer = page.locator("details", has_text="What the first part of a writer")
        transfer.evaluate("it => { it.open = true }")
        transfer.locator("img").screenshot(path=ROOT / "docs" / "transfer.png")


if __name__ == "__main__":
    main()
