"""Text from models and data sets, made fit to be shown."""

from cot_assets.report.text.showing import bounded, file_stem, natural, one_line, visible
from cot_assets.report.text.typesetting import typeset

__all__ = ["bounded", "file_stem", "natural", "one_line", "typeset", "visible"]
