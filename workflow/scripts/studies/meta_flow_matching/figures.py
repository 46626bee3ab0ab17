"""The study's figures: letters, crossing populations, losses, distances, diversity, embeddings, patients."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, panels, whiskers
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
SAID = {
    "none": "FM",
    "label": "CGFM",
    "mean": "mean only",
    "sets": "deep sets",
    "graph": "MFM",
    "wide_graph": "MFM, wide",
    "attention": "attention",
    "identity": "at rest",
    "mean_shift": "true shift",
    "affine_transport": "affine",
    "before": "source",
    "after": "target",
}


CASES = (("shuffled_embeddings", GREY, "embeddings of others"), ("populations", COLOURS[0], "own embeddings"))


def said(models) -> list[str]:
    """What axes call the arms."""
    return [SAID[str(model)] for model in models]


def scattered(panel: Any, place: float, values: Any, over: str, colour: str) -> None:
    """Units as small dots, and their mean with its 95 % interval beside them."""
    found = interval(values, over)
    panel.plot(np.full(values.sizes[over], place - 0.15), values, ".", color=colour, markersize=3, alpha=0.6)
    whiskers(panel, [place + 0.1], [found.centre], [found.low], [found.high], color=colour)


def letters(study: Results) -> Figure:
    """One rotation of each held-out letter: source, FM, MFM, target; and how much nearer than FM's MFM's are."""
    result: Any = study["forecast/populations"]
    cloud, what = result["letters/cloud"], ["before", "none", "graph", "after"]
    figure, axes = panels(cloud.sizes["shown"], 5, height=1.7, width_ratios=[1, 1, 1, 1, 1.3])
    for row, shown in zip(axes, range(cloud.sizes["shown"]), strict=True):
        for panel, name in zip(row, what, strict=False):
            x = cloud.sel(what=name).isel(shown=shown).values
            panel.plot(x[:, 0], x[:, 1], ".", markersize=3, color=COLOURS[what.index(name)])
            panel.set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal", xticks=[-3, 0, 3], yticks=[-3, 0, 3])
    for panel, title in zip(axes[0], said(what), strict=False):
        panel.set_title(title)
    for panel in axes[-1, :4]:
        panel.set_xlabel("x")
    for row, letter in zip(axes, result["letters/letter"].values, strict=True):
        row[0].set_ylabel("y")
        for place, (case, colour, _) in enumerate(CASES):
            by_letter: Any = study[f"forecast/{case}"]["letters/by_letter"].sel(letter=letter)
            scattered(row[4], place, by_letter.sel(model="none") - by_letter.sel(model="graph"), "rotation", colour)
        row[4].axhline(0, color=COLOURS[6], linewidth=0.6)
        names(row[4], "x", ["others'\nembeddings", "own"])
        row[4].set(xlim=(-0.5, 1.5), ylabel=f"W2, FM less MFM ({letter})")
        row[4].yaxis.label.set_size(8)
    return figure


def crossing(study: Results) -> Figure:
    """Where points of two populations go, truly and by FM and MFM."""
    result: Any = study["forecast/populations"]
    cloud = result["drift/cloud"]
    figure, axes = panels(1, 3, height=2.2, sharex=True, sharey=True)
    for panel, name in zip(axes[0], ("after", "none", "graph"), strict=True):
        for shown in range(cloud.sizes["shown"]):
            start, end = (cloud.sel(what=what).isel(shown=shown).values for what in ("before", name))
            look: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.004}
            panel.quiver(*start.T, *(end - start).T, color=COLOURS[shown], **look)
            panel.plot(*start.mean(0), "X", color=COLOURS[shown], markersize=8, markeredgecolor=COLOURS[6])
        panel.set(title="true" if name == "after" else SAID[name], xlabel="x", aspect="equal")
    axes[0, 0].set_ylabel("y")
    return figure


def losses(study: Results) -> Figure:
    """Loss on new populations over the least of a field of place and time, by arm, for both worlds of particles."""
    figure, axes = panels(1, 2, height=3.3)
    worlds = (("drift", "moved by the mean"), ("shape", "moved by the shape"))
    ticks = {"drift": [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20], "shape": [0.3, 0.5, 0.7, 1, 1.5, 2]}
    for panel, (world, title) in zip(axes[0], worlds, strict=True):
        for case, colour, label in CASES:
            loss: Any = study[f"forecast/{case}"][f"{world}/loss_over_floor"]
            interval_whiskers(panel, np.arange(loss.sizes["arm"]), interval(loss, "seed"), label=label, color=colour)
        panel.axhline(1, color=COLOURS[6], linewidth=0.8, label="no field of place and time gets below")
        if world == "drift":
            panel.axhspan(0.9, 1.15, color=COLOURS[1], alpha=0.3, linewidth=0, label="C1: FM within")
            panel.axhline(0.1, color=COLOURS[2], linestyle=":", label="C1: MFM below")
        names(panel, "x", said(loss["arm"].values), rotation=30)
        panel.set(xlabel=f"{title}; 95 % over seeds", ylabel="loss over the least of place and time")
        log_axis(panel, "y", ticks[world])
        legend(panel, "above", ncols=2 if world == "drift" else 1)
    return figure


def distances(study: Results) -> Figure:
    """W2 to the paired target, and to another draw above the floor, by arm; MFM's by number of training populations."""
    figure, axes = panels(1, 3, height=3.2)
    sets = (("w2", "W2 to the paired target"), ("above_floor", "W2 to another draw, less floor"))
    for panel, (name, title) in zip(axes[0], sets, strict=False):
        for case, colour, label in CASES:
            found: Any = study[f"forecast/{case}"]
            values = found[f"drift/{name}"]
            centre = interval(values.mean("seed"), "population")
            interval_whiskers(panel, np.arange(values.sizes["model"]), centre, label=label, color=colour)
        limit = 0.3 * float(values.sel(model="none").mean())
        panel.axhline(limit, color=COLOURS[2], linestyle=":", label="C2: MFM below")
        names(panel, "x", said(values["model"].values), rotation=45)
        panel.set(ylabel=title)
    panel = axes[0, 2]
    for case, colour, _ in CASES:
        by_size: Any = study[f"forecast/{case}"]["drift/w2_by_size"]
        panel.plot(by_size["size"], by_size.transpose("size", "seed"), ".", color=colour, alpha=0.6)
        interval_band(panel, by_size["size"].values, interval(by_size, "seed"), color=colour)
    best = float(study["forecast/populations"]["drift/w2"].sel(model="none").mean())
    panel.axhline(best, color=COLOURS[1], linestyle="--", linewidth=0.8, label="FM, all populations")
    log_axis(panel, "x", by_size["size"].values)
    panel.set(xlabel="training populations of MFM", ylabel="W2 to the paired target")
    for panel in axes[0]:
        panel.set_ylim(0, None)
        legend(panel, "above")
    return figure


def embeddings(study: Results) -> Figure:
    """Principal components of the embedding by what they should know; changes of entropy."""
    result: Any = study["entropy/populations"]
    figure, axes = panels(1, 3, height=2.6)
    for panel, world, title in zip(
        axes[0], ("drift", "shape"), ("moved by the mean", "moved by the shape"), strict=False
    ):
        scores = result[f"{world}/scores"].isel(seed=0)
        colour = result[f"{world}/statistic"].isel(seed=0, part=0)
        drawn = panel.scatter(*scores.transpose("component", "new").values, c=colour, s=4, cmap="viridis")
        known = "x of the mean" if world == "drift" else "log ratio of eigenvalues"
        figure.colorbar(drawn, ax=panel, location="bottom", label=known)
        panel.set(title=title, xlabel="component 1", ylabel="component 2")
    panel, change = axes[0, 2], result["drift/entropy_change"].mean("seed", keep_attrs=True)
    for i, name in enumerate(("FM", "MFM")):
        panel.hist(change.isel(arm=i), np.linspace(-3, 0.5, 36), color=COLOURS[i], alpha=0.6, label=name)
    panel.axvline(float(result["drift/exact_change"]), color=COLOURS[6], linestyle="--", linewidth=0.8, label="exact")
    panel.set(xlabel=named(change, "change of entropy"), ylabel="held-out populations")
    legend(panel)
    return figure


def patients(study: Results) -> Figure:
    """Distances of every held-out patient above those of MFM."""
    result: Any = study["forecast/populations"]
    values, floor = result["organoids/by_patient"], result["organoids/floor"]
    others = [str(model) for model in values["model"].values if model != "graph"]
    figure, axes = panels(1, values.sizes["distance"], height=3.0)
    for panel, distance in zip(axes[0], values["distance"].values, strict=True):
        some = values.sel(distance=distance)
        apart = [some.sel(model=other) for other in others] + [floor.sel(distance=distance)]
        for i, of in enumerate(apart):
            judged = i < len(others) and others[i] in ("none", "label", "affine_transport")
            scattered(panel, i, of - some.sel(model="graph"), "patient", COLOURS[0] if judged else GREY)
        panel.axhline(0, color=COLOURS[6], linewidth=0.6)
        names(panel, "x", [*said(others), "two draws"], rotation=45)
        panel.set(ylabel=f"{str(distance).upper()} less that of MFM")
    return figure
