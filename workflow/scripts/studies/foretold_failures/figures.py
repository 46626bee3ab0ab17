"""The study's figures: areas against the time of the look, and what was seen against how the runs ended."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, legend, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

KNOWN = ("loss", "rate", "gain")
"""No entropies: what stands beside them."""
BAR, AT, LEAST = 0.6, 0.1, -1.0
"""Bound of C1, C2 and C5; the look of the second figure; where it ends below."""


def warnings(study: Results) -> Figure:
    """A panel for each world."""
    found: Any = study["entropy/main"]
    figure, axes = panels(1, len(found["world"]), width=9.5, height=3, sharey=True)
    looks = found["look"].values
    shown = np.where(looks > 0, looks, looks[looks > 0][0] / 2)
    for panel, world in zip(axes[0], found["world"].values, strict=True):
        for i, (quantity, said) in enumerate(zip(found["quantity"].values, found["named"].values, strict=True)):
            auc = found["auc"].sel(world=world, quantity=quantity)
            if np.isfinite(auc).all():
                whole = interval(auc.transpose("look", "seed"), "seed")
                interval_band(
                    panel, shown, whole, label=said, color=COLOURS[i], linestyle="--" if quantity in KNOWN else "-"
                )
        panel.axhline(0.5, color="k", linewidth=0.8)
        panel.axhline(BAR, color="k", linestyle=":", linewidth=0.8)
        share = float(found["failed"].sel(world=world).mean())
        panel.set(xscale="log", xlabel="share of the training that is done", title=f"{world}, {share:.0%} failed")
        panel.set_xticks(shown, ["0", *(f"{look:g}" for look in looks[1:])])
        panel.minorticks_off()
    axes[0, 0].set_ylabel("failed runs foretold (AUC)")
    handles = {h.get_label(): h for panel in axes[0] for h in panel.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def fates(study: Results) -> Figure:
    """A row for each world, a column for each quantity."""
    found: Any = study["entropy/main"]
    names = found["quantity"].values
    figure, axes = panels(len(found["world"]), len(names), width=1.5 * len(names), height=1.6, sharey="row")
    for row, world in zip(axes, found["world"].values, strict=True):
        score, fate = (found[key].sel(world=world).values.ravel() for key in ("score", "fate"))
        for panel, quantity, said in zip(row, names, found["named"].values, strict=True):
            value = found["value"].sel(world=world, quantity=quantity).sel(look=AT, method="nearest").values.ravel()
            if not np.isfinite(value).any():
                note(panel, "no attention", (0.5, 0.5), xycoords="axes fraction", ha="center")
            for failed, colour in ((True, COLOURS[1]), (False, COLOURS[0])):
                there = np.isfinite(value) & (fate.astype(bool) == failed)
                label = "failed" if failed else "did not fail"
                panel.plot(value[there], np.maximum(score[there], LEAST), ".", color=colour, markersize=3, label=label)
            panel.axhline(float(found["bar"].sel(world=world)), color="k", linestyle=":", linewidth=0.8)
            panel.set_ylim(LEAST - 0.05, 1)
            if world == found["world"].values[-1]:
                panel.set_xlabel(said.replace(" of ", "\nof ").replace("spectral entropy", "spectral\nentropy", 1))
        row[0].set_ylabel(f"{world}\nscore at the end")
    legend(axes[0, -1], outside="right", markerscale=3)
    return figure
