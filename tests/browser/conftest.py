"""A headless Chromium and the reports that it opens.

Chromium is Debian's or another one on PATH, or the one that COT_ASSETS_CHROMIUM names; nothing is
downloaded. Without one the tests are skipped, except where CI=true: there they fail.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from support.extras import missing

from cot_assets.measures.sections import SECTIONS
from cot_assets.report.pages import render_report
from cot_assets.report.text import file_stem

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "report"))

from synthetic_report import Rows, demo_tables, imported_tables, source_of

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP *.test 127.0.0.1",  # as a name does that is rebound
]


def _missing(what: str) -> NoReturn:
    missing(f"{what}; apt-get install chromium and uv sync, or name it in COT_ASSETS_CHROMIUM")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    names = (os.environ.get("COT_ASSETS_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        _missing("no Chromium on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page and everything that went wrong while it was open."""

    page: Any
    troubles: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Opened]]:
    """Opens a file in a context of its own, without network."""
    contexts: list[Any] = []

    def opened(
        path: Path, *, width: int = 1280, height: int = 900, scheme: str = "light", **more: Any
    ) -> Opened:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True, **more
        )
        contexts.append(context)
        result = Opened(context.new_page())
        page = result.page
        page.on("console", lambda m: result.troubles.append(f"console {m.type}: {m.text}"))
        page.on("pageerror", lambda error: result.troubles.append(f"error: {error}"))
        page.on("requestfailed", lambda r: result.troubles.append(f"failed ({r.failure}): {r.url[:200]}"))
        page.on(
            "dialog", lambda dialog: (result.troubles.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        page.on("request", lambda request: result.requests.append(request.url))
        page.goto(path.as_uri())
        return result

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def demo() -> dict[str, Rows]:
    """24 problems, two models: the size of the demo."""
    return demo_tables()


@pytest.fixture(scope="session")
def demo_report(chromium: Any, demo: dict[str, Rows], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "demo"
    render_report(source_of(demo), SECTIONS, folder)
    return folder


@pytest.fixture(scope="session")
def imported_report(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "imported"
    render_report(source_of(imported_tables(500), "imported", is_imported=True), SECTIONS, folder)
    return folder


@pytest.fixture(scope="session")
def page_of(demo_report: Path) -> Callable[[dict[str, Any]], Path]:
    """Finds the page of the demo's trace that a row is about."""

    def found(row: dict[str, Any]) -> Path:
        stem = file_stem(row["model"], row["problem_id"], row["cut_policy"], unseen=row["trace_id"])
        return demo_report / f"traces/{stem}.html"

    return found


@pytest.fixture(scope="session")
def kinds(
    demo: dict[str, Rows], demo_report: Path, imported_report: Path, page_of: Callable[..., Path]
) -> dict[str, Path]:
    """One page of every kind, those of traces with every kind of mark."""
    pages = {
        "index": demo_report / "index.html",
        "compare": demo_report / "compare.html",
        "imported index": imported_report / "index.html",
        "imported sentences": next(imported_report.glob("traces/*sentences*.html")),
        "imported grid": next(imported_report.glob("traces/*grid21*.html")),
    }
    for kind in ("insight", "tangent", "lucky_guess"):
        pages[kind] = page_of(next(e for e in demo["events"] if e["pattern"] == kind))
    return pages
