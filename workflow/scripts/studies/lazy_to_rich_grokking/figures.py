"""The study's figures."""

from __future__ import annotations

from matplotlib.figure import Figure

from pesin.plot.style import panels
from pesin.steps.results import Results


def grokking(study: Results) -> Figure:
    """Later."""
    return panels(1, 1)[0]


def knobs(study: Results) -> Figure:
    """Later."""
    return panels(1, 1)[0]


def theory(study: Results) -> Figure:
    """Later."""
    return panels(1, 1)[0]
