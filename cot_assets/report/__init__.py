"""Turns tables into pictures and pages.

Belongs here: figures (:mod:`.plots`), the report folder of a problem set (:mod:`.pages`), the frames
that it is made of (:mod:`.data`), and what keeps text from models harmless (:mod:`.text`). Does not
belong here: estimates of any kind (:mod:`cot_assets.measures`), and reading a database: the caller
hands in frames, or a function that runs SQL.
"""

from cot_assets.report.data import ReportData, ReportError, load_report_data
from cot_assets.report.pages import render_report
from cot_assets.report.plots import curves_figure, pattern_figure, to_png, to_svg, transfer_figure

__all__ = [
    "ReportData",
    "ReportError",
    "curves_figure",
    "load_report_data",
    "pattern_figure",
    "render_report",
    "to_png",
    "to_svg",
    "transfer_figure",
]
