"""Old place of the names that :mod:`cot_assets.study` now gives; goes when nothing imports from here."""

from cot_assets.study import ADAPTIVE, BLOCK_SIZE, CONTROLS, NAME, RECORDED, Adaptive, Control, CutPolicy

__all__ = ["ADAPTIVE", "BLOCK_SIZE", "CONTROLS", "NAME", "RECORDED", "Adaptive", "Control", "CutPolicy"]
