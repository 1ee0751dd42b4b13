"""The report of a problem set: a folder of HTML pages that need nothing but themselves.

Pages carry a Content-Security-Policy that allows one style sheet and one script, both by hash, and
images from ``data:``; text from models and data sets goes through :mod:`.text` and Jinja2's autoescape.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from cot_assets.report import numbers
from cot_assets.report.findings import findings
from cot_assets.report.folder import GENERATOR, replaced_folder
from cot_assets.report.index import Report
from cot_assets.report.sections import Section
from cot_assets.report.source import Row, Source
from cot_assets.report.text import one_line, typeset, visible
from cot_assets.report.trace_view import MOST_PER_STRETCH, SYMBOLS, TraceView


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cot_assets.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(numbers.FILTERS, typeset=typeset, one_line=one_line)
    environment.globals.update(symbols=SYMBOLS, too_few=numbers.TOO_FEW, findings=findings)
    return environment


def _asset(name: str) -> str:
    """A style sheet or script of the package without comments and indentation."""
    source, _, _ = _environment().loader.get_source(_environment(), name)  # type: ignore[union-attr]
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    return "\n".join(line.strip() for line in source.splitlines() if line.strip())


#: Scripts of each kind of page.
_SCRIPTS = {"index": ("theme", "fold", "gallery"), "compare": ("theme", "fold"), "trace": ("theme", "trace")}


@lru_cache(maxsize=len(_SCRIPTS))
def _shell(kind: str) -> dict[str, Any]:
    """Style, script and policy of a kind of page."""
    style = "".join(_asset(f"{name}.css") for name in ("colors", "style", "trace", "index"))
    script = "".join(_asset(f"{name}.js") for name in _SCRIPTS[kind])

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return {
        "style": Markup(style),  # noqa: S704 - from the package
        "script": Markup(script),  # noqa: S704
        "policy": f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        "generator": GENERATOR,
    }


def _pages(report: Report) -> Iterator[tuple[str, str]]:
    """Every page: its path below the report's folder and its text."""

    def fill(kind: str, context: dict[str, Any]) -> str:
        page = {**_shell(kind), "problem_set": one_line(report.source.problem_set, 120)}
        return _environment().get_template(f"{kind}.html.j2").render(page=page, **context)

    yield "index.html", fill("index", {"report": report})
    if report.is_compared:
        yield "compare.html", fill("compare", {"report": report})
    for file, context in report.trace_pages():
        yield file, fill("trace", context)


def render_report(
    source: Source, sections: Sequence[Section], folder: Path, notices: Sequence[str] = ()
) -> list[Path]:
    """Write the report of one problem set into ``folder``, in place of the report that is there.

    Everything is written under a temporary name next to ``folder`` and then renamed, so that readers see
    the old report or the new one, and pages of traces that are gone go too.

    Args:
        source: What to show.
        sections: The sections of all rooms, in the order in which they are shown.
        folder: Where the report shall be; made if absent, its parents too.
        notices: Sentences about what went wrong before, such as failed checks; they come first.

    Returns:
        The paths of all pages, ``index.html`` first.

    Raises:
        ReportError: ``folder`` holds something that is not a report.
    """
    return replaced_folder(folder, _pages(Report(source, sections, notices)))


def told_findings(source: Source) -> list[list[str]]:
    """Headline, sentence and command of each finding as plain text, as the page has them."""
    says = vars(_environment().get_template("findings.html.j2").module)
    found = (re.sub(r"<[^>]+>", "\n", says[finding.kind](finding)) for finding in findings(source))
    return [[html.unescape(line) for line in text.split("\n") if line] for text in found]


def trace_frame(trace: Row, view: TraceView | None) -> str:
    """An HTML element for notebooks: a frame with the text and curve of a trace, in which no script runs.

    Args:
        trace: Row of ``traces``.
        view: What its page shows; None where the trace was not measured.
    """
    page = _environment().get_template("frame.html.j2").render(
        page=_shell("trace"), trace=trace, view=view, text=visible(trace["text"], MOST_PER_STRETCH),
        problem=one_line(trace["problem_id"], 80), model=one_line(trace["model"], 80),
    )  # fmt: skip
    return f'<iframe sandbox srcdoc="{escape(page)}" style="width:100%;height:480px;border:0"></iframe>'
