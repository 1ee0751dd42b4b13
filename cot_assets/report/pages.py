"""The report of a problem set: a folder of HTML pages that need nothing but themselves.

Belongs here: the template environment, each page's style, script and policy, writing the folder. Does not
belong here: what pages hold (:mod:`.index`, :mod:`.contexts`), how they look (``templates/``) and how the folder is
swapped (:mod:`.folder`).

Pages carry a Content-Security-Policy that allows one style sheet and one script, both by hash, and
images from ``data:``; text from models and data sets goes through :mod:`.text` and Jinja2's autoescape.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cot_assets.report import numbers
from cot_assets.report.colors import map_css
from cot_assets.report.contexts import Contexts
from cot_assets.report.data import ReportData
from cot_assets.report.folder import GENERATOR, replaced_folder
from cot_assets.report.index import index_context
from cot_assets.report.text import one_line


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cot_assets.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(numbers.FILTERS)
    return environment


def _asset(name: str) -> str:
    """A style sheet or script of the package without comments and indentation."""
    source, _, _ = _environment().loader.get_source(_environment(), name)  # type: ignore[union-attr]
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    return "\n".join(line.strip() for line in source.splitlines() if line.strip())


@lru_cache(maxsize=2)
def _shell(is_trace: bool) -> dict[str, Any]:
    """Style, script and policy of a kind of page."""
    style = map_css() + _asset("style.css") + (_asset("trace.css") if is_trace else "")
    script = _asset("trace.js") if is_trace else ""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    policy = (
        f"default-src 'none'; style-src {digest(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    if script:
        policy += f"; script-src {digest(script)}"
    return {
        "style": Markup(style),  # noqa: S704 - from the package
        "script": Markup(script),  # noqa: S704
        "policy": policy,
        "generator": GENERATOR,
    }


def _pages(data: ReportData) -> Iterator[tuple[str, str]]:
    """Every page: its path below the report's folder and its text."""
    contexts = Contexts(data)

    def fill(template: str, is_trace: bool, context: dict[str, Any]) -> str:
        page = {**_shell(is_trace), "problem_set": one_line(data.problem_set, 120)}
        return _environment().get_template(template).render(page=page, **context)

    yield "index.html", fill("index.html.j2", False, index_context(contexts))
    for model in contexts.models:
        yield contexts.model_file(model), fill("model.html.j2", False, contexts.model(model))
    for file, context in contexts.trace_contexts():
        yield file, fill("trace.html.j2", True, context)


def render_report(data: ReportData, folder: Path) -> list[Path]:
    """Write the report of one problem set into ``folder``, in place of the report that is there.

    Everything is written under a temporary name beside ``folder`` and then renamed, so that readers see
    the old report or the new one, and pages of traces that are gone go too.

    Args:
        data: What to show.
        folder: Where the report shall be; made if absent, its parents too.

    Returns:
        The paths of all pages, ``index.html`` first.

    Raises:
        ReportError: ``folder`` holds something that is no report, or the data do not fit together.
    """
    return replaced_folder(folder, _pages(data))
