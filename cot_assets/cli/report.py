"""``report``: where the rendered reports are, and the way into one."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("problem_set", required=False)
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser; of several the latest.")
def report(problem_set: str | None, is_opened: bool) -> None:
    """Say where the report of PROBLEM_SET is, or where all are, the latest first.

    `cot-assets run` and `cot-assets import` write them.
    """
    import webbrowser

    from cot_assets.study import DataHome
    from cot_assets.warehouse.errors import printable

    home = DataHome.from_environment()
    pages = _pages(home.reports)
    if not pages:
        raise click.ClickException(
            f"no report is in {home.reports} yet: `cot-assets demo` or `cot-assets run` writes one"
        )
    if problem_set is not None:
        known = ", ".join(sorted(page.parent.name for page in pages))
        pages = [page for page in pages if page.parent.name == problem_set]
        if not pages:
            raise click.ClickException(
                f"no report of problem set {problem_set!r}; there are: {known}. "
                "`cot-assets run` with its --model and --problem-set writes it"
            )
    for page in pages:
        click.echo(printable(str(page)))
    if is_opened and not webbrowser.open(pages[0].as_uri()):
        raise click.ClickException(
            f"no browser opens here; open {pages[0]}, or see it below /reports/ of `cot-assets ui`"
        )


def _pages(reports: Path) -> list[Path]:
    """The first pages of all reports, the latest first; not of those that are being written or were set aside."""
    from cot_assets.study.files import DAMAGED

    folders = reports.iterdir() if reports.exists() else ()
    shown = (folder for folder in folders if not folder.name.startswith(".") and folder.suffix != DAMAGED)
    pages = [page for folder in shown if (page := folder / "index.html").is_file()]
    return sorted(pages, key=lambda page: page.stat().st_mtime, reverse=True)
