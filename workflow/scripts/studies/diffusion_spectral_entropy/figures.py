"""The study's figures."""

from __future__ import annotations

from matplotlib.figure import Figure

from pesin.plot.style import panels


def dimension(study) -> Figure:
    return panels()[0]


def dependence(study) -> Figure:
    return panels()[0]


def training(study) -> Figure:
    return panels()[0]


def downstream(study) -> Figure:
    return panels()[0]


def sensitivity(study) -> Figure:
    return panels()[0]
