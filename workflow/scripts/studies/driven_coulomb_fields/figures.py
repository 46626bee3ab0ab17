"""The study's figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, legend, log_axis, named, panels
from pesin.steps.results import Results

ANGLES = (0, 45, 90)


def structure(study: Results) -> Figure:
    """S_rhorho and S_cc against k at three angles: simulated and closed form."""
    result: Any = study["entropy/electrolyte"]
    vectors = result["vector"].values
    size, angle = np.hypot(*vectors.T), np.degrees(np.arctan2(abs(vectors[:, 1]), abs(vectors[:, 0])))
    figure, axes = panels(2, 3, height=2.3, sharex=True, sharey="row")
    for row, moment in zip(axes, ("rhorho", "cc"), strict=True):
        for panel, towards in zip(row, ANGLES, strict=True):
            near = np.flatnonzero(abs(angle - towards) < 1)
            near = near[np.argsort(size[near])]
            for colour, field in zip(COLOURS, result["field"].values, strict=False):
                at = {"moment": moment, "field": field}
                panel.plot(size[near], result["structure"].sel(at)[near], ".", ms=3, color=colour)
                panel.plot(size[near], result["expected"].sel(at)[near], color=colour, lw=1, label=f"{field:g}")
            log_axis(panel, "x")
            panel.set_title(f"{towards}° from the field")
        row[0].set_ylabel(named(result["structure"], "S_ρρ" if moment == "rhorho" else "S_cc"))
    for panel in axes[-1]:
        panel.set_xlabel(named(result["vector"], "k"))
    legend(axes[0, 0], title="Ecal")
    return figure
