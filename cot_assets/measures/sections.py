"""The sections of all rooms, in the order in which a report shows them."""

from cot_assets.measures.answers import report as answers
from cot_assets.measures.curves import report as curves
from cot_assets.measures.patterns import report as patterns
from cot_assets.measures.rates import report as rates
from cot_assets.measures.search import report as search
from cot_assets.measures.transfer import report as transfer

SECTIONS = tuple(
    section for room in (rates, patterns, answers, transfer, search, curves) for section in room.SECTIONS
)
